"""Our ledger against Stripe: clean after stories, every kind of difference found with its probable cause (invariant 2)."""

from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from bookings import reconciliation
from bookings.models import ReconciliationDifference, ReconciliationRun, SupportItem
from bookings.reconciliation import reconcile, reconcile_with_stripe
from common import clock
from payments import gateway, ledger, observed
from payments.models import LedgerLine, MoneyMovement, StripeEventInbox
from tests.stories.acts import paid, payment_of
from tests.support.cast import Cast
from tests.support.sandbox import Sandbox

from .banking import available, charge_back, every_way, given, pay_out, refund, transfer

Found = dict[str, tuple[int | None, int | None, str]]


def found(run: ReconciliationRun | None) -> Found:
    """Every difference of a finished run by object: what we say, what Stripe says, the cause in words."""
    assert run is not None
    assert run.finished_at is not None
    assert run.differences.count() == run.difference_count
    rows = run.differences.order_by("stripe_source")
    return {d.stripe_source: (d.expected_cents, d.found_cents, d.probable_cause) for d in rows}


def asked() -> list[str]:
    items = SupportItem.objects.filter(kind="ledger_difference", closed_at=None)
    return sorted(items.values_list("cause", flat=True))


def test_stories_leave_no_difference_page_by_page(
    cast: Cast, now: datetime, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_way(cast, now, sandbox)
    monkeypatch.setattr(reconciliation, "PAGE", 3)
    run = reconcile(now=now)
    assert found(run) == {}
    assert asked() == []
    assert run is not None
    assert run.read_count > LedgerLine.objects.exclude(stripe_source="").count()
    job = reconcile_with_stripe(now)
    assert (job.processed, job.failed, job.results) == (run.read_count, 0, {"differences": 0})


def test_what_was_made_in_stripes_dashboard(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = paid(cast, now)
    account = cast.instructor.stripe_account_id
    moved = transfer(account, 500, transfer_group=payment_of(booking).pk)
    back = gateway.reverse_transfer(moved["id"], params={"amount": 200}, key="behind our back")
    returned = refund(booking, 300)
    charge = gateway.fund(amount_cents=1000, payment_method="pm_card_visa", key="a charge")["latest_charge"]["id"]
    differences = found(reconcile(now=now))
    assert differences == {
        moved["id"]: (None, -500, "A transfer made in Stripe's dashboard"),
        moved["destination_payment"]: (None, 500, "A transfer made in Stripe's dashboard"),
        back["id"]: (None, 200, "A reversal made in Stripe's dashboard"),
        back["destination_payment_refund"]: (None, -200, "A reversal made in Stripe's dashboard"),
        returned["id"]: (None, -300, "A refund made in Stripe's dashboard"),
        charge: (None, 941, "A charge made past us: in Stripe's dashboard or by another program"),
    }
    assert len(asked()) == 6
    about = ReconciliationDifference.objects.filter(booking_id=booking.pk).values_list("stripe_source", flat=True)
    assert set(about) >= {moved["id"], returned["id"]}


def test_what_stripe_has_not_told_us_yet_and_then_has(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = paid(cast, now)
    available(sandbox)
    account = cast.instructor.stripe_account_id
    payout, failing = pay_out(account, 700), pay_out(account, 600)
    observed.note_payout(failing, account=account, now=now)
    sandbox.control("POST", f"payouts/{failing}/fail")
    dispute = charge_back(booking, sandbox)
    inquiry_of = given(cast, now, hours=60)
    inquiry = sandbox.control("POST", "disputes", charge=payment_of(inquiry_of).charge_id, inquiry=True)["id"]
    untold = pay_out("", 400)
    StripeEventInbox.objects.create(
        event_id="evt_1", type="payout.created", object_id=untold, payload={}, received_at=now, next_attempt_at=now
    )
    not_noted = "A dispute that is not noted yet: its webhook has not come"
    assert found(reconcile(now=now)) == {
        payout: (None, -700, "A payout whose webhook has not come yet"),
        failing: (-600, 0, "A payout that came back, whose webhook has not come yet"),
        dispute: (None, -13440 - 1500, not_noted),
        inquiry: (None, 13440, not_noted),
        untold: (None, -400, "Its webhook has come and has not been worked through yet"),
    }
    assert asked() == sorted([
        f"{account}:{payout}", f"{account}:{failing}", f"platform:{dispute}", f"platform:{inquiry}", f"platform:{untold}"
    ])  # fmt: skip
    for told in (payout, failing):
        observed.note_payout(told, account=account, now=now)
    observed.note_payout(untold, account="", now=now)
    reconcile(now=now)
    assert asked() == sorted([f"platform:{dispute}", f"platform:{inquiry}"])


def sql(statement: str, *values: Any) -> None:
    """Past our own triggers, as a person with the database's password would."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_ledgerline DISABLE TRIGGER USER")
        cursor.execute(statement, values)
        cursor.execute("ALTER TABLE payments_ledgerline ENABLE TRIGGER USER")


def test_what_is_wrong_on_our_side(cast: Cast, now: datetime) -> None:
    payment = payment_of(paid(cast, now))
    line = LedgerLine.objects.get(account=ledger.PLATFORM, stripe_source=payment.charge_id)
    sql("UPDATE payments_ledgerline SET amount_cents = amount_cents + 5 WHERE id = %s", line.pk)
    sql(
        "INSERT INTO payments_ledgerline (entry_id, account, amount_cents, stripe_source) VALUES (%s, %s, 77, 'tr_never')",
        line.entry_id,
        ledger.connected(cast.instructor.stripe_account_id),
    )
    missing = "Our ledger has it and Stripe does not: booked by hand, or under another key or account"
    assert found(reconcile(now=now)) == {
        payment.charge_id: (
            line.amount_cents + 5,
            line.amount_cents,
            "The amount differs: changed by hand on one side",
        ),
        "tr_never": (77, None, missing),
    }
    sql("DELETE FROM payments_ledgerline WHERE stripe_source = 'tr_never'")
    sql("UPDATE payments_ledgerline SET amount_cents = amount_cents - 5 WHERE id = %s", line.pk)
    sql(
        "INSERT INTO payments_ledgerline (entry_id, account, amount_cents, stripe_source) VALUES (%s, %s, 9, '')",
        line.entry_id,
        ledger.PLATFORM,
    )
    total = ledger.balance_of(ledger.PLATFORM)
    nothing_explains = "The account's total differs and no single object explains it"
    assert found(reconcile(now=now)) == {"balance": (total, total - 9, nothing_explains)}


def test_a_movement_under_way(cast: Cast, now: datetime) -> None:
    booking = paid(cast, now)
    movement = MoneyMovement.objects.get(payment=payment_of(booking), kind="capture")
    MoneyMovement.objects.filter(pk=movement.pk).update(status="sent")
    moved = transfer(cast.instructor.stripe_account_id, 500, metadata={"payment": movement.payment_id})
    causes = {cause for _, _, cause in found(reconcile(now=now)).values()}
    assert causes == {"A movement of ours is still under way: sent and not concluded yet"}
    assert f"platform:{moved['id']}" in asked()


class Killed(BaseException):
    """The process is gone."""


def test_a_killed_run_is_carried_on_and_support_is_asked_once(
    cast: Cast, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = paid(cast, now)
    returned = refund(booking, 300)["id"]
    monkeypatch.setattr(reconciliation, "PAGE", 1)
    page = gateway.page
    read: list[tuple[str, str]] = []

    def mortal(what: str, **rest: Any) -> Any:
        if len(read) == 3:
            raise Killed
        read.append((what, rest["after"]))
        return page(what, **rest)

    monkeypatch.setattr(gateway, "page", mortal)
    with pytest.raises(Killed):
        reconcile(now=now)
    killed = ReconciliationRun.objects.get()
    assert (killed.finished_at, killed.cursors["account"], killed.cursors["list"]) == (None, "", "balance_transactions")
    assert asked() == []
    after, read[:] = killed.cursors["after"], [("before", "")] * 4
    run = reconcile(now=now)
    assert read[4] == ("balance_transactions", after)
    assert run is not None
    assert run.pk == killed.pk
    assert list(found(run)) == [returned]
    reconcile(now=now + timedelta(days=1))
    assert ReconciliationRun.objects.count() == 2
    assert SupportItem.objects.filter(kind="ledger_difference").count() == 1
    assert (asked(), SupportItem.objects.get(kind="ledger_difference").money_at_risk_cents) == (
        [f"platform:{returned}"],
        300,
    )


def test_a_stripe_that_cannot_be_read_is_read_later(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    sandbox.control("POST", "faults", method="GET", path="/v1/transfers", kind="500", count=1)
    assert reconcile_with_stripe(now).failed == 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE locktype = 'advisory' AND datname = current_database()"  # others of the suite have theirs
        )
        assert cursor.fetchone() == (0,)
    assert reconcile_with_stripe(now).results == {"differences": 0}
    assert ReconciliationRun.objects.count() == 1


def test_an_account_that_cannot_be_read_does_not_stop_the_rest(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    error = {"type": "invalid_request_error", "code": "account_invalid", "message": "No."}
    account = cast.instructor.stripe_account_id
    sandbox.control("POST", "faults", method="GET", path="/v1/balance_transactions", kind="refuse", status=400, error=error,
                    account=account)  # fmt: skip
    assert found(reconcile(now=now)) == {"balance": (0, None, "Stripe does not let us read this account")}
    assert asked() == [f"{account}:balance"]


def command(*args: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("reconcile", *args, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def test_the_command_and_since(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = paid(cast, now)
    code, text = command()
    assert code == 0
    assert text.endswith(" objects read at Stripe, 0 differences.\n")
    old = refund(booking, 300)["id"]
    code, text = command()
    assert (code, old in text, booking.pk in text) == (1, True, True)
    sandbox.control("POST", "clock", advance_seconds=7200)
    young = refund(booking, 100)["id"]
    since = (clock.now() + timedelta(hours=1)).isoformat()
    code, text = command("--since", since)
    assert (code, young in text, old in text) == (1, True, False)
    assert "Something older than what was compared" in text
    assert asked() == sorted(["platform:balance", f"platform:{old}", f"platform:{young}"])
    with pytest.raises(CommandError, match="--since takes an instant"):
        command("--since", "yesterday")
