"""What allauth asks us: how mails leave, which address a caller has, how secrets rest."""

import base64
import hashlib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from . import account_mail
from .lockout import refuse_flood
from .rate_limits import address_of


class AccountAdapter(DefaultAccountAdapter):
    """allauth's account flows, with our mails."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        kind = account_mail.KINDS[template_prefix]
        if kind in account_mail.ASKED_FOR:
            refuse_flood(email)
        account_mail.write(kind=kind, to=email, code=str(context.get("code", "")))

    def send_account_already_exists_mail(self, email: str) -> None:
        make_password("as slow as for a new account: nobody learns from the time it takes")
        refuse_flood(email)
        account_mail.write(kind="account_exists", to=email)

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request) or "0.0.0.0"  # noqa: S104  # an address in a list, not one to listen at


class SecondFactorAdapter(DefaultMFAAdapter):
    """Secrets of authenticators rest encrypted with a key made from SECRET_KEY."""

    def encrypt(self, text: str) -> str:
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _fernet().decrypt(encrypted_text.encode()).decode()


def _fernet() -> Fernet:
    key = hashlib.sha256(b"second-factor:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
