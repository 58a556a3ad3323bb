"""Actions about people and records: what is shown is what happens, once; GET changes nothing anywhere at the desk."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model

from accounts.holds import AccountRestricted, refuse_if_held
from accounts.models import AccountHold, User
from bookings import audit
from bookings.models import BookingEvent, MailLog, SupportItem
from bookings.reconciliation import reconcile_with_stripe
from common import clock
from common.problems import PermissionDenied, Problem
from credits.models import CreditLot
from credits.queries import available_cents
from payments import gateway, ledger
from payments.models import StripeEventInbox
from support import carrying_out
from support.actions import ACTIONS
from support.models import DeskAction
from tests.admin.rows import fill
from tests.reconciliation.banking import transfer
from tests.stories.acts import paid
from tests.support.cast import Cast
from tests.support.factories import UserFactory, give_credit

from .conftest import browser_of, member


def do(name: str, subject: str, now: datetime, user: User | None = None, **inputs: Any) -> DeskAction:
    """Shown, asked, and asked again with the same key."""
    user = user or member("finance")
    shown = carrying_out.show(name, subject, inputs, user=user, now=now)
    asked: dict[str, Any] = {"name": name, "subject_id": subject, "inputs": inputs, "reason": "Because", "shown": shown}
    first = carrying_out.ask(key=f"01{'B' * 24}", user=user, now=now, **asked)
    facts = _counts()
    again = carrying_out.ask(key=first.pk, user=user, now=now, **asked)
    assert _counts() == facts
    assert first.state == again.state == "done", first.result
    return first


def _counts() -> dict[str, int]:
    names = ("accounts", "bookings", "credits", "payments", "support", "django_q")
    models: list[type[Model]] = [model for name in names for model in apps.get_app_config(name).get_models()]
    labels = {model._meta.label: model._default_manager.count() for model in models}
    labels.pop("accounts.AuditEntry")  # who asked for what is written down, whatever came of it
    return labels


def test_an_account_is_locked_and_unlocked_with_reasons(cast: Cast, now: datetime) -> None:
    student = cast.student.user
    do("restrict", student.pk, now)
    with pytest.raises(AccountRestricted):
        refuse_if_held(student)
    hold = AccountHold.objects.get(user=student)
    DeskAction.objects.all().delete()
    do("lift", hold.pk, now)
    refuse_if_held(student)
    hold.refresh_from_db()
    assert hold.lifted_by.startswith("staff:")
    with pytest.raises(Problem, match="lifted already"):
        carrying_out.show("lift", hold.pk, {}, user=member("finance"), now=now)


def test_lifting_what_a_lesson_left_is_in_its_timeline_and_closes_its_item(cast: Cast, now: datetime) -> None:
    booking = paid(cast, now)
    hold = AccountHold.objects.create(
        user=cast.student.user, kind="negative", payment_id=booking.payment_id, amount_cents=700, opened_at=now
    )
    SupportItem.objects.create(kind="account_negative", cause=booking.payment_id, opened_at=now, booking_id=booking.pk)
    asked = do("lift", hold.pk, now)
    assert ["Platform", "Owed by the student", "$7.00", "$0.00"] in asked.effect
    assert "Because" in BookingEvent.objects.get(kind="account_released").reason
    assert not SupportItem.objects.filter(closed_at=None).exists()
    assert not audit.audit()


def test_goodwill_is_given_once_and_taken_back_as_far_as_it_is_unspent(database: None, now: datetime) -> None:
    student = UserFactory.create()
    asked = do("goodwill", student.pk, now, amount_cents=2500, days=30)
    assert ["Student", "Credits to spend", "$0.00", "$25.00"] in asked.effect
    assert available_cents(user_id=student.pk, now=now) == 2500
    assert ledger.balance_of(ledger.CREDITS_OWED) == -2500
    lot = CreditLot.objects.get()
    assert (lot.source, lot.expires_at) == ("goodwill", now + timedelta(days=30))
    DeskAction.objects.all().delete()
    do("revoke-goodwill", lot.pk, now)
    assert (available_cents(user_id=student.pk, now=now), ledger.balance_of(ledger.CREDITS_OWED)) == (0, 0)
    earned = give_credit(student, 500, now=now, source=CreditLot.Source.MILESTONE)
    for credit, said in ((lot.pk, "Nothing"), (earned.pk, "not goodwill"), ("0" * 26, "no such")):
        with pytest.raises(Problem, match=said):
            carrying_out.show("revoke-goodwill", credit, {}, user=member("finance"), now=now)


def test_a_difference_is_explained_by_a_balanced_correction_and_no_money_moves(cast: Cast, now: datetime) -> None:
    made = transfer(cast.instructor.stripe_account_id, 700)
    reconcile_with_stripe(now)
    items = SupportItem.objects.filter(kind="ledger_difference", closed_at=None)
    [item] = items.filter(cause=f"platform:{made['id']}")
    balance = gateway.balance_total()
    from bookings.models import ReconciliationDifference

    difference = ReconciliationDifference.objects.get(stripe_source=made["id"], stripe_account="")
    do("explain", difference.pk, now, against="platform_equity")
    item.refresh_from_db()
    assert item.closed_at == now
    assert ledger.balance_of(ledger.PLATFORM) == balance == gateway.balance_total()
    assert sum(ledger.trial_balance().values()) == 0
    with pytest.raises(Problem, match="agree on this object"):
        carrying_out.show("explain", difference.pk, {"against": "card"}, user=member("finance"), now=now)


def test_support_sends_a_mail_and_works_through_an_event_again(database: None, now: datetime) -> None:
    fill(range(1))
    support, looking = member("support"), member("read-only")
    mail = MailLog.objects.get()
    do("resend-mail", mail.pk, now, support)
    assert MailLog.objects.filter(copy=1, kind=mail.kind).count() == 1
    StripeEventInbox.objects.update(type="plan.created", payload={"data": {"object": {}}})
    DeskAction.objects.filter(action="resend-mail").delete()
    assert do("replay-event", "evt_0", now, support).result == "ignored"
    assert StripeEventInbox.objects.get().processed_at is not None
    for name, subject in (("resend-mail", mail.pk), ("replay-event", "evt_0")):
        with pytest.raises(PermissionDenied):
            carrying_out.show(name, subject, {}, user=looking, now=now)
    for name in {a.name for a in ACTIONS.values()} - {"resend-mail", "replay-event"}:
        with pytest.raises(PermissionDenied):
            carrying_out.show(name, "0" * 26, {}, user=support, now=now)


def test_what_the_rules_refuse_when_it_is_agreed_is_noted_as_refused(cast: Cast, now: datetime) -> None:
    booking = paid(cast, now)
    at = booking.ends_at + timedelta(days=3)
    inputs = {"amount_cents": 9000, "because": "other"}
    user = member("finance")
    shown = carrying_out.show("refund", booking.pk, inputs, user=user, now=at)
    keys = [f"01{letter * 24}" for letter in "CD"]
    states = [
        carrying_out.ask(
            key=key,
            name="refund",
            subject_id=booking.pk,
            inputs=inputs,
            reason="Because",
            shown=shown,
            user=user,
            now=at,
        ).state
        for key in keys
    ]
    assert states == ["done", "refused"]
    user.user_permissions.clear()
    DeskAction.objects.filter(pk=keys[1]).update(state="agreed", next_attempt_at=clock.system_now())
    carrying_out.carry_on_desk_actions(at)
    assert DeskAction.objects.get(pk=keys[1]).state == "refused"


def test_looking_changes_nothing_and_nothing_of_the_desk_answers_with_an_error(database: None) -> None:
    fill(range(2))
    browser = browser_of(User.objects.create_superuser("boss@example.com", "x", first_name="Boss"))
    browser.get("/admin/desk/")
    facts, ids = _counts(), {"booking": "bookings.Booking", "person": "accounts.User", "hold": "accounts.AccountHold"}
    ids |= {"lot": "credits.CreditLot", "plan": "payments.MoneyPlan", "mail": "bookings.MailLog"}
    ids |= {"difference": "bookings.ReconciliationDifference", "event": "payments.StripeEventInbox"}
    first = {about: apps.get_model(label)._default_manager.order_by("pk")[0].pk for about, label in ids.items()}
    pages = [f"act/{a.name}/{first.get(a.about, 'next')}/" for a in ACTIONS.values()]
    pages += [
        f"bookings/{first['booking']}/",
        f"people/{first['person']}/",
        "mails/hold_failed/student/",
        "?q=%00&from=x",
    ]
    pages += ["mails/reminder_1h/student/?html=1", "money/", "health/"]
    pages += [f"asked/{apps.get_model('support.DeskAction').objects.order_by('pk')[0].pk}/"]
    for page in pages:
        assert browser.get(f"/admin/desk/{page}").status_code == 200, page
    odd = [
        "act/refund/0/",
        "act/nothing/0/",
        "bookings/%00/",
        "people/x/",
        "mails/x/y/",
        "asked/x/",
        "act/lift/%F0%9F%8E%B9/",
    ]
    for page in odd:
        assert browser.get(f"/admin/desk/{page}").status_code == 404, page
        assert browser.post(f"/admin/desk/{page}", {"reason": "\x00"}).status_code == 404, page
    assert _counts() == facts
