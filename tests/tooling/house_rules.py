"""The house's own lint rules: `python -m tests.tooling.house_rules`. Each says what goes wrong and what to do instead.

A line that must break a rule says so and why: `# house: <rule> because <reason>`.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent.parent
PACKAGES = (
    "accounts",
    "bookings",
    "catalog",
    "common",
    "community",
    "credits",
    "instainstru",
    "packages",
    "pages",
    "payments",
    "sandbox_mode",
    "support",
)
CLOCKS = {"timezone.now", "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "localtime", "localdate"}
PRETENDED_CLOCKS = {"Now", "CurrentTimestamp"}
# What has a status without a state machine: the model, a relation to it, or the statuses of a movement.
WITHOUT_A_MACHINE = {"Chargeback", "CreditLot", "Entitlement", "Package", "MoneyMovement", "movements", "Status"}
STATUS_UPDATES = {"update", "bulk_update", "update_or_create"}


@dataclass(frozen=True)
class Rule:
    """A rule's name, the one file it does not hold in, and what a person reads who broke it."""

    name: str
    except_in: str
    explanation: str


CLOCK = Rule(
    "clock",
    "common/clock.py",
    "asks the machine for the time. In sandbox mode the clock can be moved, and a decision must use one instant from "
    "beginning to end. Doors call common.clock.now() once and pass it down; leases use common.clock.system_now().",
)
STRIPE = Rule(
    "stripe",
    "payments/gateway.py",
    "imports stripe. Calls from elsewhere miss the timeout, the idempotency key, the shared pace and the refusal to "
    "run inside a transaction. Add a function to payments/gateway.py and call that.",
)
STATUS = Rule(
    "status",
    "",
    "writes a status past its state machine: no transition is checked and no other worker is noticed. "
    "Call the transition method of the model and save().",
)


@dataclass(frozen=True)
class Finding:
    """One broken rule."""

    path: str
    line: int
    rule: Rule

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: [{self.rule.name}] {self.rule.explanation}"


def findings(path: str, source: str) -> list[Finding]:
    """What a file (its path from the root of the project, and its text) does against the rules."""
    lines = source.splitlines()
    found = []
    for line, rule in _broken(ast.parse(source)):
        if path != rule.except_in and f"# house: {rule.name} because " not in lines[line - 1]:
            found.append(Finding(path, line, rule))
    return found


def _broken(tree: ast.AST) -> Iterator[tuple[int, Rule]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=func) if _last_two(func) in CLOCKS or _name(func) in PRETENDED_CLOCKS:
                yield node.lineno, CLOCK
            case ast.keyword(arg="default" | "default_factory", value=value) if _last_two(value) in CLOCKS:
                yield value.lineno, CLOCK
            case ast.Import(names=names) if any(name.name.split(".")[0] == "stripe" for name in names):
                yield node.lineno, STRIPE
            case ast.ImportFrom(module=str(module), level=0) if module.split(".")[0] == "stripe":
                yield node.lineno, STRIPE
            case ast.Call(func=ast.Attribute(attr=attr)) if attr in STATUS_UPDATES and _writes_a_status(node):
                yield node.lineno, STATUS


def _last_two(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return _name(node)


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _writes_a_status(call: ast.Call) -> bool:
    if WITHOUT_A_MACHINE & {_name(node) for node in ast.walk(call) if isinstance(node, ast.expr)}:
        return False
    words: list[object] = [keyword.arg for keyword in call.keywords]
    for argument in [
        *call.args,
        *(keyword.value for keyword in call.keywords if keyword.arg in ("defaults", "fields")),
    ]:
        words += [node.value for node in ast.walk(argument) if isinstance(node, ast.Constant)]
    return any(isinstance(word, str) and (word == "status" or word.endswith("_status")) for word in words)


def sources() -> Iterator[Path]:
    """Every file the rules hold for: our packages, without migrations."""
    for package in PACKAGES:
        for path in sorted((BASE_DIR / package).rglob("*.py")):
            if "migrations" not in str(path.parent):
                yield path


def main() -> int:
    """Print every broken rule; exit code 1 when there is one."""
    found = [
        finding
        for path in sources()
        for finding in findings(str(path.relative_to(BASE_DIR)), path.read_text(encoding="utf-8"))
    ]
    for finding in found:
        print(finding)
    print(f"House rules: {len(found)} broken." if found else "House rules: kept.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
