"""The lesson side: bookings, their operations, and every door to them."""

from django.apps import AppConfig


class BookingsConfig(AppConfig):
    name = "bookings"
