"""A stateful local Stripe with Connect, speaking its HTTP API. Run `python -m stripe_sandbox --help`."""

API_VERSION = "2026-08-26.dahlia"
