"""Structured logs: one JSON object a line, with the request id; secrets are masked before anything is written."""

import re
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_NAME = re.compile(r"secret|password|token|authorization|api_key|signature|cookie", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"\b((?:sk|rk|whsec)_[A-Za-z0-9_]{4})[A-Za-z0-9_]+|(_secret_)[A-Za-z0-9]+|(/calendar/)[A-Za-z0-9_-]+(?=\.ics)"
)


def mask_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace secret values by name and by look; nothing that opens a door is ever in a log."""
    for key, value in event.items():
        if _SECRET_NAME.search(key):
            event[key] = "•••"
        elif isinstance(value, str):
            event[key] = _SECRET_VALUE.sub(lambda m: (m.group(1) or m.group(2) or m.group(3)) + "•••", value)
    return event


def configure(*, level: str) -> dict[str, Any]:
    """Configure structlog and return Django's LOGGING dictionary."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.JSONRenderer(),
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "stripe": {"level": "WARNING"},
            "django.request": {"level": "ERROR"},
            "django_structlog": {"level": "WARNING"},
        },
    }
