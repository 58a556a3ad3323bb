"""docs/api/ says what the code says: every error code with what to do about it, every endpoint, the limits."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from common.problems import Problem, Refused
from instainstru import written_docs
from instainstru.management.commands import write_docs
from instainstru.problem_catalogue import catalogue, every_problem

from .tables import DOCS, table

API = DOCS / "api"


def test_every_kind_of_problem_has_a_code_and_a_remedy_of_its_own() -> None:
    for problem in every_problem() - {Problem, Refused}:
        assert "code" in vars(problem), f"{problem.__qualname__} needs a `code` of its own"
        assert "remedy" in vars(problem), f"{problem.__qualname__} needs a `remedy`: what the caller does about it"
        assert problem.remedy.endswith("."), problem.remedy


def test_every_code_is_known() -> None:
    assert {"invalid", "booking_conflict", "invalid_local_time", "stripe_unavailable", "refused"} <= set(catalogue())
    assert catalogue()["refused"] is Problem


def test_the_written_documents_are_what_the_code_says() -> None:
    call_command("write_docs", "--check")


def test_an_old_document_is_found_and_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_docs, "FOLDER", tmp_path)
    (tmp_path / "errors.md").write_text("old", encoding="utf-8")
    with pytest.raises(CommandError, match="write_docs"):
        call_command("write_docs", "--check")
    call_command("write_docs")
    assert (tmp_path / "errors.md").read_text(encoding="utf-8") == written_docs.errors()
    call_command("write_docs", "--check")


def test_the_limits_are_the_settings_defaults() -> None:
    told = {row["Kind"]: int(row["A minute"]) for row in table(API / "limits.md", "limits")}
    assert told == settings.RATE_LIMITS_PER_MINUTE


def test_the_index_names_every_page() -> None:
    index = (API / "README.md").read_text(encoding="utf-8")
    for page in API.glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, page.name
