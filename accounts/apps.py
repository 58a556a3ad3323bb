"""People: e-mail login, roles, what keeps an account from booking."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def import_models(self) -> None:
        """The models of models.py, and the one that lives beside what it is for."""
        super().import_models()
        from . import idempotency  # noqa: F401
