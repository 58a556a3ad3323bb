"""The money side: payments, plans and movements, the ledger, Stripe."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
