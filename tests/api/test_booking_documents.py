"""What a booking looks like to each of the people in it, and how many queries a list of them takes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bookings.api.answers import MONEY, PAID_BY_THE_STUDENT, BookingDocument
from bookings.models import Booking, CompletionDispute, NoShowReport
from bookings.policy.pricing import quote
from catalog.models import Service
from common import clock
from payments.models import Chargeback, Payment

from .conftest import client_of

HOUR = timedelta(hours=1)
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
ALWAYS = """
    id, status, payment_status, settlement_outcome, starts_at, ends_at, timezone, service, student, instructor,
    lesson_price_cents, student_fee_cents, instructor_commission_cents, commission_bps,
    instructor_payout_full_cents, credits_reserved_cents, card_amount_cents, application_fee_cents,
    top_up_cents, card_charged_cents, refunded_to_card_cents, student_credit_cents, instructor_payout_cents,
    credits_released_cents, credits_issued_cents, credits_forfeited_cents, credits_consumed_cents,
    auth_scheduled_for, auth_attempted_at, auth_failure_count, auth_last_error, capture_before, capture_due_at,
    capture_failed_at, capture_retry_count, locked_at, locked_amount_cents, lock_resolution, lock_resolved_at,
    late_reschedule_used, rescheduled_from_id, rescheduled_to_id, original_starts_at, has_locked_funds, no_show,
    dispute, review_reason, payment_intent_id, cancelled_at, cancelled_by, cancellation_reason, completed_at
