"""Sandbox mode: the page, the clock and the demo people. In any other mode nothing of it answers."""

import logging

from django.apps import AppConfig


class SandboxModeConfig(AppConfig):
    name = "sandbox_mode"

    def ready(self) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # a walk asks the Stripe sandbox hundreds of things
