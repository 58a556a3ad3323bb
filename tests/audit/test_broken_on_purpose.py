"""Every invariant broken on purpose in our own books, and exactly that reported."""

from collections.abc import Callable

import pytest

from bookings.audit import Violation

from .conftest import Told

Broken = Callable[..., list[Violation]]
FREE = {
    "events": "ALTER TABLE bookings_bookingevent DISABLE TRIGGER USER",
    "entries": "ALTER TABLE payments_ledgerentry DISABLE TRIGGER USER",
    "lines": "ALTER TABLE payments_ledgerline DISABLE TRIGGER USER",
    "credits": "ALTER TABLE credits_creditentry DISABLE TRIGGER USER",
}
COPY_PLAN = (
    "INSERT INTO payments_moneyplan SELECT (jsonb_populate_record(p, jsonb_build_object('id', 'second'))).*"
    " FROM payments_moneyplan p WHERE purpose = '{purpose}'"
)
COPY_EVENT = (
    "INSERT INTO bookings_bookingevent SELECT (jsonb_populate_record(e, jsonb_build_object('id', 'second'))).*"
    " FROM bookings_bookingevent e WHERE kind = 'chargeback_clawed_back'"
)
ENTRY = (
    "INSERT INTO payments_ledgerentry (id, key, kind, payment_id, movement_id, at, memo)"
    " VALUES ('entry', 'by hand', 'by_hand', {payment}, '', now(), '')"
)
LINES = (
    "INSERT INTO payments_ledgerline (entry_id, account, amount_cents, stripe_source)"
    " VALUES ('entry', {one}, {cents}, ''), ('entry', '{other}', {back}, '')"
)


def entry(one: str, cents: int, other: str, payment: str = "''") -> tuple[str, str]:
    """A balanced entry by hand."""
    return ENTRY.replace("{payment}", payment), LINES.format(one=one, cents=cents, other=other, back=-cents)


