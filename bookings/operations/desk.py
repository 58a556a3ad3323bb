"""What support does for people beside lessons: lift and place account holds, goodwill, a mail or an event once more."""

from datetime import datetime, timedelta

from django.db import transaction
from django_q.tasks import async_task

from accounts.holds import open_hold
from accounts.models import AccountHold, User
from bookings.models import Booking, MailLog
from bookings.notifications import tell
from common import clock
from common.actors import Actor, Role
from common.problems import NotFound, Refused
from credits.freezing import revoke_by_issue_key
from credits.models import CreditLot
from credits.operations import issue
from payments.models import StripeEventInbox

from ._conclusions import HELD, book_credits
from ._history import close_cause, note
from ._story import only
from .upkeep import handle_stripe_event


class HoldLifted(Refused):
    code, title = "hold_lifted", "This hold was lifted already"
    remedy = "Nothing is left to do: read the person again."


class CreditSpent(Refused):
    code, title = "credit_spent", "Nothing of this credit is left to take back"
    remedy = "Nothing is left to do: what was spent stays spent."


class NotGoodwill(Refused):
    code, title = "not_goodwill", "This credit is not goodwill: it ends with the lesson it comes from"
    remedy = "Refund the lesson the credit comes from instead."


def lift_account_hold(*, hold_id: str, actor: Actor, reason: str, now: datetime) -> AccountHold:
    """Unlock an account, lift a restriction, clear a negative balance. Raises NotFound or HoldLifted."""
    only(actor, Role.STAFF)
    with transaction.atomic():
        hold = AccountHold.objects.select_for_update().filter(pk=hold_id).first()
        if hold is None:
            raise NotFound("There is no such hold.")
        if hold.lifted_at:
            raise HoldLifted()
        hold.lifted_at, hold.lifted_by = now, str(actor)[:60]
        hold.save(update_fields=["lifted_at", "lifted_by"])
        close_cause(HELD[AccountHold.Kind(hold.kind)], cause=hold.payment_id, now=now)
        booking = _booking_of(hold.payment_id)
        if booking is not None:
            details = {"hold": hold.pk, "kind": hold.kind}
            amounts = {"amount_cents": hold.amount_cents}
            note(booking, "account_released", actor=actor, now=now, reason=reason, amounts=amounts, details=details)
    return hold


def restrict_account(*, person_id: str, actor: Actor, reason: str, now: datetime) -> AccountHold:
    """Keep somebody from booking until it is lifted. Raises NotFound."""
    only(actor, Role.STAFF)
    with transaction.atomic():
        if not User.objects.filter(pk=person_id, role__in=(Role.STUDENT, Role.INSTRUCTOR)).exists():
            raise NotFound("There is no such student or instructor.")
        return open_hold(
            user_id=person_id,
            kind=AccountHold.Kind.RESTRICTED,
            payment_id="",
            amount_cents=0,
            now=now,
            reason=reason,
        )


def _booking_of(payment_id: str) -> Booking | None:
    bookings = Booking.objects.select_related("payment", "student", "instructor").filter(payment=payment_id)
    found: Booking | None = bookings.order_by("-created_at", "-id").first()
    return found


def issue_goodwill(*, person_id: str, amount_cents: int, days: int, key: str, actor: Actor, now: datetime) -> CreditLot:
    """Give a student credit that expires in so many days, once per key. Raises NotFound."""
    only(actor, Role.STAFF)
    with transaction.atomic():
        student = User.objects.filter(pk=person_id, role=Role.STUDENT).first()
        if student is None:
            raise NotFound("There is no such student.")
        issued = issue(
            owner_id=person_id,
            amount_cents=amount_cents,
            source=CreditLot.Source.GOODWILL,
            issue_key=key,
            now=now,
            expires_at=now + timedelta(days=days),
        )
        book_credits(issued.entries)
        told = {"amount_cents": amount_cents, "expires_at": issued.lot.expires_at.isoformat()}
        tell(student, "credit_issued", role="student", cause=f"credit_issued:{issued.lot.pk}", facts=told, now=now)
    return issued.lot


def revoke_goodwill(*, lot_id: str, actor: Actor, now: datetime) -> int:
    """Take back what is unspent of a goodwill credit; returns the cents. Raises NotFound, NotGoodwill, CreditSpent."""
    only(actor, Role.STAFF)
    with transaction.atomic():
        lot = CreditLot.objects.select_related("split_from").filter(pk=lot_id).first()
        if lot is None:
            raise NotFound("There is no such credit.")
        if lot.source != CreditLot.Source.GOODWILL:
            raise NotGoodwill()
        issued = lot.split_from or lot
        taken = book_credits(revoke_by_issue_key(issue_key=issued.issue_key or "", now=now))
        if not taken:
            raise CreditSpent()
    return sum(taken.values())


def resend_mail(*, mail_id: str, key: str, now: datetime) -> MailLog:
    """The same mail once more, as a row of its own that keeps the key it was asked with. Raises NotFound."""
    with transaction.atomic():
        mail = MailLog.objects.select_for_update().filter(pk=mail_id).first()
        if mail is None:
            raise NotFound("There is no such mail.")
        same = MailLog.objects.filter(event=mail.event, cause=mail.cause, to=mail.to, kind=mail.kind)
        again: MailLog = MailLog.objects.create(
            event=mail.event,
            cause=mail.cause,
            facts={**mail.facts, "resent_as": key},
            recipient=mail.recipient,
            to=mail.to,
            kind=mail.kind,
            copy=same.count(),
            created_at=now,
        )
        async_task("bookings.jobs.send_mail", again.pk, group="mail")
    return again


def replay_event(*, event_id: str, now: datetime) -> str:
    """Work through a stored Stripe event again now; the object is read back, so that nothing happens twice.

    Raises NotFound, and whatever keeps the event from being processed.
    """
    with transaction.atomic():
        event = StripeEventInbox.objects.select_for_update().filter(pk=event_id).first()
        if event is None:
            raise NotFound("There is no such event.")
        event.processed_at, event.next_attempt_at = None, clock.system_now()
        event.save(update_fields=["processed_at", "next_attempt_at"])
    return handle_stripe_event(event_id, now)
