"""The house's own lint rules find what they are for, and nothing else."""

import pytest

from tests.tooling.house_rules import findings


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("clock", "timezone.now()"),
        ("clock", "datetime.datetime.now(UTC)"),
        ("clock", "models.DateTimeField(default=timezone.now)"),
        ("clock", "Booking.objects.filter(starts_at__lt=Now())"),
        ("stripe", "import stripe"),
        ("stripe", "from stripe.error import CardError"),
        ("status", "Booking.objects.filter(pk=1).update(status='CANCELLED')"),
        ("status", "queryset.update(payment_status='settled')"),
        ("status", "Payment.objects.bulk_update(payments, ['status'])"),
        ("status", "Payment.objects.update_or_create(pk=1, defaults={'status': 'settled'})"),
    ],
)
def test_a_rule_finds_its_line(rule: str, line: str) -> None:
    assert [(found.line, found.rule.name) for found in findings("bookings/api.py", f"\n{line}\n")] == [(2, rule)]


@pytest.mark.parametrize(
    "line",
    [
        "now = clock.now()",
        "import stripe_events",
        "from .stripe import thing",
        "Booking.objects.filter(status='PENDING').update(note='')",
        "plan.movements.filter(position=2).update(status='skipped')",
        "later.update(status=Status.SKIPPED)",
        "timezone.now()  # house: clock because a lease must not follow a moved clock",
    ],
)
def test_a_rule_leaves_other_lines_alone(line: str) -> None:
    assert findings("bookings/api.py", line) == []


def test_the_clock_may_ask_the_machine_and_the_gateway_may_call_stripe() -> None:
    assert findings("common/clock.py", "datetime.now(UTC)") == []
    assert findings("payments/gateway.py", "import stripe") == []


def test_a_finding_says_what_to_do_instead() -> None:
    (found,) = findings("bookings/api.py", "timezone.now()")
    assert str(found).startswith("bookings/api.py:1: [clock] ")
    assert "common.clock.now()" in str(found)
