"""docs/policy.md says what the program does: every table that people read is compared with the code, cell by cell."""

import re
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bookings import jobs
from bookings.policy import holds, no_show, packages, windows
from bookings.policy.cancellation import CAPTURED, ROWS, cancellation_terms
from bookings.policy.no_show import RULINGS
from bookings.policy.pricing import PriceBelowFloor, quote, quote_of_price, refuse_below_floor
from bookings.policy.recorded import recorded
from bookings.policy.rescheduling import Move, move_allowed
from bookings.policy.review import Resolution, review_terms
from bookings.policy.terms import Credits, Share, Step, Terms
from bookings.policy.windows import Window, window_of
from catalog import booking_rules, tiers
from common.actors import Role
from common.money import half
from common.problems import Refused
from credits.milestones import milestone_cents
from credits.models import CreditLot
from instainstru.schedules import DAY, JOBS, Job
from packages import entitlements
from payments.instant_payouts import MINIMUM_CENTS, PayoutQuote, fee_of
from payments.vocabulary import Outcome, PaymentStatus

from .tables import DOCS, Row, amount, bps, cents, names_of_tables, plain, span, table, words

POLICY = DOCS / "policy.md"
REFERENCE = quote_of_price(lesson_price_cents=12000, commission_bps=1200)
START = datetime(2027, 3, 1, 12, tzinfo=UTC)
WINDOWS = {"free": Window.FREE, "late": Window.LATE, "last minute": Window.LAST_MINUTE}
NOTICE = {Window.FREE: 24, Window.LATE: 12, Window.LAST_MINUTE: 1}
CREDITS = {
    Credits.RELEASE: "released",
    Credits.BACK_TO_PRICE: "back to LP",
    Credits.BACK_TO_HALF: "back to half LP",
    Credits.CONSUME: "consumed",
    Credits.FORFEIT: "forfeited",
}
SHARES = {Share.NOTHING: "nothing", Share.HALF: "half P", Share.ALL: "P"}
STEPS = {Step.CANCEL_INTENT: "cancel the intent"}


def rows(name: str) -> list[Row]:
    return table(POLICY, name)


def in_words(terms: Terms) -> Row:
    """Terms as the document's tables say them."""
    steps = [STEPS.get(step, step.replace("_", " ")) for step in terms.steps]
    return {
        "Steps at Stripe": ", ".join(steps) or "none",
        "To the instructor": SHARES[terms.pays],
        "Credits": CREDITS[terms.credits],
        "Outcome": f"`{terms.outcome}`",
    }


def told(row: Row, terms: Terms) -> None:
    for column, expected in in_words(terms).items():
        assert row[column] == expected, row


# --- 1. Amounts ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("row", rows("amounts"), ids=lambda row: f"{row['LP']} {row['CR']}")
def test_amounts(row: Row) -> None:
    amounts = quote_of_price(
        lesson_price_cents=amount(row["LP"]), commission_bps=bps(row["Commission"]), credits_cents=amount(row["CR"])
    )
    expected = {
        "SF": amounts.student_fee_cents,
        "IF": amounts.instructor_commission_cents,
        "P": amounts.payout_full_cents,
        "PI": amounts.card_amount_cents,
        "FEE": amounts.application_fee_cents,
        "T": amounts.automatic_transfer_cents,
        "TOPUP": amounts.top_up_cents,
        "Half LP": half(amounts.lesson_price_cents),
        "Half P": half(amounts.payout_full_cents),
    }
    assert {name: amount(row[name]) for name in expected} == expected


def test_the_first_row_of_amounts_is_the_reference_case() -> None:
    first = rows("amounts")[0]
    assert (amount(first["LP"]), bps(first["Commission"]), amount(first["CR"])) == (12000, 1200, 0)


@pytest.mark.parametrize("row", rows("prices"), ids=str)
def test_prices(row: Row) -> None:
    quoted = quote(hourly_rate_cents=amount(row["Hourly rate"]), minutes=int(row["Minutes"]), commission_bps=1500)
    assert quoted.lesson_price_cents == amount(row["LP"])


