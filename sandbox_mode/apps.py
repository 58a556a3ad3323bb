"""Sandbox mode: the page, the clock and the demo people. In any other mode nothing of it answers."""

from django.apps import AppConfig


class SandboxModeConfig(AppConfig):
    name = "sandbox_mode"
