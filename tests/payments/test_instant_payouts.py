"""Paid at once, for a fee: the money to the cent, refusals in words, two at once, faults, and payouts that come back."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from bookings import jobs
from bookings.audit import audit
from bookings.reconciliation import reconcile
from common import clock
from common.actors import Door, Role
from common.problems import OperationInProgress, Problem, StripeUnavailable
from payments import gateway, instant_payouts, ledger, observed
from payments.connect import NotOnboarded
from payments.instant_payouts import (
    InstantPayoutNotEligible,
    InsufficientBalance,
    PayoutTooSmall,
    fee_of,
    quote_instant_payout,
    request_instant_payout,
)
from payments.models import ConnectAccount, InstantPayout, Payout
from payments.payouts import remember
from sandbox_mode.people import Person, make_person
from tests.support.sandbox import Sandbox

Earn = Callable[[int], None]


@pytest.fixture(autouse=True)
def _books_are_right(house: None) -> Iterator[None]:
    """Whatever happens here, our ledger is Stripe's in the end, object by object, and nothing is left undone."""
    yield
    assert [str(violation) for violation in audit()] == []
    run = reconcile(now=clock.now())
    assert run is not None
    assert list(run.differences.values_list("stripe_source", "probable_cause")) == []


def pay_out(instructor: Person, cents: int | None = None, key: str | None = None) -> InstantPayout:
    actor = instructor.user.as_actor(Door.API)
    return request_instant_payout(actor=actor, amount_cents=cents, now=clock.now(), request_key=key)


def balance(instructor: Person) -> int:
    return sum(part["amount"] for part in gateway.balance(account=instructor.stripe_account_id)["available"])


def at_stripe(instructor: Person) -> tuple[list[int], list[int]]:
    """What was paid out, and what was transferred to the platform."""
    account = instructor.stripe_account_id
    payouts = [payout["amount"] for payout in gateway.payouts_of(account)]
    return payouts, [transfer["amount"] for transfer in gateway.transfers_from(account)]


def test_the_payout_and_its_fee_leave_the_balance(instructor: Person, earn: Earn) -> None:
    earn(10_560)
    platform = ledger.balance_of(ledger.PLATFORM)
    quote = quote_instant_payout(instructor=instructor.user, amount_cents=None)
    assert (quote.amount_cents, quote.fee_cents, quote.payout_cents, quote.available_cents) == (
        10_560, 211, 10_349, 10_560,
    )  # fmt: skip
    made = pay_out(instructor)
    assert (made.amount_cents, made.fee_cents, made.payout_cents) == (10_560, 211, 10_349)
    assert made.concluded_at is not None
    assert at_stripe(instructor) == ([10_349], [211])
    assert balance(instructor) == 0
    assert ledger.balance_of(ledger.PLATFORM) == platform + 211
    assert made.payout is not None
    assert (made.payout.method, made.payout.status, made.state) == ("instant", "pending", "pending")


def test_the_same_request_pays_once(instructor: Person, earn: Earn) -> None:
    earn(5_000)
    first, again = pay_out(instructor, 1_000, "one"), pay_out(instructor, 1_000, "one")
    assert first.pk == again.pk
    assert pay_out(instructor, 1_000, "two").pk != first.pk
    assert at_stripe(instructor) == ([980, 980], [20, 20])


def test_two_at_once_one_pays(instructor: Person, earn: Earn) -> None:
    earn(5_000)

    def everything(_: int) -> str:
        try:
            return pay_out(instructor).state
        except (OperationInProgress, PayoutTooSmall) as refused:  # while it runs, or after: nothing is left
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(everything, range(4)))
    assert answers.count("pending") == 1
    assert at_stripe(instructor) == ([4_900], [100])
    assert InstantPayout.objects.count() == 1


def test_what_cannot_be_had_is_refused_and_nothing_moves(instructor: Person, earn: Earn) -> None:
    earn(5_000)
    with pytest.raises(InsufficientBalance) as short:
        pay_out(instructor, 5_001)
    assert short.value.fields == {"available_cents": 5_000}
    with pytest.raises(PayoutTooSmall) as small:
        pay_out(instructor, 99)
    assert small.value.fields["minimum_cents"] == 100
    fresh = make_person(role=Role.INSTRUCTOR, now=clock.now(), connected=False)
    with pytest.raises(NotOnboarded):
        pay_out(fresh)
    ConnectAccount.objects.filter(instructor=instructor.user).update(payouts_enabled=False)
    with pytest.raises(InstantPayoutNotEligible) as off:
        pay_out(instructor)
    assert off.value.fields == {"reason": "payouts_off"}
    assert (at_stripe(instructor), balance(instructor), InstantPayout.objects.count()) == (([], []), 5_000, 0)


@pytest.mark.parametrize(
    ("code", "told", "reason"),
    [
        ("instant_payouts_unsupported", "instant_payout_not_eligible", "instant_payouts_unsupported"),
        ("balance_insufficient", "insufficient_balance", None),
        ("something_new", "payout_refused", "something_new"),
    ],
)
def test_stripes_refusals_are_told_in_words(
    instructor: Person, earn: Earn, sandbox: Sandbox, code: str, told: str, reason: str | None
) -> None:
    earn(5_000)
    error = {"type": "invalid_request_error", "code": code, "message": "No, thank you."}
    sandbox.control("POST", "faults", method="POST", path="/v1/payouts", kind="refuse", count=1, error=error)
    for _ in range(2):  # the same request gets the same answer
        with pytest.raises(Problem) as refused:
            pay_out(instructor, 1_000, "one")
        assert (refused.value.code, refused.value.fields.get("reason")) == (told, reason)
    assert at_stripe(instructor) == ([], [])
    assert pay_out(instructor, 1_000, "two").state == "pending"


