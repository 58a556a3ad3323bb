"""`auth/…`: the password, the address, the second factor and the sessions of an account."""

from typing import Any

from allauth.headless.account import views as account
from allauth.headless.mfa import views as mfa
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from rest_framework.request import Request
from rest_framework.response import Response

from common.problems import Conflict, NotFound

from . import account_inputs as documents
from .headless import app_view, refuse
from .lockout import guarded
from .login import CODE, OpenView, OwnView, pair
from .models import User
from .rate_limits import address_of
from .tokens import end_session, end_sessions_of, issue


class AuthenticatorExists(Conflict):
    code, title = "authenticator_exists", "There is an authenticator app already"
    remedy = "Delete it first to set up another one."


# --- The password ----------------------------------------------------------------------------------------------------
class RequestPasswordReset(OpenView):
    """Ask for a code to set a new password with. The answer is the same whether there is such an account or not."""

    takes, answers = documents.EmailInput, documents.Begun
    operation_id = {"POST": "request_password_reset"}
    view = staticmethod(app_view(account.RequestPasswordResetView))

    def post(self, request: Request) -> Response:
        email = self.body()["email"].lower()
        self.count_login(email)
        said = self.ask(self.view, email=email)
        if said.status != 401:  # allauth says "not logged in yet" when all went well
            refuse(said)
        return Response({"session_token": said.session_token, "next": "auth/password/reset"})


class ResetPassword(OpenView):
    """Set a new password with the code from the mail. All sessions of the account end."""

    takes = documents.NewPasswordInput
    operation_id = {"POST": "reset_password"}
    view = staticmethod(app_view(account.ResetPasswordView))

    def post(self, request: Request) -> Response:
        body = self.body()
        token = body["session_token"]
        self.count_login(token)
        said = self.ask(self.view, session_token=token, key=body["code"], password=body["password"])
        if said.status != 401 or said.errors:
            refuse(said, token=token, field_names=CODE)
        end_session(token)
        return Response({})


class ChangePassword(OwnView):
    """Change the password. All tokens end; the answer has new ones for this session."""

    takes, answers = documents.ChangePasswordInput, documents.Tokens
    operation_id = {"POST": "change_password"}
    view = staticmethod(app_view(account.ChangePasswordView))

    def post(self, request: Request) -> Response:
        with guarded("password", account=self.user.email, address=address_of(self.plain)) as this:
            said = self.ask(self.view, **self.body())
            refuse(said)
            this.was_right()
        end_sessions_of(self.user, but=said.session_token)
        access, refresh = issue(User.objects.get(pk=self.user.pk), said.session_token)
        return Response(pair(access=access, refresh=refresh))


class Reauthenticate(OwnView):
    """Show again who one is, by password: for five minutes what protects the account may be changed."""

    takes = documents.PasswordInput
    operation_id = {"POST": "reauthenticate"}
    view = staticmethod(app_view(account.ReauthenticateView))

    def post(self, request: Request) -> Response:
        with guarded("password", account=self.user.email, address=address_of(self.plain)) as this:
            refuse(self.ask(self.view, **self.body()))
            this.was_right()
        return Response({})


class ReauthenticateByCode(OwnView):
    """Show again who one is, by a code of the authenticator app."""

    takes = documents.CodeInput
    operation_id = {"POST": "reauthenticate_by_code"}
    view = staticmethod(app_view(mfa.ReauthenticateView))

    def post(self, request: Request) -> Response:
        with guarded("code", account=self.user.pk, address=address_of(self.plain)) as this:
            refuse(self.ask(self.view, **self.body()))
            this.was_right()
        return Response({})


# --- The address -----------------------------------------------------------------------------------------------------
class ChangeEmail(OwnView):
    """Change the e-mail address: a code goes to the new one, and POST auth/email/verify makes it count."""

    takes = documents.EmailInput
    operation_id = {"POST": "change_email"}
    view = staticmethod(app_view(account.ManageEmailView))

    def post(self, request: Request) -> Response:
        refuse(self.ask(self.view, email=self.body()["email"].lower()))
        return Response({})


