"""The command line."""

import argparse
import socket
import sys
from pathlib import Path

from stripe_sandbox import API_VERSION
from stripe_sandbox.config import Config, Endpoint

DEFAULTS = Config(state=Path("stripe-sandbox.sqlite3"))

EPILOG = f"""\
Point the official SDK at it:

    stripe.StripeClient("{DEFAULTS.secret_key}", base_addresses={{"api": "http://127.0.0.1:12111"}})

and pages at http://127.0.0.1:12111/v3/ instead of Stripe's script. Controls (clock, faults, disputes, webhooks, ledger)
are under /_sandbox/; the README lists them. API version {API_VERSION}.
"""


def parse(arguments: list[str] | None = None) -> tuple[Config, str]:
    """Settings and log level from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m stripe_sandbox",
        description="A stateful local Stripe with Connect, for development and tests. Bound to this machine.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=DEFAULTS.port, help="port to listen on (default %(default)s)")
    add("--host", default=DEFAULTS.host, help="loopback address to listen on (default %(default)s)")
    add("--state", type=Path, default=DEFAULTS.state, help="SQLite file to keep everything in (default %(default)s)")
    add("--secret-key", default=DEFAULTS.secret_key, help="the secret key it accepts (default %(default)s)")
    add("--publishable-key", default=DEFAULTS.publishable_key, help="the publishable key (default %(default)s)")
    add("--public-url", default="", help="address browsers reach it under, for hosted pages (default: host and port)")
    add(
        "--webhook",
        action="append",
        default=[],
        metavar="URL=SECRET",
        help="platform webhook endpoint; may be repeated",
    )
    add(
        "--connect", action="append", default=[], metavar="URL=SECRET", help="the same for events of connected accounts"
    )
    add("--fee-bps", type=int, default=DEFAULTS.fee_bps, help="Stripe's fee in 1/100 %% (default %(default)s)")
    add("--fee-fixed", type=int, default=DEFAULTS.fee_fixed, help="and per charge, in cents (default %(default)s)")
    add(
        "--dispute-fee", type=int, default=DEFAULTS.dispute_fee, help="fee of a dispute, in cents (default %(default)s)"
    )
    add("--dispute-fee-returned", action="store_true", help="a won dispute also brings the fee back")
    add("--settlement-days", type=float, default=2, help="until card funds are available (default %(default)s)")
    add("--log-level", default="warning", choices=("debug", "info", "warning", "error"), help="(default %(default)s)")
    given = parser.parse_args(arguments)
    if not given.secret_key.startswith("sk_test_") or not given.publishable_key.startswith("pk_test_"):
        parser.error("keys must start with sk_test_ and pk_test_: this is not for live keys")
    if not _is_loopback(given.host):
        parser.error(f"--host {given.host} is not a loopback address; the sandbox must not be reachable from outside")
    hooks = [_endpoint(parser, text, False) for text in given.webhook]
    hooks += [_endpoint(parser, text, True) for text in given.connect]
    config = Config(
        state=given.state,
        host=given.host,
        port=given.port,
        secret_key=given.secret_key,
        publishable_key=given.publishable_key,
        public_url=given.public_url,
        webhooks=tuple(hooks),
        fee_bps=given.fee_bps,
        fee_fixed=given.fee_fixed,
        dispute_fee=given.dispute_fee,
        dispute_fee_returned=given.dispute_fee_returned,
        settlement_seconds=int(given.settlement_days * 86400),
    )
    return config, given.log_level


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _endpoint(parser: argparse.ArgumentParser, text: str, connect: bool) -> Endpoint:
    url, equals, secret = text.rpartition("=")
    if not equals or not secret.startswith("whsec_") or not url.startswith(("http://", "https://")):
        parser.error(f"not URL=whsec_…: {text}")
    return Endpoint(url, secret, connect)


def _port_is_free(config: Config) -> bool:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError:
            return False
    return True


def main() -> int:
    """Run the sandbox until it is stopped."""
    config, log_level = parse()
    if not _port_is_free(config):
        print(f"stripe_sandbox: {config.host}:{config.port} is in use", file=sys.stderr)
        return 1
    from stripe_sandbox.server import serve

    serve(config, log_level)
    return 0


if __name__ == "__main__":
    sys.exit(main())
