"""Packages: bought in a session or paid first, booked lesson by lesson, refunded, charged back (policy 12)."""

from .book import book_with_package
from .buy import Session, create_session
from .chargebacks import note_package_chargeback
from .collect import expire_package, note_package_payment
from .give_back import give_lesson_back
from .pay_first import pay_first
from .refund import PackageRefunded, refund_package, refund_returned_lessons
from .single import finish_session
from .upkeep import expire_entitlements

__all__ = [
    "PackageRefunded",
    "Session",
    "book_with_package",
    "create_session",
    "expire_entitlements",
    "expire_package",
    "finish_session",
    "give_lesson_back",
    "note_package_chargeback",
    "note_package_payment",
    "pay_first",
    "refund_package",
    "refund_returned_lessons",
]