class VerifyNewEmail(OwnView):
    """The code that went to the new address."""

    takes = documents.CodeInput
    operation_id = {"POST": "verify_new_email"}
    view = staticmethod(app_view(account.VerifyEmailView))

    def post(self, request: Request) -> Response:
        with guarded("code", account=self.user.pk, address=address_of(self.plain)) as this:
            refuse(self.ask(self.view, key=self.body()["code"]), field_names=CODE)
            this.was_right()
        return Response({})


# --- The second factor -----------------------------------------------------------------------------------------------
class SecondFactors(OwnView):
    """Whether there is an authenticator app, and how many recovery codes are left."""

    answers = documents.Authenticators
    operation_id = {"GET": "read_authenticators"}

    def get(self, request: Request) -> Response:
        return Response(_authenticators(self.user.pk))


class AuthenticatorApp(OwnView):
    """Set up an authenticator app: GET a secret, POST the code it shows; DELETE it again."""

    takes, answers, shows = documents.CodeInput, documents.RecoveryCodes, documents.NewAuthenticator
    answer_status = 201
    operation_id = {"GET": "begin_authenticator", "POST": "add_authenticator", "DELETE": "delete_authenticator"}
    view = staticmethod(app_view(mfa.ManageTOTPView))

    def get(self, request: Request) -> Response:
        said = self.ask(self.view, "GET")
        if "secret" not in said.meta:
            refuse(said)
            raise AuthenticatorExists()
        return Response({"secret": said.meta["secret"], "totp_url": said.meta["totp_url"]})

    def post(self, request: Request) -> Response:
        """Turns it on; answers the recovery codes."""
        body = self.body()
        if Authenticator.objects.filter(user=self.user, type=Authenticator.Type.TOTP).exists():
            raise AuthenticatorExists()
        with guarded("code", account=self.user.pk, address=address_of(self.plain)) as this:
            refuse(self.ask(self.view, **body))
            this.was_right()
        return Response(_fresh_codes(self.user.pk), status=self.answer_status)

    def delete(self, request: Request) -> Response:
        refuse(self.ask(self.view, "DELETE"))
        return Response(status=204)


class NewRecoveryCodes(OwnView):
    """New recovery codes; the old ones no longer work."""

    answers, answer_status = documents.RecoveryCodes, 201
    operation_id = {"POST": "make_recovery_codes"}
    view = staticmethod(app_view(mfa.ManageRecoveryCodesView))

    def post(self, request: Request) -> Response:
        self.body()
        said = self.ask(self.view)
        refuse(said)
        return Response({"recovery_codes": said.data["unused_codes"]}, status=self.answer_status)


# --- Sessions --------------------------------------------------------------------------------------------------------
class Sessions(OwnView):
    """Where one is logged in; DELETE ends every session but this one."""

    answers = documents.SessionsDocument
    operation_id = {"GET": "list_sessions", "DELETE": "end_other_sessions"}

    def get(self, request: Request) -> Response:
        rows = list(UserSession.objects.filter(user=self.user).order_by("-last_seen_at", "-pk"))
        for row in rows:
            row.is_current = row.session_key == self.session.session_key
        return Response(documents.SessionsDocument({"results": rows}).data)

    def delete(self, request: Request) -> Response:
        end_sessions_of(self.user, but=str(self.session.session_key))
        return Response(status=204)


class OneSession(OwnView):
    """End one session: its tokens no longer work."""

    http_method_names = ("delete", "options")
    operation_id = {"DELETE": "end_session"}

    def delete(self, request: Request, session_id: int) -> Response:
        row = UserSession.objects.filter(user=self.user, pk=session_id).first()
        if row is None:
            raise NotFound()
        end_session(row.session_key)
        return Response(status=204)


def _authenticators(user_id: str) -> dict[str, Any]:
    rows = {row.type: row for row in Authenticator.objects.filter(user_id=user_id)}
    codes = rows.get(Authenticator.Type.RECOVERY_CODES)
    left = len(codes.wrap().get_unused_codes()) if codes else 0
    return {"totp": Authenticator.Type.TOTP in rows, "recovery_codes_left": left}


def _fresh_codes(user_id: str) -> dict[str, Any]:
    codes = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.RECOVERY_CODES).first()
    if codes is None:
        return {"recovery_codes": []}
    wrapped = codes.wrap()
    fresh = [] if wrapped.did_view else wrapped.get_unused_codes()
    wrapped.mark_as_viewed()
    return {"recovery_codes": fresh}
