"""The README's settings have the defaults of the code, its targets are all there are, and no document links to nothing."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.environment import BASE_DIR

from .tables import DOCS, plain

README = (BASE_DIR / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [BASE_DIR / "README.md", BASE_DIR / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
READERS = {"number", "flag", "choice", "address", "str", "list"}  # environment.py's own, and environ's
IN_WORDS = {"STRIPE_SANDBOX_PORT", "STRIPE_REQUESTS_PER_SECOND", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS"}


def _cells() -> dict[str, str]:
    """What the README says each setting is unless told otherwise."""
    section = README.split("## Settings")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", section, re.MULTILINE))


def _defaults() -> dict[str, object]:
    """The defaults written as plain values in the code that reads the environment; the others depend on something."""
    found: dict[str, object] = {}
    for path in (BASE_DIR / "instainstru").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            reader = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            default = next((word.value for word in node.keywords if word.arg == "default"), None)
            position = 2 if reader in ("choice", "address") else 1
            if default is None and len(node.args) > position:
                default = node.args[position]
            if reader in READERS and isinstance(default, ast.Constant):
                found[str(node.args[0].value)] = default.value
    return found


@pytest.mark.parametrize(("name", "default"), sorted(_defaults().items()))
def test_the_readme_has_the_default_of_a_setting(name: str, default: object) -> None:
    if name in IN_WORDS or default == "":
        return
    expected = str(int(default)) if isinstance(default, bool) else str(default)
    told = plain(_cells()[name])
    assert told == expected or f"<{told}>" in expected, f"README says {told!r}, the code {expected!r}"


def test_enough_defaults_are_compared() -> None:
    assert len(_defaults()) >= 19


def test_the_readme_lists_every_target_of_the_makefile() -> None:
    targets = re.findall(r"^([a-z]+):.*## ", (BASE_DIR / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    listed = re.findall(r"^\| `make ([a-z]+)` \|", README, re.MULTILINE)
    assert sorted(listed) == sorted(targets), "list each target of the Makefile in README.md, and no other"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_document_links_to_nothing(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"(?<!!)\[[^\]]*\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)", text):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_decisions_are_numbered_and_say_what_was_rejected() -> None:
    decisions = sorted((DOCS / "decisions").glob("*.md"))
    numbers = [int(path.name[:4]) for path in decisions]
    assert len(set(numbers)) == len(numbers), "a number each"
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(path.name[:4])}. ")
        assert all(part in text for part in ("**Context.**", "**Decision.**", "**Rejected.**")), path.name
