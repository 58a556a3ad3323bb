"""`admin/…`: what support decides about somebody's lesson. Every one needs `manage_financials`."""

from typing import Any

from bookings import operations
from bookings.models import Booking

from . import inputs
from .base import MayMoveMoney, MoneyView, OperationView
from .operation_answers import RefundedDocument


class StaffCancel(MoneyView):
    """Cancel for somebody: with a refund as if the instructor had, without one as the student's window says."""

    permission_classes = (MayMoveMoney,)
    takes = inputs.StaffCancelInput
    operation_id = {"POST": "staff_cancel_booking"}

    def operate(self, **values: Any) -> Booking:
        return operations.staff_cancel_booking(actor=self.actor, now=self.now, **values)


class ResolveNoShow(OperationView):
    """Decide a no-show report."""

    permission_classes = (MayMoveMoney,)
    takes = inputs.ResolveNoShowInput
    operation_id = {"POST": "resolve_no_show"}

    def operate(self, **values: Any) -> Any:
        return operations.resolve_no_show(actor=self.actor, now=self.now, **values)


class ResolveReview(OperationView):
    """Decide what a person must: full payout, full refund, half each, or let the machine go on."""

    permission_classes = (MayMoveMoney,)
    takes = inputs.ResolveReviewInput
    operation_id = {"POST": "resolve_review"}

    def operate(self, **values: Any) -> Any:
        return operations.resolve_review(actor=self.actor, now=self.now, **values)


class Refund(MoneyView):
    """Give money back to the card, all of it or a part."""

    permission_classes = (MayMoveMoney,)
    takes, answers = inputs.RefundInput, RefundedDocument
    operation_id = {"POST": "refund_booking"}

    def operate(self, **values: Any) -> Any:
        return operations.refund_booking(actor=self.actor, now=self.now, request_key=self.request_key, **values)


class CapturePayment(OperationView):
    """Take the held money now instead of at its hour."""

    permission_classes = (MayMoveMoney,)
    operation_id = {"POST": "capture_payment"}

    def operate(self, booking_id: str) -> Booking:
        return operations.capture_now(booking_id=booking_id, actor=self.actor, now=self.now)
