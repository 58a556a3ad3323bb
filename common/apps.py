"""What every room needs and nobody owns: money, clock, ids, actors, the mutex, problems. No models."""

from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "common"
