"""A lesson's pages: what they say, what they do, and what they refuse with everything typed still there."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from bookings.models import Booking
from bookings.operations import place_hold, report_no_show
from common import clock
from tests.support.cast import NOTHING, Cast, job_actor, money_of, soon

from .looking import hidden, words

HOUR = timedelta(hours=1)
At = Callable[[datetime], None]


def test_my_lessons_say_in_words_where_each_stands(cast: Cast, student_page: Client, instructor_page: Client) -> None:
    cast.lesson(soon(50), now=clock.now())
    assert "Nothing is charged yet. $134.40 is held on your card on" in words(student_page.get("/lessons"))
    read = words(instructor_page.get("/lessons"))
    assert "You earn $105.60" in read
    assert "Sam S." in read
    assert "134.40" not in read, "what the student pays with is not for the instructor"


def test_an_empty_list_says_what_to_do(cast: Cast, student_page: Client) -> None:
    assert "No lessons ahead" in words(student_page.get("/lessons"))


def test_the_lesson_page_has_the_steps_the_money_and_why_not(cast: Cast, student_page: Client) -> None:
    lesson = cast.lesson(soon(50), now=clock.now(), credits=0)
    read = words(student_page.get(f"/lessons/{lesson.pk}"))
    for said in ("Booked (done)", "Held (now)", "Settled (to come)", "Booking Protection", "$14.40", "$134.40"):
        assert said in read
    assert "You chose this time" in read
    assert "A no-show can be reported from the lesson's start" in read, "and why it is not possible now"


def test_cancelling_for_free_keeps_first_and_then_cancels(cast: Cast, student_page: Client) -> None:
    lesson = cast.lesson(soon(50), now=clock.now())
    page = student_page.get(f"/lessons/{lesson.pk}/cancel")
    assert "Charged to your card $0.00" in words(page)
    terms = {"quote_id": hidden(page, "quote_id"), "reason": "I have a cold."}
    kept = student_page.post(f"/lessons/{lesson.pk}/cancel", {**terms, "decision": "keep"})
    assert kept.status_code == 302
    assert money_of(lesson)["booking"] == "CONFIRMED"
    done = student_page.post(f"/lessons/{lesson.pk}/cancel", {**terms, "decision": "cancel"}, follow=True)
    assert "The lesson is cancelled." in words(done)
    outcome = {"booking": "CANCELLED", "payment": "settled", "outcome": "student_cancel_gt24_no_charge"}
    assert money_of(lesson) == NOTHING | outcome


def test_when_the_boundary_passes_one_is_asked_again(cast: Cast, student_page: Client, at: At) -> None:
    lesson = cast.lesson(soon(25), now=clock.now())
    page = student_page.get(f"/lessons/{lesson.pk}/cancel")
    place_hold(booking_id=lesson.pk, actor=job_actor(), now=lesson.starts_at - 24 * HOUR)
    at(lesson.starts_at - 20 * HOUR)
    answer = student_page.post(
        f"/lessons/{lesson.pk}/cancel",
        {"quote_id": hidden(page, "quote_id"), "reason": "My train is late.", "decision": "cancel"},
    )
    assert answer.status_code == 409
    read = words(answer)
    assert "While you were reading, the terms changed. Nothing was done." in read
    assert "Charged to your card $134.40" in read
    assert "My train is late." in read, "what was typed is still there"
    assert hidden(answer, "quote_id") != hidden(page, "quote_id")
    assert money_of(lesson)["booking"] == "CONFIRMED"


def test_a_missing_reason_is_said_at_its_field_and_has_the_focus(cast: Cast, student_page: Client) -> None:
    lesson = cast.lesson(soon(50), now=clock.now())
    page = student_page.get(f"/lessons/{lesson.pk}/cancel")
    answer = student_page.post(f"/lessons/{lesson.pk}/cancel", {"quote_id": hidden(page, "quote_id"), "reason": " "})
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "Say in a few words why." in html
    field = html[html.index("<textarea") : html.index("</textarea>")]
    assert "autofocus" in field
    assert 'aria-invalid="true"' in field
    assert "id_reason_error" in field


def test_moving_is_free_before_and_locks_after_the_boundary(cast: Cast, student_page: Client) -> None:
    lesson = cast.lesson(soon(20), now=clock.now())
    page = student_page.get(f"/lessons/{lesson.pk}/move")
    assert "$134.40 is charged to your card now" in words(page), "said before a time is picked"
    to = soon(80).replace(minute=0)
    answer = student_page.post(
        f"/lessons/{lesson.pk}/move",
        {"quote_id": hidden(page, "quote_id"), "starts_at": f"{to:%Y-%m-%dT%H:%M:%SZ}", "decision": "move"},
    )
    moved = Booking.objects.get(rescheduled_from=lesson.pk)
    assert answer["Location"] == f"/lessons/{moved.pk}"
    assert money_of(moved)["payment"] == "locked"
    assert student_page.get(f"/lessons/{lesson.pk}")["Location"] == f"/lessons/{moved.pk}", "old links lead on"
    assert "already moved late once" in words(student_page.get(f"/lessons/{moved.pk}"))


def test_a_failed_card_has_its_deadline_and_one_button(cast: Cast, student_page: Client) -> None:
    lesson = cast.lesson(soon(25), now=clock.now(), card="pm_card_chargeCustomerFail")
    place_hold(booking_id=lesson.pk, actor=job_actor(), now=lesson.starts_at - 24 * HOUR)
    assert "Your card was declined. The lesson is still yours." in words(student_page.get(f"/lessons/{lesson.pk}"))
    bad = cast.student.user.payment_methods.exclude(pk=cast.student.payment_method.pk).get()  # type: ignore[union-attr]
    declined = student_page.post(f"/lessons/{lesson.pk}/card", {"card": bad.pk})
    assert declined.status_code == 402
    assert "The card was declined. Nothing was charged." in words(declined)
    good = student_page.post(f"/lessons/{lesson.pk}/card", {"card": cast.student.payment_method.pk})  # type: ignore[union-attr]
    assert good["Location"] == f"/lessons/{lesson.pk}"
    assert money_of(lesson)["payment"] == "authorized"


def test_a_no_show_is_reported_and_answered(cast: Cast, student_page: Client, instructor_page: Client, at: At) -> None:
    lesson = cast.lesson(soon(20), now=clock.now())
    at(lesson.starts_at + HOUR / 2)
    reported = student_page.post(f"/lessons/{lesson.pk}/no-show", {"reason": "I waited half an hour."}, follow=True)
    assert "You reported that Ina did not come" in words(reported)
    read = words(instructor_page.get(f"/lessons/{lesson.pk}"))
    assert "Sam reported that you did not come" in read
    assert "I waited half an hour." in read
    assert "left" in read, "the countdown"
    short = instructor_page.post(f"/lessons/{lesson.pk}/no-show/answer", {"reason": "No."})
    assert short.status_code == 422
    instructor_page.post(f"/lessons/{lesson.pk}/no-show/answer", {"reason": "I was there, the door was locked."})
    assert "Ina answered: I was there" in words(student_page.get(f"/lessons/{lesson.pk}"))


def test_an_instructor_completes_or_disputes(cast: Cast, instructor_page: Client, at: At) -> None:
    first, second = cast.lesson(soon(20), now=clock.now()), cast.lesson(soon(30), now=clock.now())
    at(first.ends_at + HOUR)
    instructor_page.post(f"/lessons/{first.pk}/complete", {"note": "Scales."})
    assert money_of(first)["booking"] == "COMPLETED"
    early = instructor_page.post(f"/lessons/{second.pk}/complete", {})
    assert early.status_code == 422
    assert money_of(second)["booking"] == "CONFIRMED"
    instructor_page.post(f"/lessons/{first.pk}/dispute", {"reason": "They left after ten minutes."})
    assert money_of(first)["payment"] == "manual_review"


@pytest.mark.parametrize("many", [2])
def test_pages_make_a_constant_number_of_queries(
    cast: Cast, student_page: Client, many: int, django_assert_num_queries: object
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert student_page.get(address).status_code == 200
        return len(captured)

    lesson = cast.lesson(soon(50), now=clock.now())
    student_page.get("/lessons")
    one = {address: queries(address) for address in ("/lessons", f"/lessons/{lesson.pk}", "/")}
    for number in range(many):
        other = cast.lesson(soon(60 + 5 * number), now=clock.now())
    report_no_show(
        booking_id=other.pk, actor=cast.as_student, no_show_type="instructor", reason="Nobody came.", now=other.ends_at
    )
    assert {address: queries(address) for address in one} == one
    assert max(one.values()) <= 12
