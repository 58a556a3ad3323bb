"""The documents that are made from the code: their names, and what they should say."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator

from .problem_catalogue import catalogue

FOLDER = Path(settings.BASE_DIR) / "docs" / "api"
MADE = "<!-- Made by `manage.py write_docs`: change the code, then run it. -->\n\n"
PREFIX = "/api/v1/"


def errors() -> str:
    """docs/api/errors.md."""
    rows = [
        f"| {problem.status} | `{problem.code}` | {_cell(problem.title)} | {_cell(problem.remedy)} |"
        for problem in catalogue().values()
    ]
    return (
        f"{MADE}# Errors\n\n"
        "Every error is `application/problem+json` (RFC 9457): `type` (an address that answers what stands here), `title`, `status`,\n"
        "`detail` (for people), `instance` (the path) and a stable `code` (for programs). Some carry more beside: `errors` by field,\n"
        "`decline_code`, `quote`, `refundable_cents`, … 429 and 503 carry `Retry-After` when waiting helps.\n\n"
        f"{_table(('HTTP', 'Code', 'Means', 'What to do'), rows)}"
    )


def endpoints() -> str:
    """docs/api/endpoints.md."""
    rows = [
        f"| {method.upper()} | `{path.removeprefix(PREFIX)}` | {_cell(operation.get('x-who', ''))} "
        f"| {_cell(_first_sentence(operation))} |"
        for path, methods in schema()["paths"].items()
        for method, operation in methods.items()
    ]
    return (
        f"{MADE}# Endpoints\n\n"
        "Under `/api/v1/`; fields and answers are in the schema (`/api/v1/docs/`). Somebody else's object is 404.\n\n"
        f"{_table(('Method', 'Path', 'Who', 'What'), rows)}"
    )


def schema() -> dict[str, Any]:
    """The OpenAPI document, as `/api/v1/schema/` answers it."""
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]  # a library without types
    document: dict[str, Any] = generator.get_schema(request=None, public=True)
    return document


def openapi() -> str:
    """docs/api/openapi.json."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


DOCUMENTS: dict[str, Callable[[], str]] = {"errors.md": errors, "endpoints.md": endpoints, "openapi.json": openapi}


def _table(head: Iterable[str], rows: Iterable[str]) -> str:
    names = list(head)
    return "\n".join([f"| {' | '.join(names)} |", "|---" * len(names) + "|", *rows]) + "\n"


def _first_sentence(operation: dict[str, Any]) -> str:
    what = str(operation.get("description", "")).split("\n\n")[0].replace("\n", " ")
    return f"{what} (deprecated)" if operation.get("deprecated") else what


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
