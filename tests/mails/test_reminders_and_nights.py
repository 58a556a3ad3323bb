"""Mails that no booking's event calls for: reminders, credits, payouts; the reader's night; one click ends a topic."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail as outbox
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from bookings import due, jobs
from bookings.mail import rendered
from bookings.models import MailLog, Unsubscribed
from bookings.notifications import CAN_WAIT, OTHERS, TOLD, TOPIC_WORDS, TOPICS, not_before, tell
from bookings.operations import cancel_booking, issue_goodwill, resend_mail
from bookings.operations.fail_refund import show_bank_payout
from bookings.operations.upkeep import deliver_mail
from bookings.unsubscribing import unsubscribe_token
from common import clock
from support.samples import sample
from tests.support.cast import HOUR, Cast, mails_to, make_cast, soon
from tests.support.factories import UserFactory, give_credit

NEW_YORK_NIGHT = datetime(2027, 3, 2, 4, 30, tzinfo=UTC)  # 23:30 in New York


@pytest.fixture
def now() -> datetime:
    return clock.now().replace(microsecond=0)


@pytest.fixture
def cast(house: None, now: datetime) -> Cast:
    return make_cast(now)


# --- Reminders -------------------------------------------------------------------------------------------------------
def test_a_lesson_is_reminded_of_a_day_and_an_hour_before_once_on_both_sides(cast: Cast, now: datetime) -> None:
    booking = cast.lesson(soon(48), now=now)
    both = (cast.student.user, cast.instructor.user)
    moments: list[tuple[timedelta, dict[str, int]]] = [
        (25 * HOUR, {}),
        (24 * HOUR, {"reminder_24h": 1}),
        (23 * HOUR, {}),
        (HOUR, {"reminder_1h": 1}),
        (timedelta(minutes=30), {}),
        (timedelta(), {}),
    ]
    for before, wanted in moments:
        assert jobs.write_reminders(booking.starts_at - before).results == wanted, before
    for person, role in zip(both, ("student", "instructor"), strict=True):
        assert [kind for kind in mails_to(person) if "reminder" in kind] == [
            f"reminder_24h.{role}",
            f"reminder_1h.{role}",
        ]
    text = rendered(MailLog.objects.get(kind="reminder_1h.student")).text
    assert "expects you" in text
    assert booking.service.name in text


def test_what_is_cancelled_or_booked_at_short_notice_is_not_reminded_of_a_day_before(cast: Cast, now: datetime) -> None:
    gone, late = cast.lesson(soon(72), now=now), cast.lesson(soon(20), now=now)
    cancel_booking(booking_id=gone.pk, actor=cast.as_student, reason="Ill", now=now)
    assert due.lessons_to_remind("reminder_24h", gone.starts_at - 24 * HOUR) == []
    assert due.lessons_to_remind("reminder_24h", now) == []
    assert due.lessons_to_remind("reminder_1h", late.starts_at - HOUR) == [late.pk]


def test_credit_is_told_of_when_it_comes_and_a_week_before_it_goes(database: None, now: datetime) -> None:
    student, staff = UserFactory.create(timezone="UTC"), UserFactory.create(role="staff")
    give_credit(student, 500, now=now, days=30)
    from common.actors import Door

    for _ in range(2):
        issue_goodwill(
            person_id=student.pk, amount_cents=2500, days=90, key="x", actor=staff.as_actor(Door.ADMIN), now=now
        )
    assert mails_to(student) == ["credit_issued.student"]
    assert jobs.write_reminders(now + timedelta(days=22)).processed == 0
    for _ in range(2):
        jobs.write_reminders(now + timedelta(days=24))
    assert mails_to(student) == ["credit_issued.student", "credit_expiring.student"]
    assert rendered(MailLog.objects.get(kind="credit_expiring.student")).subject == "$5.00 credit expires soon"


def test_an_instructor_hears_of_payouts_that_arrive_and_that_come_back(cast: Cast, now: datetime) -> None:
    account = cast.instructor.stripe_account_id
    for status, payout in (
        ("failed", "po_1"),
        ("failed", "po_1"),
        ("paid", "po_2"),
        ("paid", "po_2"),
        ("pending", "po_3"),
    ):
        show_bank_payout(payout_id=payout, account=account, status=status, amount_cents=700, now=now)
    assert mails_to(cast.instructor.user) == ["payout_failed.instructor", "payout_sent.instructor"]
    assert "$7.00" in rendered(MailLog.objects.get(kind="payout_failed.instructor")).subject


# --- The reader's night ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("local", "waits_until"),
    [
        ("21:59", None), ("22:00", "08:00 +1"), ("23:30", "08:00 +1"), ("00:00", "08:00"), ("07:59", "08:00"),
        ("08:00", None), ("12:00", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "Pacific/Auckland"])
def test_what_can_wait_waits_for_the_morning_there(zone: str, local: str, waits_until: str | None) -> None:
    from zoneinfo import ZoneInfo

    reader = User(timezone=zone)
    moment = datetime.fromisoformat(f"2027-06-15T{local}").replace(tzinfo=ZoneInfo(zone))
    until = not_before("lesson_completed", reader, moment)
    assert not_before("hold_failed", reader, moment) is None
    assert not_before("lesson_completed", None, moment) is None
    if waits_until is None:
        assert until is None
    else:
        assert until is not None
        there = until.astimezone(ZoneInfo(zone))
        day = 16 if "+1" in waits_until else 15
        assert (there.day, there.hour, there.minute) == (day, 8, 0)


def test_a_mail_written_at_night_is_sent_in_the_morning(database: None, now: datetime) -> None:
    reader = UserFactory.create(timezone="America/New_York")
    with transaction.atomic():
        for _ in range(2):
            tell(reader, "payout_sent", role="instructor", cause="po_1", facts={"amount_cents": 1}, now=NEW_YORK_NIGHT)
    mail = MailLog.objects.get()
    assert mail.not_before == datetime(2027, 3, 2, 13, tzinfo=UTC)
    assert deliver_mail(mail.pk, NEW_YORK_NIGHT) == "nothing"
    assert due.mails_to_send(NEW_YORK_NIGHT) == []
    assert jobs.send_mails(mail.not_before).results == {"sent": 1}
    assert jobs.send_mails(mail.not_before).processed == 0


# --- One click -------------------------------------------------------------------------------------------------------
def test_one_click_ends_a_topic_and_nothing_else(database: None, now: datetime) -> None:
    reader = UserFactory.create(timezone="UTC")
    with transaction.atomic():
        told = tell(reader, "credit_issued", role="student", cause="lot_1",
                    facts={"amount_cents": 5, "expires_at": now.isoformat()}, now=NEW_YORK_NIGHT + 8 * HOUR)  # fmt: skip
    assert told is not None
    jobs.send_mails(NEW_YORK_NIGHT + 9 * HOUR)
    address = rendered(told).unsubscribe_url
    assert address in rendered(told).text
    path = address.partition("//")[2].partition("/")[2]
    client = Client(enforce_csrf_checks=True)
    assert "No more news about credits" in client.get(f"/{path}").content.decode()
    assert not Unsubscribed.objects.exists()
    for _ in range(2):
        assert client.post(f"/{path}", {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert Unsubscribed.objects.get().topic == "credits"
    with transaction.atomic():
        assert tell(reader, "credit_expiring", role="student", cause="lot_2", facts={}, now=now) is None
        assert tell(reader, "reminder_1h", role="student", cause="x", facts={}, now=now) is not None
    other = reverse("unsubscribe", args=[f"{unsubscribe_token(reader, 'reminders')}x"])
    for wrong in (
        other,
        reverse("unsubscribe", args=["x"]),
        reverse("unsubscribe", args=[unsubscribe_token(reader, "?")]),
    ):
        assert client.post(wrong).status_code == 404


def test_only_what_can_be_ended_says_how(database: None, settings, now: datetime) -> None:  # type: ignore[no-untyped-def]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    outbox.outbox = []
    reader = UserFactory.create(timezone="UTC")
    noon = now.replace(hour=12)
    with transaction.atomic():
        for kind in ("credit_expiring", "payout_failed"):
            facts = {"amount_cents": 500, "expires_at": now.isoformat()}
            tell(reader, kind, role="student", cause=kind, facts=facts, now=noon)
    jobs.send_mails(noon)
    first, second = outbox.outbox
    assert first.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert first.extra_headers["List-Unsubscribe"].startswith("<http")
    assert "List-Unsubscribe" not in second.extra_headers


# --- Again, and every one --------------------------------------------------------------------------------------------
def test_a_mail_is_sent_again_as_a_row_of_its_own(cast: Cast, now: datetime) -> None:
    cast.lesson(soon(48), now=now)
    mail = MailLog.objects.get(kind="booking_confirmed.student")
    jobs.send_mails(now)
    again = resend_mail(mail_id=mail.pk, key="k", now=now)
    assert (again.copy, again.sent_at, again.event) == (1, None, mail.event)
    assert jobs.send_mails(now).results == {"sent": 1}
    assert rendered(again).text == rendered(mail).text


@pytest.mark.parametrize(
    ("kind", "role"), [(kind, role) for kind, roles in {**TOLD, **OTHERS}.items() for role in roles]
)
def test_every_mail_can_be_previewed_and_says_something(
    preview: Callable[[str, str], tuple[str, str, str]], kind: str, role: str
) -> None:
    subject, text, html = preview(kind, role)
    assert subject
    assert "\n\n" in text
    assert "{{" not in text
    assert "None" not in text
    assert html.count("<h1>") == 1


@pytest.fixture(scope="module")
def preview(_cleaner, django_db_blocker, _sandbox_process):  # type: ignore[no-untyped-def]
    """Renders a made-up mail about one lesson that is booked once for all."""
    with django_db_blocker.unblock():
        moment = clock.now()
        make_cast(moment).lesson(soon(60), now=moment)

        def render(kind: str, role: str) -> tuple[str, str, str]:
            mail = sample(kind, role, now=moment)
            assert mail is not None
            said = rendered(mail)
            return said.subject, said.text, said.html

        yield render
        _cleaner.empty()
        _sandbox_process.reset()


def test_the_tables_agree() -> None:
    assert set(TOLD) & set(OTHERS) == set()
    assert set(CAN_WAIT) | set(TOPICS) <= {**TOLD, **OTHERS}.keys()
    assert set(TOPICS.values()) == set(TOPIC_WORDS)