@pytest.mark.parametrize("row", rows("floors"), ids=str)
def test_floors(row: Row) -> None:
    minutes, floor, online = int(row["Minutes"]), amount(row["Floor"]), row["Where"] == "online"
    refuse_below_floor(lesson_price_cents=floor, minutes=minutes, online=online)
    with pytest.raises(PriceBelowFloor) as refusal:
        refuse_below_floor(lesson_price_cents=floor - 1, minutes=minutes, online=online)
    assert refusal.value.fields["floor_price_cents"] == floor


def test_tiers() -> None:
    for row in rows("tiers"):
        completed = int(row["Completed in 30 days"])
        assert int(row["With the one being quoted"]) == completed + 1
        assert tiers.earned_bps(completed_in_period=completed) == bps(row["Commission"])
    text = POLICY.read_text(encoding="utf-8")
    assert f"pay {tiers.FOUNDING_BPS // 100} % for life" in text
    assert f"there are {tiers.FOUNDING_PLACES} places" in text
    told_tiers = {bps(row["Commission"]) for row in rows("tiers")}
    assert told_tiers == {tier.commission_bps for tier in tiers.TIERS}


@pytest.mark.parametrize("row", rows("evaluations"), ids=str)
def test_evaluations(row: Row) -> None:
    last = None if row["Last completed"] == "never" else START - span(row["Last completed"])
    after = tiers.evaluated_bps(
        current_bps=bps(row["Commission before"]),
        is_founding=row["Founding"] == "yes",
        completed_in_period=int(row["Completed in 30 days"]),
        last_completed_at=last,
        now=START,
    )
    assert after == bps(row["Commission after"])


# --- 2. Clocks and windows -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("row", rows("windows"), ids=lambda row: row["Notice"])
def test_windows(row: Row) -> None:
    assert window_of(starts_at=START, now=START - span(row["Notice"])) is WINDOWS[row["Window"]]


@pytest.mark.parametrize("row", rows("clock changes"), ids=str)
def test_clock_changes(row: Row) -> None:
    zone = ZoneInfo("America/New_York")
    starts_at, now = (
        datetime.fromisoformat(row[column]).replace(tzinfo=zone).astimezone(UTC)
        for column in ("The lesson starts", "It is now")
    )
    assert starts_at - now == span(row["Notice"])
    assert window_of(starts_at=starts_at, now=now) is WINDOWS[row["Window"]]


def test_spans() -> None:
    modules = {"windows": windows, "holds": holds, "no_show": no_show, "tiers": tiers}
    there = {
        f"{name}.{constant}": value
        for name, module in modules.items()
        for constant, value in vars(module).items()
        if isinstance(value, timedelta)
    }
    assert {plain(row["In the code"]): span(row["Span"]) for row in rows("spans")} == there


# --- 3. Statuses and outcomes ----------------------------------------------------------------------------------------
def test_statuses() -> None:
    assert [plain(row["Payment status"]) for row in rows("statuses")] == list(PaymentStatus)


def test_outcomes() -> None:
    assert [plain(row["Outcome"]) for row in rows("outcomes")] == list(Outcome)
    for row in rows("outcomes"):
        record = recorded(Outcome(plain(row["Outcome"])), REFERENCE)
        columns = ("Credit to the student", "Payout to the instructor", "Refund to the card")
        expected = (record.credit_cents, record.payout_cents, record.refund_cents)
        assert tuple(cents(row[column]) for column in columns) == expected, row


# --- 4. From checkout to payout --------------------------------------------------------------------------------------
@pytest.mark.parametrize("column", ["On time", "First tried 20 hours before"])
def test_retries_of_a_hold(column: str) -> None:
    before = [span(row[column]) for row in rows("hold retries")]
    attempt: datetime | None = START - before[0]
    for failures, expected in enumerate(before[1:-1], 1):
        assert attempt is not None
        attempt = holds.next_attempt_at(starts_at=START, failures=failures, last_attempt=attempt)
        assert attempt == START - expected
    assert attempt is not None
    assert holds.next_attempt_at(starts_at=START, failures=len(before) - 1, last_attempt=attempt) is None
    assert holds.give_up_at(START) == START - before[-1]


