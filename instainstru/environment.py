"""What the environment says, read once, with a default for everything and a clear refusal for what is unsafe.

`make run` writes the addresses of what it started into `<INSTAINSTRU_HOME>/run.env`, so that `python manage.py …` in
another terminal finds the same database and the same Stripe sandbox. Real environment variables win over that file.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("INSTAINSTRU_HOME") or BASE_DIR / ".instainstru").expanduser().resolve()
RUN_ENV = HOME / "run.env"

DEFAULT_SECRET_KEY = "sandbox-only-secret-key-do-not-use-with-real-money-0123456789"  # noqa: S105
SANDBOX_SECRET_KEY = "sk_test_sandbox00000000000000000"  # noqa: S105
SANDBOX_PUBLISHABLE_KEY = "pk_test_sandbox00000000000000000"
STRIPE_MODES = ("sandbox", "test", "live")

env = environ.Env()


def read_run_env() -> None:
    """Take what `make run` wrote for whatever the environment does not say itself."""
    if RUN_ENV.exists():
        environ.Env.read_env(RUN_ENV, overwrite=False)


def number(name: str, default: int, *, low: int, high: int) -> int:
    """An integer setting within [low, high]. Raises ImproperlyConfigured naming the variable and what it may be."""
    raw = os.environ.get(name, "")
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number from {low} to {high}, not {raw!r}.") from None
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name} must be from {low} to {high}, not {value}.")
    return value


def flag(name: str, *, default: bool) -> bool:
    """A yes/no setting. Raises ImproperlyConfigured for anything that is neither."""
    raw = os.environ.get(name, "").strip().lower()
    if raw in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
        return default if raw == "" else raw in ("1", "true", "yes", "on")
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {raw!r}.")


def database() -> dict[str, Any]:
    """Django's database dictionary from DATABASE_URL. Raises ImproperlyConfigured for anything but PostgreSQL."""
    url = os.environ.get("DATABASE_URL") or "postgresql://postgres@/instainstru"
    if not url.startswith(("postgresql://", "postgres://")):
        raise ImproperlyConfigured("DATABASE_URL must look like postgresql://user:password@host:5432/database.")
    try:
        config: dict[str, Any] = environ.Env.db_url_config(url)
    except ValueError as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {error}.") from None
    if not config["NAME"]:
        raise ImproperlyConfigured("DATABASE_URL names no database: postgresql://user:password@host:5432/database.")
    return config


def mail(default: str) -> dict[str, Any]:
    """Django's mail settings from EMAIL_URL. Raises ImproperlyConfigured for an unknown way to send mail."""
    url = os.environ.get("EMAIL_URL") or default
    if urlsplit(url).scheme not in environ.Env.EMAIL_SCHEMES:
        raise ImproperlyConfigured(f"EMAIL_URL must start with one of {', '.join(environ.Env.EMAIL_SCHEMES)}.")
    config: dict[str, Any] = environ.Env.email_url_config(url)
    return config


MAIL_SERVICES = {  # anymail's name of a service: the settings it needs, each an environment variable of the same name
    "amazon_ses": (),
    "brevo": ("BREVO_API_KEY",),
    "mailgun": ("MAILGUN_API_KEY", "MAILGUN_SENDER_DOMAIN"),
    "mailjet": ("MAILJET_API_KEY", "MAILJET_SECRET_KEY"),
    "postmark": ("POSTMARK_SERVER_TOKEN",),
    "resend": ("RESEND_API_KEY",),
    "sendgrid": ("SENDGRID_API_KEY",),
}


def mail_service() -> dict[str, Any]:
    """Django's mail settings for a mail service, from MAIL_SERVICE and its keys; {} when mail goes by EMAIL_URL.

    Raises ImproperlyConfigured for an unknown service or a missing key.
    """
    name = choice("MAIL_SERVICE", ("", *MAIL_SERVICES), "")
    if not name:
        return {}
    keys = {key: os.environ.get(key, "") for key in MAIL_SERVICES[name]}
    missing = [key for key, value in keys.items() if not value]
    if missing:
        raise ImproperlyConfigured(f"MAIL_SERVICE={name} needs {' and '.join(missing)}.")
    return {"EMAIL_BACKEND": f"anymail.backends.{name}.EmailBackend", "ANYMAIL": keys}


def choice(name: str, options: Sequence[str], default: str) -> str:
    """One of a few words. Raises ImproperlyConfigured naming the variable and what it may be."""
    value = os.environ.get(name) or default
    if value not in options:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(options)}, not {value!r}.")
    return value


def address(name: str, schemes: Sequence[str], default: str) -> str:
    """An address like https://example.com, without a slash at its end; the default may be empty."""
    value = os.environ.get(name) or default
    if value and not (urlsplit(value).scheme in schemes and urlsplit(value).netloc):
        raise ImproperlyConfigured(f"{name} must look like {schemes[0]}://host, not {value!r}.")
    return value.rstrip("/")


def stripe_mode() -> str:
    """`sandbox` (the embedded default), `test` or `live`. Raises ImproperlyConfigured for anything else."""
    return choice("STRIPE_MODE", STRIPE_MODES, "sandbox")


def token_key(*, mode: str, secret_key: str) -> str:
    """What signs access and refresh tokens: JWT_SECRET_KEY, in sandbox mode made from SECRET_KEY when not given.

    Raises ImproperlyConfigured outside sandbox mode when it is missing, short or SECRET_KEY itself.
    """
    key = os.environ.get("JWT_SECRET_KEY", "")
    if mode == "sandbox":
        return key or hashlib.sha256(b"tokens:" + secret_key.encode()).hexdigest()
    if len(key) < 50 or key == secret_key:
        raise ImproperlyConfigured(
            f"STRIPE_MODE={mode} refuses to start: JWT_SECRET_KEY must be a random one of at least 50 characters, "
            "and not SECRET_KEY."
        )
    return key


def refuse_unsafe(*, mode: str, secret_key: str, debug: bool, stripe_key: str, stripe_api_base: str | None) -> None:
    """Outside sandbox mode nothing of the sandbox may be switched on. Raises ImproperlyConfigured with every reason."""
    if mode == "sandbox":
        return
    reasons = []
    if debug:
        reasons.append("DEBUG is on: unset DEBUG.")
    if secret_key == DEFAULT_SECRET_KEY or len(secret_key) < 50:
        reasons.append("SECRET_KEY is the default or shorter than 50 characters: set a long random one.")
    prefixes = ("sk_live_", "rk_live_") if mode == "live" else ("sk_test_", "rk_test_")
    if stripe_key == SANDBOX_SECRET_KEY or not stripe_key.startswith(prefixes):
        reasons.append(f"STRIPE_SECRET_KEY must be a real key starting with {' or '.join(prefixes)}.")
    if stripe_api_base:
        reasons.append("STRIPE_API_BASE is set: only the sandbox has an address of its own; unset it.")
    if reasons:
        raise ImproperlyConfigured(f"STRIPE_MODE={mode} refuses to start: " + " ".join(reasons))
