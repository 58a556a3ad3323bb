"""What the doors of accounts take and answer."""

from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from common.actors import Role

from .fields import ZoneField
from .models import User

CODE_LENGTH = 32


class PasswordField(serializers.CharField):
    """A password as it was typed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 256, "trim_whitespace": False, "style": {"input_type": "password"}, **kwargs})


class CodeField(serializers.CharField):
    """From a mail, an authenticator app, or the list of recovery codes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=CODE_LENGTH, **kwargs)


class SessionTokenField(serializers.CharField):
    """Which beginning this goes on with."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=40, help_text="As answered when this was begun", **kwargs)
        self.validators.append(RegexValidator(r"\A[a-z0-9]{8,40}\Z", "Not a session token."))


class EmailField(serializers.EmailField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=254, **kwargs)


# --- What is taken ---------------------------------------------------------------------------------------------------
class SignUpInput(serializers.Serializer[Any]):
    email = EmailField()
    password = PasswordField()
    role = serializers.ChoiceField(choices=[str(Role.STUDENT), str(Role.INSTRUCTOR)])
    first_name = serializers.CharField(max_length=80)
    last_name = serializers.CharField(max_length=80, default="", allow_blank=True)
    timezone = ZoneField(default="America/New_York", help_text="IANA zone, for reading times")


class Credentials(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254)
    password = PasswordField()
    code = CodeField(required=False, help_text="Of the authenticator app or a recovery code, where the account has one")


class RefreshInput(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=2000)


class CodeInput(serializers.Serializer[Any]):
    code = CodeField()


class PendingCodeInput(CodeInput):
    session_token = SessionTokenField()


class PendingInput(serializers.Serializer[Any]):
    session_token = SessionTokenField()


class VerifyInput(CodeInput):
    session_token = SessionTokenField(required=False)


class EmailInput(serializers.Serializer[Any]):
    email = EmailField()


class NewPasswordInput(PendingCodeInput):
    password = PasswordField()


class ChangePasswordInput(serializers.Serializer[Any]):
    current_password = PasswordField()
    new_password = PasswordField()


class PasswordInput(serializers.Serializer[Any]):
    password = PasswordField()


# --- What is answered ------------------------------------------------------------------------------------------------
class Tokens(serializers.Serializer[Any]):
    access = serializers.CharField(help_text="For `Authorization: Bearer …`")
    refresh = serializers.CharField(help_text="For auth/token/refresh, once")
    token_type = serializers.CharField(help_text="Bearer")
    expires_in = serializers.IntegerField(help_text="Seconds that the access token lives")


class Begun(serializers.Serializer[Any]):
    """The same whether there is an account with this address or not: what comes next is in the mail."""

    session_token = serializers.CharField(help_text="Send it with the code from the mail")
    next = serializers.CharField(help_text="Where the code goes: auth/email/verify or auth/password/reset")


class SessionDocument(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    is_current = serializers.BooleanField()
    address = serializers.CharField(source="ip", help_text="Where it was opened")
    user_agent = serializers.CharField()
    opened_at = serializers.DateTimeField(source="created_at")
    last_seen_at = serializers.DateTimeField(help_text="When its tokens were last refreshed")


class SessionsDocument(serializers.Serializer[Any]):
    results = SessionDocument(many=True)


class Authenticators(serializers.Serializer[Any]):
    totp = serializers.BooleanField(help_text="Whether an authenticator app is set up")
    recovery_codes_left = serializers.IntegerField()


class NewAuthenticator(serializers.Serializer[Any]):
    secret = serializers.CharField(help_text="Base32; POST the code that it shows within this session")
    totp_url = serializers.CharField(help_text="otpauth://… for a QR code")


class RecoveryCodes(serializers.Serializer[Any]):
    recovery_codes = serializers.ListField(
        child=serializers.CharField(), help_text="Each works once instead of a code of the app; shown this once"
    )


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