def test_retries_of_a_capture() -> None:
    *retries, escalated = rows("capture retries")
    assert holds.escalates_at(START) - START == span(escalated["After the first failure"])
    attempts = {0: START}
    while (following := holds.next_capture_at(last_attempt=attempts[len(attempts) - 1])) < holds.escalates_at(START):
        attempts[len(attempts)] = following
    for row in retries:
        assert attempts[int(row["Attempt"].removeprefix("retry "))] - START == span(row["After the first failure"])
    assert int(retries[-1]["Attempt"].removeprefix("retry ")) == len(attempts) - 1


# --- 5. Cancelling ---------------------------------------------------------------------------------------------------
def terms_of(who: str, window: Window, state: str) -> Terms:
    now = START - timedelta(hours=NOTICE[window])
    return cancellation_terms(who=Role(who), starts_at=START, now=now, state=state)


def test_cancelling() -> None:
    told_rows, found = rows("cancelling"), set()
    assert len(told_rows) == len(ROWS)
    for row in told_rows:
        span_of = list(Window) if row["Window"] == "any" else [WINDOWS[word] for word in words(row["Window"])]
        for window, state in product(span_of, words(row["The money is"])):
            if (row["Who"], window, state) not in found:
                found.add((row["Who"], window, state))
                told(row, terms_of(row["Who"], window, state))
    states = [state for state in PaymentStatus if state not in ("settled", "manual_review")]
    assert found == set(product(("student", "instructor"), Window, [*states, CAPTURED]))


@pytest.mark.parametrize("row", rows("cancelling examples"), ids=lambda row: " ".join(list(row.values())[:4]))
def test_cancelling_examples(row: Row) -> None:
    used, state = amount(row["Credits used"]), row["The money is"]
    terms, amounts = terms_of(row["Who"], WINDOWS[row["Window"]], state), REFERENCE.with_credits(used)
    taken = Step.CAPTURE in terms.steps or state in ("locked", CAPTURED)
    charged = amounts.card_amount_cents if taken else 0
    back = used if terms.credits is Credits.RELEASE else terms.credit_cents(amounts)
    assert {name: amount(cell) for name, cell in list(row.items())[4:]} == {
        "Card charged": charged,
        "Card refunded": charged if terms.refunds else 0,
        "Released": min(used, back),
        "Issued": max(0, back - used),
        "Forfeited": max(0, used - back),
        "Instructor": terms.payout_cents(amounts),
    }


# --- 6. Rescheduling -------------------------------------------------------------------------------------------------
def test_rescheduling() -> None:
    found = set()
    for row in rows("rescheduling"):
        window, moved = WINDOWS[row["Window of the old lesson"]], row["Moved late before"] == "yes"
        found.add((window, moved))
        assert row["Result"] == _move(window, moved)
    assert found == set(product(Window, (True, False)))


def _move(window: Window, moved: bool) -> str:
    now = START - timedelta(hours=NOTICE[window])
    try:
        move: Move = move_allowed(starts_at=START, now=now, late_reschedule_used=moved)
    except Refused as refusal:
        return f"{refusal.status} `{refusal.code}`"
    return f"`{move}`"


# --- 7. No-shows and reviews -----------------------------------------------------------------------------------------
def test_no_shows() -> None:
    assert len(rows("no-shows")) == len(RULINGS)
    for row, ((who, verdict), ruling) in zip(rows("no-shows"), RULINGS.items(), strict=True):
        assert (row["Who did not come"], row["Decision"]) == (who, verdict)
        assert plain(row["Booking"]) == ruling.booking_becomes
        told(row, ruling.terms)


def test_reviews() -> None:
    expected = product([r for r in Resolution if r is not Resolution.RESUME], (False, True))
    for row, (resolution, locked) in zip(rows("reviews"), expected, strict=True):
        assert (plain(row["Decision"]), row["Locked"]) == (resolution, "yes" if locked else "no")
        told(row, review_terms(resolution=resolution, locked=locked))
    assert f"`{Resolution.RESUME}`" in POLICY.read_text(encoding="utf-8")


