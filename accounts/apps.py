"""People: e-mail login, roles, what keeps an account from booking."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
