"""Packages of lessons: what can be bought by the price list at Stripe, and the entitlements that were."""

from django.apps import AppConfig


class PackagesConfig(AppConfig):
    name = "packages"
