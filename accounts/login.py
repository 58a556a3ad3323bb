"""`auth/…`: signing up, logging in, staying logged in, and who one is."""

from typing import Any, ClassVar, cast

from allauth.headless.account import views as account
from allauth.headless.mfa import views as mfa
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError
from django.http import HttpRequest
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from common.problems import Problem

from . import account_inputs as documents
from .api_view import ApiView
from .headless import Said, SecondFactorNeeded, SessionTokenNotValid, View, app_view, ask, refuse
from .lockout import guarded
from .models import User
from .rate_limits import Scope, address_of, login_of, take
from .tokens import BearerAuthentication, Strategy, TokenNotValid, end_session, stashed_user_id

CODE = {"key": "code"}


class InvalidCredentials(Problem):
    status, code, title = 401, "invalid_credentials", "No account with this e-mail and password"
    remedy = "Check both, or reset the password at auth/password/request."


class AccountView(ApiView):
    """Doors of accounts: answers are secrets, so none is kept."""

    keeps_answers = False
    asks_second_factor = False  # it is set up here

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers["Cache-Control"] = "no-store"
        return final

    @property
    def plain(self) -> HttpRequest:
        """The request as Django and allauth know it."""
        request: HttpRequest = self.request._request
        return request

    @property
    def session(self) -> SessionBase:
        """The session of whoever is logged in."""
        return cast(SessionBase, self.request.auth)

    def ask(self, view: View, method: str = "POST", *, session_token: str = "", **body: Any) -> Said:
        """Ask allauth as whoever is logged in, or going on with `session_token`."""
        lock = str(self.session.session_key) if self.request.auth else ""
        return ask(view, self.plain, method=method, body=body, session_token=session_token, lock=lock)


class OpenView(AccountView):
    """For people who are not logged in yet."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    write_scope: ClassVar[Scope] = "login"

    def count_login(self, account: str) -> None:
        """Count one try to get into an account. Raises RateLimited."""
        self.standing = take("login", who=login_of(self.plain, account), address=address_of(self.plain))


class OwnView(AccountView):
    """For whoever is logged in by a token."""

    authentication_classes = (BearerAuthentication,)
    permission_classes = (IsAuthenticated,)


# --- Signing up ------------------------------------------------------------------------------------------------------
class SignUp(OpenView):
    """Make an account. The answer is the same when the address has one already; its owner is told by mail."""

    takes, answers, answer_status = documents.SignUpInput, documents.Begun, 201
    operation_id = {"POST": "sign_up"}
    view = staticmethod(app_view(account.SignupView))

    def post(self, request: Request) -> Response:
        body = self.body()
        self.count_login(body["email"].lower())
        try:
            said = self.ask(self.view, **body)
        except IntegrityError:  # somebody was faster with this address
            said = self.ask(self.view, **body)
        if said.pending != "verify_email":
            refuse(said)
        return Response(_begun(said, "auth/email/verify"), status=self.answer_status)


class VerifyEmail(OpenView):
    """The code from the mail. Whoever was signing up or logging in is logged in; or go on with the second factor."""

    takes, answers = documents.PendingCodeInput, documents.Tokens
    operation_id = {"POST": "verify_email"}
    view = staticmethod(app_view(account.VerifyEmailView))

    def post(self, request: Request) -> Response:
        body = self.body()
        self.count_login(body["session_token"])
        said = self.ask(self.view, session_token=body["session_token"], key=body["code"])
        refuse(said, token=body["session_token"], field_names=CODE)
        return Response(_tokens(said))


class ResendCode(OpenView):
    """Another code by mail; the earlier one no longer works."""

    takes, answers = documents.PendingInput, documents.Begun
    operation_id = {"POST": "resend_code"}
    view = staticmethod(app_view(account.ResendEmailVerificationCodeView))

    def post(self, request: Request) -> Response:
        token = self.body()["session_token"]
        self.count_login(token)
        refuse(self.ask(self.view, session_token=token), token=token)
        return Response({"session_token": token, "next": "auth/email/verify"})


# --- Logging in ------------------------------------------------------------------------------------------------------
class LogIn(OpenView):
    """Log in with e-mail and password, and with the code of the authenticator app where the account has one."""

    takes, answers = documents.Credentials, documents.Tokens
    operation_id = {"POST": "log_in"}
    view = staticmethod(app_view(account.LoginView))

    def post(self, request: Request) -> Response:
        body = self.body()
        email = body["email"].lower()
        self.count_login(email)
        with guarded("password", account=email, address=address_of(self.plain)) as this:
            said = self.ask(self.view, email=email, password=body["password"])
            self.plain.acting_as = User.objects.filter(email=email).first()  # type: ignore[attr-defined]  # for the audit
            if said.status == 400 or (said.status == 401 and not said.pending):
                raise InvalidCredentials()
            this.was_right()
        try:
            refuse(said)
        except SecondFactorNeeded:
            if "code" not in body:
                raise
            said = SecondFactor.passed_with(self, body["code"], said.session_token)
        return Response(_tokens(said))


class SecondFactor(OpenView):
    """The code of the authenticator app, or a recovery code, to complete logging in."""

    takes, answers = documents.PendingCodeInput, documents.Tokens
    operation_id = {"POST": "pass_second_factor"}
    view = staticmethod(app_view(mfa.AuthenticateView))

    def post(self, request: Request) -> Response:
        body = self.body()
        self.count_login(body["session_token"])
        return Response(_tokens(self.passed_with(self, body["code"], body["session_token"])))

    @staticmethod
    def passed_with(door: AccountView, code: str, session_token: str) -> Said:
        """Go on with a login. Raises SessionTokenNotValid, TooManyFailures, Invalid for a wrong code."""
        user_id = stashed_user_id(session_token)
        if user_id is None:
            raise SessionTokenNotValid()
        with guarded("code", account=user_id, address=address_of(door.plain)) as this:
            said = door.ask(SecondFactor.view, session_token=session_token, code=code)
            refuse(said, token=session_token)
            this.was_right()
        return said


class Refresh(OpenView):
    """A new access token and a new refresh token; the old refresh token is spent."""

    takes, answers = documents.RefreshInput, documents.Tokens
    write_scope = "write"
    operation_id = {"POST": "refresh_token"}

    def post(self, request: Request) -> Response:
        tokens = Strategy().refresh_token(self.body()["refresh"])
        if tokens is None:
            raise TokenNotValid()
        return Response(pair(access=tokens[0], refresh=tokens[1]))


class LogOut(OwnView):
    """Log out: the session and its tokens end."""

    write_scope = "write"
    http_method_names = ("delete", "options")
    operation_id = {"DELETE": "log_out"}

    def delete(self, request: Request) -> Response:
        end_session(str(self.session.session_key))
        return Response(status=204)


class WhoAmI(ApiView):
    """Who is logged in, what they may do and what holds them back."""

    answers = documents.Me
    operation_id = {"GET": "who_am_i"}

    def get(self, request: Request) -> Response:
        return Response(documents.Me(self.user).data)


def _begun(said: Said, where: str) -> dict[str, str]:
    return {"session_token": said.session_token, "next": where}


def _tokens(said: Said) -> dict[str, Any]:
    return pair(access=said.meta["access_token"], refresh=said.meta["refresh_token"])


def pair(*, access: str, refresh: str) -> dict[str, Any]:
    """The document of two tokens."""
    seconds = settings.HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN
    return {"access": access, "refresh": refresh, "token_type": "Bearer", "expires_in": seconds}