ACCOUNT = "(SELECT account FROM payments_ledgerline WHERE account LIKE 'stripe:acct_%' LIMIT 1)"
CASES: dict[str, tuple[dict[int, str], tuple[str, ...]]] = {
    "a line changed": (
        {1: "is 1, not 0"},
        (FREE["lines"], "UPDATE payments_ledgerline SET amount_cents = amount_cents + 1 WHERE account = 'bank'"),
    ),
    "an entry without lines": ({1: "0 lines sum to None"}, (ENTRY.replace("{payment}", "''"),)),
    "credit recorded wrongly": (
        {3: "credit 12001, not 12000"},
        ("UPDATE payments_payment SET student_credit_cents = 12001 WHERE id = {late_payment}",),
    ),
    "payout recorded wrongly": (
        {3: "payout 10559 recorded, the account holds 10560"},
        ("UPDATE payments_payment SET instructor_payout_cents = 10559 WHERE id = {paid_payment}",),
    ),
    "a fee that was not quoted": (
        {3: "application fee 1, not ", 12: "should be"},
        (
            "UPDATE payments_moneymovement SET result = jsonb_set(result, '{{application_fee_amount}}', '1')"
            " WHERE kind = 'capture' AND payment_id = {late_payment}",
        ),
    ),
    "refunded more than captured": (
        {5: "refunded 1 of 0"},
        (
            "ALTER TABLE payments_payment DROP CONSTRAINT refunded_at_most_captured",
            "UPDATE payments_payment SET refunded_to_card_cents = 1 WHERE id = {held_payment}",
        ),
    ),
    "captured more than authorized": (
        {5: "captured 99999 of"},
        ("UPDATE payments_payment SET card_charged_cents = 99999 WHERE id = {held_payment}",),
    ),
    "paid more than P": (
        {5: "the instructor holds 20000 of at most 10560"},
        entry(ACCOUNT, 20000, "bank", "{held_payment}"),
    ),
    "reversed more than transferred": (
        {5: "1 more reversed than transferred", 12: "should be"},
        (
            "UPDATE payments_moneymovement SET result = jsonb_set(result, '{{amount}}', to_jsonb((result->>'amount')::int + 1))"
            " WHERE kind = 'reverse' AND payment_id = {late_payment}",
        ),
    ),
    "credit out of nothing": (
        {6: "cents issued"},
        ("UPDATE credits_creditlot SET amount_cents = amount_cents + 1 WHERE status = 'consumed'",),
    ),
    "credit no longer reserved": (
        {6: "2000 cents are reserved for it, not 0"},
        ("UPDATE payments_payment SET credits_released_cents = 2000 WHERE id = {held_payment}",),
    ),
    "credit of a chargeback let loose": (
        {6: "can be spent"},
        ("UPDATE credits_creditlot SET status = 'available' WHERE status = 'frozen'",),
    ),
    "frozen credit spent": (
        {6: "were spent while frozen"},
        (
            "INSERT INTO credits_creditentry (id, lot_id, owner_id, kind, amount_cents, payment_id, reason, at)"
            " SELECT 'spent', lot_id, owner_id, 'reserve', amount_cents, '', '', at + interval '1 hour'"
            " FROM credits_creditentry WHERE kind = 'freeze' LIMIT 1",
        ),
    ),
    "credit issued twice for one booking": (
        {6: "cancel_12_24 was issued 2 times"},
        (
            "UPDATE credits_creditlot SET origin_payment_id = {late_payment} WHERE origin_payment_id = {charged_back_payment}",
        ),
    ),
    "a booking changed by hand": (
        {7: "is NO_SHOW, its last event says COMPLETED"},
        ("UPDATE bookings_booking SET status = 'NO_SHOW', holds_slot = false WHERE id = {paid}",),
    ),
    "a payment changed by hand": (
        {7: "is scheduled, its last event says authorized"},
        ("UPDATE payments_payment SET status = 'scheduled' WHERE id = {held_payment}",),
    ),
    "nobody did it": (
        {7: "does not say who did it"},
        (
            FREE["events"],
            "UPDATE bookings_bookingevent SET door = '' WHERE id = (SELECT max(id) FROM bookings_bookingevent)",
        ),
    ),
    "a way that is not drawn": (
        {7: "settled to authorized is not drawn"},
        (
            FREE["events"],
            "UPDATE bookings_bookingevent SET payment_status_from = 'settled', payment_status_to = 'authorized'"
            " WHERE booking_id = {held} AND payment_status_to = 'authorized' AND payment_status_from <> 'authorized'",
        ),
    ),
    "no history": (
        {7: "has no event at all"},
        (
            FREE["events"],
            "DELETE FROM bookings_maillog WHERE event_id IN (SELECT id FROM bookings_bookingevent WHERE booking_id = {paid})",
            "DELETE FROM bookings_bookingevent WHERE booking_id = {paid}",
        ),
    ),
    "a decision not concluded": (
        {8: "cancel of booking"},
        ("UPDATE payments_moneyplan SET finished_at = NULL WHERE payment_id = {late_payment} AND purpose = 'cancel'",),
    ),
    "a movement not concluded": (
        {8: "authorize was sent and never concluded"},
        ("UPDATE payments_moneymovement SET status = 'sent' WHERE kind = 'authorize' AND payment_id = {held_payment}",),
    ),
    "decided twice": (
        {8: "cancel was decided 2 times"},
        (COPY_PLAN.replace("{purpose}", "cancel") + " AND payment_id = {late_payment}",),
    ),
    "two lessons at once": (
        {9: "overlaps another lesson of its"},
        (
            "ALTER TABLE bookings_booking DROP CONSTRAINT instructor_teaches_one_lesson_at_a_time,"
            " DROP CONSTRAINT student_takes_one_lesson_at_a_time",
            "UPDATE bookings_booking b SET starts_at = o.starts_at, ends_at = o.ends_at FROM bookings_booking o"
            " WHERE b.id = {held} AND o.id = {paid}",
        ),
    ),
    "two movements made one intent": (
        {10: "belongs to 2 movements (create_intent)"},
        (
            "DROP INDEX one_movement_per_stripe_object",
            "INSERT INTO payments_moneymovement SELECT (jsonb_populate_record(m,"
            " jsonb_build_object('id', 'second', 'position', 99, 'idempotency_key', 'second'))).*"
            " FROM payments_moneymovement m WHERE kind = 'create_intent' AND payment_id = {held_payment}",
        ),
    ),
    "one dispute opened twice": (
        {10: "open_chargeback was decided 2 times"},
        (COPY_PLAN.replace("{purpose}", "open_chargeback"),),
    ),
    "one decision concluded twice": ({10: "chargeback_clawed_back happened 2 times"}, (COPY_EVENT,)),
    "a movement booked twice": (
        {10: "is in the ledger 2 times"},
        (
            FREE["entries"],
            *entry("'credits_owed'", 0, "platform_equity"),
            "UPDATE payments_ledgerentry SET movement_id = (SELECT movement_id FROM payments_ledgerentry"
            " WHERE kind = 'capture' LIMIT 1) WHERE id = 'entry'",
        ),
    ),
    "a mail that was never written": (
        {11: "mails none, not hold_placed.student"},
        ("DELETE FROM bookings_maillog WHERE kind = 'hold_placed.student'",),
    ),
    "a mail to somebody else": (
        {11: "went to somebody else"},
        (
            "UPDATE bookings_maillog SET recipient_id = {staff} WHERE id ="
            " (SELECT max(id) FROM bookings_maillog WHERE kind LIKE '%.student')",
        ),
    ),
    "credit owed by hand": ({12: "should be"}, entry("'credits_owed'", -5, "platform_equity")),
    "promotions by hand": ({12: "should be"}, entry("'promotions'", 5, "platform_equity")),
    "a lost movement": (
        {12: "should be"},
        (
            "UPDATE payments_moneymovement SET result = jsonb_set(result, '{{stripe_fee}}', '0')"
            " WHERE kind = 'capture' AND payment_id = {late_payment}",
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_broken_is_reported_and_nothing_else(broken: Broken, name: str) -> None:
    expected, statements = CASES[name]
    found = broken(*statements)
    assert {violation.number for violation in found} == set(expected)
    for number, words in expected.items():
        assert any(words in str(violation) for violation in found if violation.number == number), [
            str(v) for v in found
        ]


def test_what_is_unfinished_is_no_violation_while_work_goes_on(broken: Broken) -> None:
    statement = (
        "UPDATE payments_moneyplan SET finished_at = NULL WHERE payment_id = {held_payment} AND purpose = 'authorize'"
    )
    assert [v.number for v in broken(statement, quiet=True)] == [8]
    assert broken(statement, quiet=False) == []


def test_one_booking_sees_its_own_breaks_only(broken: Broken, told: Told) -> None:
    statement = "UPDATE payments_payment SET status = 'scheduled' WHERE id = {held_payment}"
    assert [v.number for v in broken(statement, booking_id=told.held.pk)] == [7]
    assert broken(statement, booking_id=told.paid.pk) == []


def test_a_key_with_two_sets_of_parameters(broken: Broken) -> None:
    first = {"idempotency_key": "k", "account": None, "path": "/v1/refunds", "form": "amount=1&charge=ch_1"}
    assert broken(requests=[first, {**first, "form": "charge=ch_1&amount=1"}]) == []
    (violation,) = broken(requests=[first, {**first, "form": "amount=2&charge=ch_1"}])
    assert (violation.number, str(violation)) == (10, "invariant 10, key k: was used with 2 sets of parameters")
