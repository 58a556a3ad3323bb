"""What is taught, by whom, when and for how much."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "catalog"
