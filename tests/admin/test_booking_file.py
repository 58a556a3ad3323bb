"""One page tells everything about a lesson."""

from datetime import datetime

from django.urls import reverse

from accounts.models import User
from bookings.operations import cancel_booking, reschedule_booking
from common import clock
from payments.models import MoneyMovement
from tests.admin.conftest import browser_of
from tests.support.cast import HOUR, make_cast, soon


def test_the_booking_file_shows_the_chain_the_money_the_timeline_and_the_keys(house: None) -> None:
    now: datetime = clock.now().replace(microsecond=0)
    cast = make_cast(now)
    booking = cast.lesson(soon(48), now=now)
    moved = reschedule_booking(
        booking_id=booking.pk, actor=cast.as_student, starts_at=soon(90), now=booking.starts_at - 20 * HOUR
    )
    reason = "My <train> does not run"
    cancel_booking(booking_id=moved.pk, actor=cast.as_student, reason=reason, now=moved.starts_at - 11 * HOUR)
    client = browser_of(User.objects.create_superuser("boss@example.com", "sandbox", first_name="Boss"))
    for row in (booking, moved):
        page = client.get(reverse("admin:bookings_booking_change", args=[row.pk])).content.decode()
        other = moved if row is booking else booking
        assert reverse("admin:bookings_booking_change", args=[other.pk]) in page
        assert "locked_cancel_lt12_split_50_50" in page
        assert "$134.40" in page  # charged
        assert "$52.80" in page  # half of the payout
        assert "lesson_locked" in page
        assert "My &lt;train&gt; does not run" in page
        assert "booking_cancelled.instructor" in page  # a mail
        for movement in MoneyMovement.objects.filter(payment=moved.payment_id):
            assert movement.idempotency_key in page
            assert movement.stripe_id in page
