"""Platform credits: dated lots that are reserved, released, consumed, forfeited, frozen, revoked and expire."""

from django.apps import AppConfig


class CreditsConfig(AppConfig):
    name = "credits"