def test_a_fee_that_the_balance_cannot_pay_is_collected_later(
    instructor: Person, earn: Earn, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    earn(5_000)
    error = {"type": "invalid_request_error", "code": "balance_insufficient", "message": "Too little there."}
    sandbox.control("POST", "faults", method="POST", path="/v1/transfers", kind="refuse", count=2, error=error)
    made = pay_out(instructor, 1_000)
    assert (made.state, made.fee_transfer_id, made.concluded_at) == ("pending", "", None)
    with pytest.raises(InstantPayoutNotEligible) as owed:
        pay_out(instructor, 1_000)
    assert owed.value.fields == {"reason": "fee_owed"}
    assert jobs.finish_instant_payouts(clock.now()).processed == 0  # not before an hour has passed
    later = clock.system_now() + instant_payouts.OWED_FEE_RETRY
    monkeypatch.setattr(clock, "system_now", lambda: later)
    assert jobs.finish_instant_payouts(clock.now()).results == {"pending": 1}
    assert at_stripe(instructor) == ([980], [20])


def test_a_payout_that_comes_back_gives_its_fee_back(instructor: Person, earn: Earn, sandbox: Sandbox) -> None:
    earn(5_000)
    made = pay_out(instructor, 2_000)
    assert made.payout_id
    sandbox.control("POST", f"payouts/{made.payout_id}/fail", failure_code="account_closed")
    for _ in range(2):  # the event may come twice
        assert observed.note_payout(made.payout_id, account=instructor.stripe_account_id, now=clock.now()) == "failed"
    made.refresh_from_db()
    assert made.state == "failed"
    assert made.fee_returned_at is not None
    assert balance(instructor) == 5_000
    payout = Payout.objects.get()
    assert (payout.status, payout.failure_code) == ("failed", "account_closed")


def test_a_payout_never_goes_back_in_time(instructor: Person, earn: Earn, sandbox: Sandbox) -> None:
    earn(5_000)
    made = pay_out(instructor, 2_000)
    assert made.payout_id
    old = gateway.payout(made.payout_id, account=instructor.stripe_account_id)
    now = clock.now()
    sandbox.control("POST", "clock", advance_seconds=3_600)
    observed.note_payout(made.payout_id, account=instructor.stripe_account_id, now=now)
    with transaction.atomic():
        remember(old, account=instructor.stripe_account_id, now=now)  # an answer that was on its way for long
    assert Payout.objects.get().status == "paid"


@pytest.mark.parametrize("kind", ["500", "500_after", "lost_request", "lost_response", "429"])
@pytest.mark.parametrize("path", ["/v1/payouts", "/v1/transfers"])
def test_whatever_stripe_does_it_is_paid_once(
    instructor: Person, earn: Earn, sandbox: Sandbox, kind: str, path: str
) -> None:
    earn(5_000)
    sandbox.control("POST", "faults", method="POST", path=path, kind=kind, count=2)
    try:
        pay_out(instructor, 1_000, "one")
    except StripeUnavailable:
        assert InstantPayout.objects.get().concluded_at is None
    for _ in range(2):
        jobs.finish_instant_payouts(clock.now())
    made = pay_out(instructor, 1_000, "one")
    assert (made.state, at_stripe(instructor), balance(instructor)) == ("pending", ([980], [20]), 4_000)


# --- Killed at every boundary ----------------------------------------------------------------------------------------
class Killed(BaseException):
    """The process ends here."""


class Boundaries:
    """Counts the moments before and after every request to Stripe and every commit of a step, and dies at one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passed = self.dies_at = 0
        for place, name in ((gateway, "_call"), (instant_payouts, "_remember"), (instant_payouts, "_decide")):
            monkeypatch.setattr(place, name, self._around(getattr(place, name)))

    def _around(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def around(*args: Any, **kwargs: Any) -> Any:
            self._boundary()
            answer = real(*args, **kwargs)
            if not connection.in_atomic_block:
                self._boundary()
            return answer

        return around

    def _boundary(self) -> None:
        self.passed += 1
        if self.passed == self.dies_at:
            raise Killed


def test_killed_at_any_boundary_it_is_carried_on(
    instructor: Person, earn: Earn, monkeypatch: pytest.MonkeyPatch
) -> None:
    earn(100_000)
    boundaries = Boundaries(monkeypatch)
    pay_out(instructor, 1_000, "undisturbed")
    there_are, paid = boundaries.passed, 1
    assert there_are > 12
    for boundary in range(1, there_are + 1):
        boundaries.passed, boundaries.dies_at = 0, boundary
        with pytest.raises(Killed):
            pay_out(instructor, 1_000, f"killed at {boundary}")
        boundaries.dies_at = 0
        jobs.finish_instant_payouts(clock.now())
        assert not InstantPayout.objects.filter(concluded_at=None).exists(), boundary
        made = pay_out(instructor, 1_000, f"killed at {boundary}")  # whoever asked tries again
        paid += 1
        assert made.state == "pending"
        assert at_stripe(instructor) == ([980] * paid, [20] * paid), boundary
    assert balance(instructor) == 100_000 - 1_000 * paid


def test_the_fee_is_two_percent_half_up() -> None:
    assert [fee_of(cents) for cents in (100, 124, 125, 174, 175, 10_560)] == [2, 2, 3, 3, 4, 211]
