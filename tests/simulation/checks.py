"""What is looked at after every simulated day: the invariants, and that nothing is left half done."""

from typing import TYPE_CHECKING

from django_q.models import OrmQ

from bookings import jobs
from bookings.audit import audit
from payments.models import MoneyPlan, StripeEventInbox

from .timely import untimely

if TYPE_CHECKING:
    from .world import World


def recover(world: "World") -> list[str]:
    """One pass of the recovery job, and whatever Stripe still has to tell. What is unfinished afterwards."""
    now = world.ground.now
    MoneyPlan.objects.filter(finished_at=None).update(next_attempt_at=now)
    jobs.resume_unfinished_settlements(now)
    left = [
        f"8. unfinished after one pass of the recovery job: {plan.purpose} of booking {plan.booking_id}: {plan.last_error}"
        for plan in MoneyPlan.objects.filter(finished_at=None)
    ]
    world.courier.collect()
    left += world.courier.deliver(everything=True)
    for _ in range(2):
        StripeEventInbox.objects.filter(processed_at=None).update(next_attempt_at=now)
        jobs.process_stripe_events(now)
    left += [
        f"10. an event was not processed: {event.type} {event.object_id}: {event.last_error}"
        for event in StripeEventInbox.objects.filter(processed_at=None)
    ]
    OrmQ.objects.all().delete()
    world.wrong += world.ground.complaints
    world.ground.complaints.clear()
    return left


def look_at_everything(world: "World") -> list[str]:
    """Every violated invariant, in words."""
    violations = audit(with_stripe=True, quiet=True, requests=world.requests())
    return [*(str(violation) for violation in violations), *untimely()]
