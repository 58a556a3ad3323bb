"""Tables in our documents, and the words and amounts in their cells."""

import re
from datetime import timedelta
from pathlib import Path

from tests.support.environment import BASE_DIR

DOCS = BASE_DIR / "docs"
Row = dict[str, str]
SECONDS = {"s": 1, "min": 60, "h": 3600, "days": 86400, "days ago": 86400, "day ago": 86400}
PAIR = re.compile(r"(\d+) (days? ago|days|min|h|s)\b")


def table(document: Path, name: str) -> list[Row]:
    """The table under `<!-- table: name -->`, a dictionary for each row. Raises AssertionError when it is not there."""
    text = document.read_text(encoding="utf-8")
    marks = re.findall(rf"<!-- table: {re.escape(name)} -->\n((?:\|.*\n)+)", text)
    assert len(marks) == 1, f"{document.name} has {len(marks)} tables named {name!r}"
    head, _, *lines = [_cells(line) for line in marks[0].splitlines()]
    assert lines, f"the table {name!r} is empty"
    assert all(len(line) == len(head) for line in lines), f"a row of {name!r} has too few or too many cells"
    return [dict(zip(head, line, strict=True)) for line in lines]


def names_of_tables(document: Path) -> list[str]:
    """Every table of a document that tests read."""
    return re.findall(r"<!-- table: (.+?) -->", document.read_text(encoding="utf-8"))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def plain(cell: str) -> str:
    """`code` without its quotes."""
    return cell.strip("`")


def words(cell: str) -> list[str]:
    """A list of words in a cell; `none` is none."""
    return [] if cell == "none" else [plain(word.strip()) for word in cell.split(",")]


def cents(cell: str) -> int | None:
    """`$1,234.56` in cents; None for a cell in words."""
    match = re.fullmatch(r"\$([\d,]+)\.(\d\d)", cell)
    return int(match[1].replace(",", "")) * 100 + int(match[2]) if match else None


def amount(cell: str) -> int:
    """A cell that must hold an amount, in cents."""
    value = cents(cell)
    assert value is not None, f"{cell!r} is not an amount"
    return value


def bps(cell: str) -> int:
    """`12 %` in basis points."""
    return round(float(cell.removesuffix("%")) * 100)


def span(cell: str) -> timedelta:
    """`24 h`, `11 h 59 min 59 s`, `30 days`, `−1 h`."""
    seconds = sum(int(number) * SECONDS[unit] for number, unit in PAIR.findall(cell))
    assert PAIR.search(cell), f"{cell!r} is not a span of time"
    return timedelta(seconds=-seconds if cell[0] in "-−" else seconds)
