"""Every mail can be written: for every event and reader, as text and HTML, in the reader's zone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from bookings.mail import rendered
from bookings.models import Booking, BookingEvent, MailLog
from bookings.notifications import INSTRUCTOR, STUDENT, TOLD
from bookings.operations import upkeep
from common import clock
from payments.vocabulary import Outcome
from sandbox_mode import mailbox, walker
from tests.support.cast import Cast, make_cast, soon

KINDS = [(event, reader) for event, readers in TOLD.items() for reader in readers]
AMOUNTS = dict.fromkeys(
    (
        "held_cents",
        "locked_cents",
        "amount_cents",
        "card_charged_cents",
        "refunded_to_card_cents",
        "student_credit_cents",
        "instructor_payout_cents",
        "credits_consumed_cents",
    ),
    4321,
)
pytestmark = pytest.mark.usefixtures("house")


@pytest.fixture
def cast() -> Cast:
    return make_cast(clock.now())


@pytest.fixture
def lesson(cast: Cast) -> Booking:
    return cast.lesson(soon(40), now=clock.now())


def written(booking: Booking, event: str, reader: str, **details: str) -> MailLog:
    person = {STUDENT: booking.student, INSTRUCTOR: booking.instructor}.get(reader)
    happened = BookingEvent.objects.create(
        booking=booking,
        kind=event,
        at=clock.now(),
        actor_role="student",
        door="api",
        reason='Tom & Jerry said "no"',
        amounts=AMOUNTS,
        details=details,
    )
    to = person.email if person else settings.SUPPORT_EMAIL
    return MailLog.objects.create(
        event=happened, recipient=person, to=to, kind=f"{event}.{reader}", created_at=clock.now()
    )


def test_every_mail_says_something_to_every_reader(lesson: Booking) -> None:
    for event, reader in KINDS:
        for details in ({}, {"type": "student", "resolution": "dispute_upheld"}, {"type": "instructor"}):
            said = rendered(written(lesson, event, reader, **details))
            assert 10 <= len(said.subject) <= 200, event
            assert "\n" not in said.subject, event
            assert len(said.text.splitlines()) > 8, event
            for text in (said.subject, said.text):
                assert not any(mark in text for mark in ("{{", "{%", "&quot;", "&amp;", "None", "()", "$.")), (
                    event,
                    text,
                )
            zone = "UTC" if reader == "support" else "America/New_York"
            assert zone in said.text, event
            assert said.subject.split()[0] in said.html


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_ending_tells_each_side_what_it_means_for_their_money(lesson: Booking, outcome: Outcome) -> None:
    texts = [
        rendered(written(lesson, "payment_settled", reader, outcome=outcome)).text for reader in (STUDENT, INSTRUCTOR)
    ]
    assert texts[0] != texts[1]
    assert "$43.21" in texts[1]
    assert "The money of this lesson is settled." in texts[0]


def test_times_are_the_readers_own(lesson: Booking) -> None:
    lesson.starts_at = datetime(2027, 3, 14, 19, 0, tzinfo=UTC)  # after the clocks went forward in New York
    lesson.ends_at = lesson.starts_at + timedelta(hours=1)
    lesson.save()
    lesson.instructor.timezone = "Asia/Kathmandu"
    lesson.instructor.save()
    assert "Sun, March 14, 2027, 3:00 PM (America/New_York)" in rendered(written(lesson, "hold_placed", STUDENT)).text
    assert (
        "Mon, March 15, 2027, 12:45 AM (Asia/Kathmandu)"
        in rendered(written(lesson, "no_show_withdrawn", INSTRUCTOR)).text
    )


def test_what_people_write_is_not_html(lesson: Booking) -> None:
    said = rendered(written(lesson, "no_show_reported", STUDENT, type="instructor"))
    lesson.service.name = "<script>Piano</script>"
    lesson.service.save()
    said = rendered(written(lesson, "hold_placed", STUDENT))
    assert "<script>Piano" not in said.html
    assert "<script>Piano" in said.text


def test_a_mail_goes_out_once_and_is_read_as_it_was_sent(lesson: Booking, settings: Any, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    settings.EMAIL_CONFIG = {"EMAIL_FILE_PATH": str(tmp_path)}
    mail = MailLog.objects.filter(event__booking=lesson, kind__endswith=STUDENT)[0]
    assert upkeep.deliver_mail(mail.pk, clock.now()) == "sent"
    assert upkeep.deliver_mail(mail.pk, clock.now()) == "nothing"
    assert len(list(tmp_path.iterdir())) == 1
    lesson.service.name = "Something else"
    lesson.service.save()
    (read,) = mailbox.latest(limit=5)
    assert (read.id, read.kind, read.to) == (mail.pk, "booking_confirmed.student", lesson.student.email)
    assert "Piano" in read.subject
    assert "Piano, 60 minutes" in read.text
    assert "Something else" not in read.text + read.html


def test_a_mail_server_that_is_away_is_tried_again(lesson: Booking, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    mail = MailLog.objects.filter(event__booking=lesson)[0]
    assert upkeep.deliver_mail(mail.pk, clock.now()) == "failed"
    mail.refresh_from_db()
    assert (mail.attempts, mail.sent_at) == (1, None)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    walker.walk(clock.now() + timedelta(minutes=2))
    mail.refresh_from_db()
    assert mail.sent_at
