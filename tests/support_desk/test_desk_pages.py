"""The desk as staff use it: the queue, the files, an action in three steps, four eyes; and who may not."""

import re
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings.models import Booking, BookingEvent, SupportItem
from bookings.operations import refund_booking
from common import clock
from support.carrying_out import OwnAction, agree, carry_on_desk_actions
from support.models import DeskAction, Note
from tests.admin.rows import fill
from tests.stories.acts import paid
from tests.support.cast import Cast, money_of

from .conftest import browser_of, member

HIDDEN = re.compile(r'<input type="hidden" name="([a-z_0-9]+)" value="([^"]*)">')


def form_of(page: str) -> dict[str, list[str]]:
    """What the confirmation's own form sends."""
    from html import unescape

    sent: dict[str, list[str]] = {}
    for name, value in HIDDEN.findall(page[page.index('name="step" value="do"') - 200 :]):
        sent.setdefault(name, []).append(unescape(value))
    return sent


def confirmation(browser: Client, booking: Booking, amount: str) -> dict[str, list[str]]:
    address = reverse("admin:desk_act", args=["refund", booking.pk])
    assert browser.get(address).status_code == 200
    shown = browser.post(
        address, {"step": "show", "amount_cents": amount, "because": "other", "reason": "The piano was out of tune"}
    )
    assert shown.status_code == 200
    assert "what happens" in shown.content.decode()
    return form_of(shown.content.decode())


@pytest.fixture
def lesson(cast: Cast, now: datetime) -> Booking:
    """A lesson that was paid; its time is behind us."""
    booking = paid(cast, now)
    clock.move_to(booking.ends_at + timedelta(days=3))
    return booking


def test_a_refund_in_three_steps_pressed_twice_is_one(lesson: Booking) -> None:
    finance = member("finance")
    browser = browser_of(finance)
    sent = confirmation(browser, lesson, "3000")
    assert money_of(lesson)["refunded"] == 0
    assert not DeskAction.objects.exists()
    for _ in range(2):
        done = browser.post(reverse("admin:desk_act", args=["refund", lesson.pk]), sent)
        assert done.headers["location"] == reverse("admin:desk_booking", args=[lesson.pk])
    assert money_of(lesson)["refunded"] == 3000
    asked = DeskAction.objects.get()
    assert (asked.state, asked.asked_by, asked.needs_second) == ("done", finance, False)
    event = BookingEvent.objects.get(kind="staff_refund")
    assert "The piano was out of tune" in event.reason
    assert (event.actor_id, event.door) == (finance.pk, "admin")


def test_what_changed_while_it_was_read_is_shown_again(lesson: Booking) -> None:
    browser = browser_of(member("finance"))
    sent, other = confirmation(browser, lesson, ""), confirmation(browser_of(member("finance")), lesson, "500")
    assert sent["seen_0"]
    address = reverse("admin:desk_act", args=["refund", lesson.pk])
    browser.post(address, other)
    shown = browser.post(address, sent)
    assert "Something changed while you were reading" in shown.content.decode()
    assert money_of(lesson)["refunded"] == 500


@pytest.mark.parametrize("agrees", [True, False])
def test_much_money_waits_for_a_second_person_who_is_somebody_else(lesson: Booking, agrees: bool, settings) -> None:  # type: ignore[no-untyped-def]
    settings.FOUR_EYES_ABOVE_CENTS = 10_000
    first, second = member("finance"), member("finance")
    browser_of(first).post(
        reverse("admin:desk_act", args=["refund", lesson.pk]), confirmation(browser_of(first), lesson, "")
    )
    asked = DeskAction.objects.get()
    assert (asked.state, money_of(lesson)["refunded"]) == ("waiting", 0)
    with pytest.raises(OwnAction):
        agree(action_id=asked.pk, user=first, agrees=True, now=clock.now())
    decide = reverse("admin:desk_decide", args=[asked.pk])
    browser_of(first).post(decide, {"answer": "agree"})
    browser_of(member("support")).post(decide, {"answer": "agree"})
    assert browser_of(second).get(decide).status_code == 405
    asked.refresh_from_db()
    assert (asked.state, money_of(lesson)["refunded"]) == ("waiting", 0)
    for _ in range(2):
        browser_of(second).post(decide, {"answer": "agree" if agrees else "decline"})
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by) == ("done" if agrees else "declined", second)
    assert money_of(lesson)["refunded"] == (13440 if agrees else 0)
    if agrees:
        assert f"agreed by {second.email}" in BookingEvent.objects.get(kind="staff_refund").reason


@pytest.mark.parametrize("died", ["before", "after"])
def test_what_was_agreed_is_carried_on_when_the_process_died(lesson: Booking, died: str) -> None:
    finance = member("finance")
    browser = browser_of(finance)
    browser.post(reverse("admin:desk_act", args=["refund", lesson.pk]), confirmation(browser, lesson, "3000"))
    asked = DeskAction.objects.get()
    DeskAction.objects.update(state="agreed", done_at=None, result="", next_attempt_at=clock.system_now())
    if died == "before":  # as if it had not come to the decision: another row asks for the same
        DeskAction.objects.create(
            **{
                field.attname: getattr(asked, field.attname)
                for field in DeskAction._meta.concrete_fields
                if field.name not in ("id", "state", "next_attempt_at")
            },
            state="agreed",
            next_attempt_at=clock.system_now(),
        )
    carry_on_desk_actions(clock.now())
    assert set(DeskAction.objects.values_list("state", flat=True)) == {"done"}
    assert money_of(lesson)["refunded"] == (6000 if died == "before" else 3000)
    assert carry_on_desk_actions(clock.now()).processed == 0


