"""People: e-mail login, roles, what keeps an account from booking."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def import_models(self) -> None:
        """The models of models.py, and those that live beside what they are for."""
        super().import_models()
        from . import account_mail, audit_trail, idempotency  # noqa: F401