"""


def make_booking(student: User, service: Service, starts_at: datetime, **other: Any) -> Booking:
    amounts = quote(hourly_rate_cents=service.hourly_rate_cents, minutes=60, commission_bps=1200)
    instructor = service.instructor.user
    payment = Payment.objects.create(
        student=student,
        instructor=instructor,
        created_at=NOW,
        lesson_price_cents=amounts.lesson_price_cents,
        student_fee_cents=amounts.student_fee_cents,
        commission_bps=amounts.commission_bps,
        instructor_commission_cents=amounts.instructor_commission_cents,
        instructor_payout_full_cents=amounts.payout_full_cents,
        card_amount_cents=amounts.card_amount_cents,
        application_fee_cents=amounts.application_fee_cents,
        top_up_cents=amounts.top_up_cents,
        payment_intent_id="pi_1",
    )
    booking: Booking = Booking.objects.create(
        student=student,
        instructor=instructor,
        service=service,
        payment=payment,
        starts_at=starts_at,
        ends_at=starts_at + HOUR,
        timezone="America/New_York",
        duration_minutes=60,
        location_type="online",
        created_at=NOW,
        **other,
    )
    return booking


@pytest.fixture
def booking(student: User, service: Service) -> Booking:
    return make_booking(student, service, clock.now() + 48 * HOUR)


def read(user: User, booking: Booking) -> dict[str, Any]:
    response = client_of(user).get(f"/api/v1/bookings/{booking.pk}")
    assert response.status_code == 200, response.content
    document: dict[str, Any] = response.json()
    return document


def test_the_student_sees_every_member(student: User, booking: Booking) -> None:
    document = read(student, booking)

    assert {name.strip() for name in ALWAYS.split(",")} <= set(document)
    assert set(document) == set(BookingDocument().fields)
    assert document["settlement_outcome"] is None
    assert document["starts_at"].endswith("Z")
    assert document["payment_intent_id"] == "pi_1"
    assert (document["no_show"], document["dispute"], document["rescheduled_to_id"]) == (None, None, None)
    assert document["student"]["name"] == "Sam Student"
    assert document["instructor"] == {"id": booking.instructor_id, "name": "Ina I."}


def test_the_instructor_does_not_see_what_the_student_pays_with(instructor: User, booking: Booking) -> None:
    document = read(instructor, booking)

    assert not PAID_BY_THE_STUDENT & set(document)
    assert document["instructor_payout_full_cents"] == 10_560
    assert document["student"]["name"] == "Sam S."
    assert document["instructor"]["name"] == "Ina Instructor"


def test_support_sees_money_only_with_permission(staff: User, clerk: User, booking: Booking) -> None:
    assert set(read(staff, booking)) == set(BookingDocument().fields)
    assert not MONEY & set(read(clerk, booking))
    assert read(clerk, booking)["student"]["name"] == "Sam Student"


def test_what_is_hidden_are_members_of_the_document() -> None:
    fields = BookingDocument().fields

    assert set(fields) >= MONEY
    assert all(not fields[name].required for name in MONEY)


def test_no_show_and_dispute_are_objects(student: User, booking: Booking) -> None:
    report = {"reported_by_role": "x", "reported_by_id": "x", "reason": "Nobody came.", "dispute_window_ends": NOW}
    for hours, kind, resolution in ((0, "student", "cancelled"), (1, "instructor", ""), (2, "student", "")):
        NoShowReport.objects.create(
            booking=booking, type=kind, reported_at=NOW + hours * HOUR, resolution=resolution, **report
        )
    CompletionDispute.objects.create(booking=booking, opened_at=NOW, reason="Half an hour only.")
    document = read(student, booking)

    assert (document["no_show"]["type"], document["no_show"]["is_mutual"]) == ("instructor", True)
    assert (document["dispute"]["kind"], document["dispute"]["reason"]) == ("completion", "Half an hour only.")
    Chargeback.objects.create(
        id="dp_1",
        payment=booking.payment,
        charge_id="ch_1",
        amount_cents=1,
        reason="fraudulent",
        status="needs_response",
    )
    dispute = read(student, booking)["dispute"]
    assert (dispute["kind"], dispute["reason"], dispute["resolution"]) == ("chargeback", "fraudulent", None)


LISTS = [("student", "bookings"), ("student", "bookings/upcoming"), ("instructor", "instructor/bookings")]


@pytest.mark.parametrize(("who", "path"), [*LISTS, ("staff", "bookings")])
def test_twenty_bookings_take_as_many_queries_as_five(
    request: pytest.FixtureRequest, student: User, service: Service, who: str, path: str
) -> None:
    client, taken = client_of(request.getfixturevalue(who)), []
    for count in (5, 20):
        while Booking.objects.count() < count:
            make_booking(student, service, clock.now() + (Booking.objects.count() + 1) * 2 * HOUR)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = client.get(f"/api/v1/{path}").json()
        assert len(page["results"]) == count
        taken.append(len(queries))

    assert taken[0] == taken[1] <= 8, taken


def test_pages_follow_each_other_without_gap_or_repeat(student: User, service: Service) -> None:
    made = [make_booking(student, service, clock.now() + n * 2 * HOUR).pk for n in range(1, 8)]
    client, seen = client_of(student), []
    address: str | None = "/api/v1/bookings?page_size=3"
    while address:
        page = client.get(address).json()
        seen += [one["id"] for one in page["results"]]
        address = page["next"]

    assert seen == made[::-1]


@pytest.mark.parametrize("cursor", ["nonsense", "cD1ub25zZW5zZQ==", "bz0tMQ=="])
def test_a_cursor_that_is_none_is_refused(student: User, booking: Booking, cursor: str) -> None:
    response = client_of(student).get(f"/api/v1/bookings?cursor={cursor}")

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["cursor"]


def test_a_list_can_be_narrowed(student: User, service: Service) -> None:
    to_come = make_booking(student, service, clock.now() + 2 * HOUR)
    over = make_booking(student, service, clock.now() - 5 * HOUR)
    over.cancel()
    over.holds_slot = False
    over.save()

    def ids(query: str) -> list[str]:
        response = client_of(student).get(f"/api/v1/bookings?{query}")
        assert response.status_code == 200
        return [one["id"] for one in response.json()["results"]]

    assert ids("") == [to_come.pk, over.pk]
    assert ids("upcoming=true") == ids("status=PENDING") == [to_come.pk]
    assert ids("past=1") == ids("status=CANCELLED") == [over.pk]
    assert ids("payment_status=payment_method_required") == [to_come.pk, over.pk]
    assert ids("payment_status=settled") == []
    for wrong in ("status=pending", "payment_status=paid", "upcoming=perhaps"):
        assert client_of(student).get(f"/api/v1/bookings?{wrong}").status_code == 400


def test_everybody_sees_their_own_and_only_instructors_see_the_instructors_lists(
    student: User, instructor: User, staff: User, booking: Booking
) -> None:
    assert client_of(instructor).get("/api/v1/bookings").json()["results"][0]["id"] == booking.pk
    assert client_of(staff).get("/api/v1/bookings").json()["results"][0]["id"] == booking.pk
    for path in ("", "/upcoming", "/pending-completion", "/completed"):
        assert client_of(instructor).get(f"/api/v1/instructor/bookings{path}").status_code == 200
        assert client_of(student).get(f"/api/v1/instructor/bookings{path}").status_code == 403


def test_a_history_hides_the_students_money_from_the_instructor(
    student: User, instructor: User, booking: Booking
) -> None:
    booking.events.create(
        kind="booking_confirmed", at=NOW, actor_role="student", door="api", amounts={"card_amount_cents": 13_440}
    )
    path = f"/api/v1/bookings/{booking.pk}/timeline"

    assert client_of(student).get(path).json()["results"][0]["amounts"] == {"card_amount_cents": 13_440}
    assert not {"amounts", "stripe_ids"} & set(client_of(instructor).get(path).json()["results"][0])
