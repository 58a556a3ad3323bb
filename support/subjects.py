"""What an action is about, in a line, with where to read about it."""

from dataclasses import dataclass

from django.http import Http404
from django.urls import reverse

from accounts.models import AccountHold, User
from bookings.models import Booking, MailLog, ReconciliationDifference
from credits.models import CreditLot
from payments.models import MoneyPlan, StripeEventInbox


@dataclass(frozen=True, slots=True)
class Subject:
    """A line about something, and its page in the admin."""

    line: str
    href: str


def subject_of(about: str, subject_id: str) -> Subject:
    """Raises Http404 for what is not there."""
    match about:
        case "booking":
            booking = Booking.objects.select_related("student", "instructor", "service").filter(pk=subject_id).first()
            if booking is not None:
                line = f"{booking.service.name}, {booking.starts_at:%Y-%m-%d %H:%M} UTC, {booking.student} with {booking.instructor}"
                return Subject(line, reverse("admin:desk_booking", args=[booking.pk]))
        case "person":
            person = User.objects.filter(pk=subject_id).first()
            if person is not None:
                return Subject(f"{person.email} ({person.role})", reverse("admin:desk_person", args=[person.pk]))
        case "hold":
            hold = AccountHold.objects.select_related("user").filter(pk=subject_id).first()
            if hold is not None:
                line = f"{hold.get_kind_display()}: {hold.user}"
                return Subject(line, reverse("admin:desk_person", args=[hold.user_id]))
        case "lot":
            lot = CreditLot.objects.select_related("owner").filter(pk=subject_id).first()
            if lot is not None:
                return Subject(f"Credit of {lot.owner}", reverse("admin:desk_person", args=[lot.owner_id]))
        case "plan":
            plan = MoneyPlan.objects.filter(pk=subject_id).first()
            if plan is not None:
                return Subject(plan.get_purpose_display(), reverse("admin:desk_booking", args=[plan.booking_id]))
        case "difference":
            difference = ReconciliationDifference.objects.filter(pk=subject_id).first()
            if difference is not None:
                page = "admin:bookings_reconciliationdifference_change"
                return Subject(
                    f"{difference.stripe_source}: {difference.probable_cause}", reverse(page, args=[difference.pk])
                )
        case "mail":
            mail = MailLog.objects.filter(pk=subject_id).first()
            if mail is not None:
                return Subject(f"{mail.kind} to {mail.to}", reverse("admin:bookings_maillog_change", args=[mail.pk]))
        case "rates":
            return Subject("Fees, commissions and floors", reverse("admin:desk_rates"))
        case "event":
            event = StripeEventInbox.objects.filter(pk=subject_id).first()
            if event is not None:
                page = "admin:payments_stripeeventinbox_change"
                return Subject(f"{event.type} {event.pk}", reverse(page, args=[event.pk]))
    raise Http404
