"""docs/operations.md says what to do with everything that can lie in the support queue."""

from bookings.models import SupportItem

from .tables import DOCS, plain, table


def test_every_kind_of_support_item_has_its_advice() -> None:
    assert [plain(row["Kind"]) for row in table(DOCS / "operations.md", "support")] == SupportItem.Kind.values