# --- 8. Credits ------------------------------------------------------------------------------------------------------
def test_credit_states() -> None:
    assert [plain(row["State"]) for row in rows("credit states")] == CreditLot.Status.values


def test_milestones() -> None:
    for row in rows("milestones"):
        assert milestone_cents(completed_lessons=int(row["Lesson"])) == amount(row["Credit"])


# --- 12. Packages ----------------------------------------------------------------------------------------------------
def test_package_lessons() -> None:
    listed, found = rows("package lessons"), set()
    assert len(listed) == len(packages.ROWS)
    for row in listed:
        span_of = list(Window) if row["Window"] == "any" else [WINDOWS[row["Window"]]]
        for window, late in product(span_of, [word == "yes" for word in words(row["Late before"])]):
            terms = packages.package_cancellation_terms(
                who=Role(row["Who"]), starts_at=START, now=START - timedelta(hours=NOTICE[window]), late_before=late
            )
            found.add((row["Who"], window, late))
            credit = {0: "nothing", half(12000): "half LP"}[terms.credit_cents(REFERENCE)]
            assert (row["To the instructor"], row["Credit to the student"]) == (SHARES[terms.pays], credit), row
            assert row["The entitlement"] == packages.entitlement_after(terms.outcome), row
            assert plain(row["Outcome"]) == terms.outcome, row
    assert found == set(product(("student", "instructor"), Window, (False, True)))


def test_spans_of_packages() -> None:
    text = POLICY.read_text(encoding="utf-8")
    assert f"good for {entitlements.GOOD_FOR.days} days from the purchase" in text
    assert f"good for {entitlements.EXTENDED_BY.days} days at least" in text
    assert f"hold their times for {packages.PAY_WITHIN.seconds // 60} minutes" in text


# --- 10. Jobs --------------------------------------------------------------------------------------------------------
def test_jobs() -> None:
    listed = {plain(row["Job"]): row["Every"] for row in rows("jobs")}
    on_demand = {name for name, pace in listed.items() if pace == "on demand"}
    assert {name: pace for name, pace in listed.items() if name not in on_demand} == {j.name: _pace(j) for j in JOBS}
    assert all(callable(getattr(jobs, name)) for name in on_demand)


def _pace(job: Job) -> str:
    if job.every == DAY:
        hours, minutes = divmod(job.at // timedelta(minutes=1), 60)
        return f"daily {hours:02d}:{minutes:02d} UTC"
    minutes = job.every // timedelta(minutes=1)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def test_every_table_is_compared_with_the_code() -> None:
    read = set(re.findall(r'rows\("(.+?)"\)', Path(__file__).read_text(encoding="utf-8")))
    assert read == set(names_of_tables(POLICY))


# --- 13. Which times can be booked -----------------------------------------------------------------------------------
def test_which_times_can_be_booked() -> None:
    habits, now = booking_rules.Habits(ZoneInfo("UTC")), datetime(2027, 6, 7, 20, tzinfo=UTC)
    gap, notice, morning, furthest = rows("times")
    for column, travels in (("Without travel", False), ("With travel", True)):
        assert span(gap[column]) == habits.gap(travels=travels)
        assert span(notice[column]) == habits.notice(travels=travels)
        quiet = habits.quiet_hours(now, travels=travels)
        assert quiet is not None
        assert f"{quiet[1]:%H:%M}" == morning[column]
        assert habits.quiet_hours(now - timedelta(seconds=1), travels=travels) is None
        assert span(furthest[column]) == booking_rules.FURTHEST
    codes = ["booking_conflict", "notice_too_short", "overnight_protection", "too_far_ahead"]
    assert [plain(row["Refused with"]) for row in rows("times")] == codes


# --- 14. Payouts to the bank -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("row", rows("instant payouts"), ids=str)
def test_instant_payouts(row: Row) -> None:
    quote = PayoutQuote(amount(row["Amount"]), fee_of(amount(row["Amount"])), available_cents=0)
    assert (quote.fee_cents, quote.payout_cents) == (amount(row["Fee"]), amount(row["Arrives"]))
    assert quote.amount_cents >= MINIMUM_CENTS