# --- Who may ---------------------------------------------------------------------------------------------------------
ACTS = ("refund", "cancel", "resolve-no-show", "resolve-review", "capture", "retry", "give-up")


@pytest.mark.parametrize("group", ["read-only", "support"])
def test_who_may_not_move_money_sees_it_and_moves_none(lesson: Booking, group: str) -> None:
    browser, facts = browser_of(member(group)), money_of(lesson)
    sent = confirmation(browser_of(member("finance")), lesson, "3000")
    assert browser.get(reverse("admin:desk_booking", args=[lesson.pk])).status_code == 200
    for name in ACTS:
        answer = browser.post(reverse("admin:desk_act", args=[name, lesson.pk]), sent)
        assert answer.status_code == 200
    person = lesson.student_id
    for name in ("goodwill", "restrict"):
        answer = browser.post(
            reverse("admin:desk_act", args=[name, person]), {**sent, "amount_cents": "500", "days": "30"}
        )
        assert b"not do it" in answer.content
    assert not DeskAction.objects.exists()
    assert money_of(lesson) == facts


def test_nobody_without_the_permission_opens_the_desk(database: None) -> None:
    stranger, student = member("read-only"), User.objects.create_user("x@example.com", "x", first_name="X")
    stranger.user_permissions.clear()
    for name in ("desk", "desk_asked"):
        assert browser_of(User.objects.get(pk=stranger.pk)).get(reverse(f"admin:{name}")).status_code == 403
        assert browser_of(student).get(reverse(f"admin:{name}")).status_code == 302
    assert Permission.objects.filter(codename="work_desk").exists()


# --- The queue -------------------------------------------------------------------------------------------------------
def test_items_are_claimed_and_released_by_post_and_by_one(database: None) -> None:
    fill(range(1))
    SupportItem.objects.update(owner=None)
    item = SupportItem.objects.get()
    one, other, looking = member("support"), member("support"), member("read-only")
    claim, release = (reverse(f"admin:desk_{what}", args=[item.pk]) for what in ("claim", "release"))
    assert browser_of(one).get(claim).status_code == 405
    assert browser_of(looking).post(claim).status_code == 403
    for person in (one, one, other):
        browser_of(person).post(claim, {"next": "/admin/desk/"})
        item.refresh_from_db()
        assert item.owner == one
    browser_of(other).post(release)
    item.refresh_from_db()
    assert item.owner == one
    assert browser_of(one).post(release, {"next": "//elsewhere"}).headers["location"] == reverse("admin:desk")
    item.refresh_from_db()
    assert item.owner is None


def test_the_queue_finds_by_person_booking_and_stripe_id_in_constant_queries(database: None) -> None:
    fill(range(2))
    browser = browser_of(member("support"))

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            answer = browser.get(reverse("admin:desk"))
        assert answer.status_code == 200
        return len(captured)

    few = queries()
    fill(range(2, 8))
    assert queries() == few
    booking = Booking.objects.order_by("pk").select_related("student", "payment")[0]
    booking.payment.payment_intent_id = "pi_1"
    booking.payment.save()
    for typed in (booking.pk, booking.student.email, "pi_1"):
        page = browser.get(reverse("admin:desk"), {"q": typed}).content.decode()
        assert page.count(f"bookings/{booking.pk}/") == 1, typed
        assert page.count("/claim/") + page.count("/release/") == 1, typed
    for typed in ("pi_2", "\x00", "%", "nobody@"):
        page = browser.get(reverse("admin:desk"), {"q": typed, "from": "9" * 30, "kind": "?"}).content.decode()
        assert "/claim/" not in page
    assert "Chargeback" in browser.get("/admin/").content.decode()


# --- The files -------------------------------------------------------------------------------------------------------
def test_the_files_tell_everything_in_constant_queries(cast: Cast, now: datetime) -> None:
    booking = paid(cast, now)
    browser = browser_of(member("support"))
    pages = [
        reverse("admin:desk_booking", args=[booking.pk]),
        reverse("admin:desk_person", args=[booking.student_id]),
        reverse("admin:desk_person", args=[booking.instructor_id]),
    ]
    counts = []
    for _ in range(2):
        for where in ("desk_booking_note", "desk_person_note"):
            about = booking.pk if "booking" in where else booking.student_id
            browser.post(reverse(f"admin:{where}", args=[about]), {"text": "Called <b>them</b>"})
        for page in pages:
            with CaptureQueriesContext(connection) as captured:
                answer = browser.get(page)
            assert answer.status_code == 200
            counts.append(len(captured))
        for cents in (100, 200):
            refund_booking(
                booking_id=booking.pk,
                actor=cast.as_staff,
                amount_cents=cents,
                reason="other",
                now=booking.ends_at + timedelta(days=3),
            )
    assert counts[:3] == counts[3:]
    file = browser.get(pages[0]).content.decode()
    for said in ("Payment settled", "pi_", "capture:", "$134.40", "$105.60", "Called &lt;b&gt;them", "Your lesson"):
        assert said in file, said
    person = browser.get(pages[1]).content.decode()
    for said in ("•••• 4242", "Called &lt;b&gt;them", booking.starts_at.strftime("%Y-%m-%d")):
        assert said in person, said
    assert Note.objects.count() == 4
    assert browser.get(reverse("admin:desk_booking", args=["0" * 26])).status_code == 404
