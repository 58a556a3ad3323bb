"""`auth/…`: an access token for fifteen minutes, a refresh token that can be used once, and who one is."""

from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.core.exceptions import ObjectDoesNotExist
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.serializers import TokenRefreshSerializer
from rest_framework_simplejwt.tokens import RefreshToken

from common.actors import Role
from common.problems import Problem

from .api_view import ApiView
from .models import User
from .rate_limits import login_of, refuse_if_too_many


class InvalidCredentials(Problem):
    status, code, title = 401, "invalid_credentials", "No account with this e-mail and password"
    remedy = "Ask for e-mail and password again; or reset the password."


class TokenNotValid(Problem):
    status, code, title = 401, "token_not_valid", "This token is expired, used or not one of ours"
    remedy = "Log in again."


class Credentials(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=256, trim_whitespace=False, style={"input_type": "password"})


class RefreshInput(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=2000)


class Tokens(serializers.Serializer[Any]):
    access = serializers.CharField(help_text="For `Authorization: Bearer …`")
    refresh = serializers.CharField(help_text="For auth/token/refresh, once")
    token_type = serializers.CharField(help_text="Bearer")
    expires_in = serializers.IntegerField(help_text="Seconds that the access token lives")


class Me(serializers.Serializer[User]):
    id = serializers.CharField()
    email = serializers.EmailField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    role = serializers.CharField(help_text=f"{Role.STUDENT}, {Role.INSTRUCTOR} or {Role.STAFF}")
    timezone = serializers.CharField()
    permissions = serializers.SerializerMethodField(help_text="view_financials, manage_financials")
    holds = serializers.SerializerMethodField(
        help_text="What keeps the account from booking: locked, restricted, negative"
    )

    def get_permissions(self, user: User) -> list[str]:
        return [name for name in ("view_financials", "manage_financials") if user.has_perm(f"accounts.{name}")]

    def get_holds(self, user: User) -> list[str]:
        return sorted(set(user.holds.filter(lifted_at=None).values_list("kind", flat=True)))


class LogIn(ApiView):
    """Log in with e-mail and password."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    write_scope = "login"
    keeps_answers = False
    takes, answers = Credentials, Tokens
    operation_id = {"POST": "log_in"}

    def post(self, request: Request) -> Response:
        body = self.body()
        email = body["email"].lower()
        refuse_if_too_many("login", login_of(request._request, email))
        user = authenticate(request._request, email=email, password=body["password"])
        if user is None:
            raise InvalidCredentials()
        token = RefreshToken.for_user(user)
        return Response(_tokens(access=str(token.access_token), refresh=str(token)))


class Refresh(ApiView):
    """A new access token and a new refresh token; the old refresh token is spent."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    keeps_answers = False
    takes, answers = RefreshInput, Tokens
    operation_id = {"POST": "refresh_token"}

    def post(self, request: Request) -> Response:
        serializer = TokenRefreshSerializer(data=self.body())
        try:
            serializer.is_valid(raise_exception=True)
        except (TokenError, ObjectDoesNotExist):
            raise TokenNotValid() from None
        return Response(_tokens(**serializer.validated_data))


class WhoAmI(ApiView):
    """Who is logged in, what they may do and what holds them back."""

    answers = Me
    operation_id = {"GET": "who_am_i"}

    def get(self, request: Request) -> Response:
        return Response(Me(self.user).data)


def _tokens(*, access: str, refresh: str) -> dict[str, Any]:
    lifetime: Any = settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]
    return {"access": access, "refresh": refresh, "token_type": "Bearer", "expires_in": int(lifetime.total_seconds())}
