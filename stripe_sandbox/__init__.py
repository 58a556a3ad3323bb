"""A stateful local Stripe with Connect: a program of its own that speaks Stripe's HTTP API. Run `python -m stripe_sandbox --help`."""

API_VERSION = "2026-08-26.dahlia"
