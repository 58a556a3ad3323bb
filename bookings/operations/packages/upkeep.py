"""What jobs do to packages: end lessons that were not used in time (policy 12)."""

from datetime import datetime

from django.db import transaction

from packages import entitlements

from ._whole import one_package_at_a_time


def expire_entitlements(*, package_id: str, now: datetime) -> str:
    """End a package's lessons past their date; `nothing` when there are none."""
    with one_package_at_a_time(package_id, now), transaction.atomic():
        count = entitlements.expire(entitlements.lock_package(package_id), now)
    return "expired" if count else "nothing"
