"""What commission an instructor pays (policy 1): tiers by recent lessons, and 100 founding places for life."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from common.problems import Refused

from .models import FoundingPlace, InstructorProfile

PERIOD = timedelta(days=30)  # lessons completed in it count
QUIET = timedelta(days=90)  # without a completed lesson: back to the start
FOUNDING_BPS, FOUNDING_PLACES = 800, 100


@dataclass(frozen=True, slots=True)
class Tier:
    """From that many lessons on, the commission is that many basis points."""

    lessons: int
    commission_bps: int


TIERS = (Tier(11, 1000), Tier(5, 1200), Tier(1, 1500))  # the best first
BASE_BPS = TIERS[-1].commission_bps


def with_commissions(commissions: tuple[int, ...]) -> tuple[Tier, ...]:
    """The tiers with other commissions in basis points, the best first; how many lessons make one stays."""
    return tuple(Tier(tier.lessons, bps) for tier, bps in zip(TIERS, commissions, strict=True))


FOUNDING_LOCK = 0x666F756E64  # "found": the advisory lock under which founding places are given


class FoundingPlacesGone(Refused):
    code, title = "founding_places_gone", "All 100 founding places are taken"
    remedy = "Nothing to do: the ordinary tiers hold."


def tier_name(commission_bps: int, *, is_founding: bool) -> str:
    """What students see of a tier: `founding`, `top`, `established` or `starting`."""
    if is_founding:
        return "founding"
    return next((name for bps, name in ((1000, "top"), (1200, "established")) if commission_bps <= bps), "starting")


@dataclass(frozen=True, slots=True)
class TierChange:
    """A nightly evaluation: the commission before and after, in basis points."""

    before_bps: int
    after_bps: int


def earned_bps(*, completed_in_period: int, tiers: tuple[Tier, ...] = TIERS) -> int:
    """The tier for lessons completed in the last 30 days; the lesson being quoted counts as one more. Basis points."""
    lessons = completed_in_period + 1
    return next(tier.commission_bps for tier in tiers if lessons >= tier.lessons)


def lessons_to_next(*, completed_in_period: int) -> int | None:
    """How many more completed lessons in the period reach the next better tier; None in the best one."""
    missing = [tier.lessons - completed_in_period - 1 for tier in TIERS]
    return min((lessons for lessons in missing if lessons > 0), default=None)


def evaluated_bps(
    *,
    current_bps: int,
    is_founding: bool,
    completed_in_period: int,
    last_completed_at: datetime | None,
    now: datetime,
    tiers: tuple[Tier, ...] = TIERS,
) -> int:
    """The commission after a nightly evaluation, in basis points.

    Improves at once, worsens by one tier at most, resets after 90 days without a completed lesson (also when there
    never was one). Founding instructors keep theirs.
    """
    if is_founding:
        return current_bps
    if last_completed_at is None or now - last_completed_at >= QUIET:
        return tiers[-1].commission_bps
    earned = earned_bps(completed_in_period=completed_in_period, tiers=tiers)
    worse = [tier.commission_bps for tier in tiers if tier.commission_bps > current_bps]
    one_worse = min(worse, default=tiers[-1].commission_bps)
    return min(earned, one_worse)


def evaluate_tier(
    *,
    instructor_id: str,
    completed_in_period: int,
    last_completed_at: datetime | None,
    now: datetime,
    tiers: tuple[Tier, ...] = TIERS,
) -> TierChange:
    """Evaluate one instructor's tier and record it, once per UTC day: a job that runs twice worsens nobody twice.

    Lessons are counted by the caller: those completed within `PERIOD` before now, and when the last one was.
    """
    with transaction.atomic():
        profile = InstructorProfile.objects.select_for_update().get(pk=instructor_id)
        before = profile.commission_bps
        evaluated = profile.tier_evaluated_at
        if profile.is_founding or (evaluated and evaluated.date() >= now.date()):
            return TierChange(before, before)
        profile.commission_bps = evaluated_bps(
            current_bps=before,
            is_founding=profile.is_founding,
            completed_in_period=completed_in_period,
            last_completed_at=last_completed_at,
            now=now,
            tiers=tiers,
        )
        profile.tier_evaluated_at = now
        profile.save(update_fields=["commission_bps", "tier_evaluated_at"])
    return TierChange(before, profile.commission_bps)


def grant_founding_place(*, instructor: InstructorProfile, now: datetime) -> FoundingPlace:
    """Give an instructor one of the 100 founding places: 800 bps for life. Given before, it is returned again.

    Raises FoundingPlacesGone when all are taken.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:  # one at a time, until the caller's transaction ends
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FOUNDING_LOCK])
        profile = InstructorProfile.objects.select_for_update().get(pk=instructor.pk)
        place = FoundingPlace.objects.filter(instructor=profile).first() or _next_place(profile, now)
        profile.commission_bps, profile.is_founding = FOUNDING_BPS, True
        profile.save(update_fields=["commission_bps", "is_founding"])
    instructor.commission_bps, instructor.is_founding = profile.commission_bps, profile.is_founding
    return place


def founding_places_left() -> int:
    """How many founding places can still be given."""
    return FOUNDING_PLACES - FoundingPlace.objects.count()


def _next_place(profile: InstructorProfile, now: datetime) -> FoundingPlace:
    taken = set(FoundingPlace.objects.values_list("number", flat=True))
    number = next((n for n in range(1, FOUNDING_PLACES + 1) if n not in taken), None)
    if number is None:
        raise FoundingPlacesGone()
    return FoundingPlace.objects.create(number=number, instructor=profile, granted_at=now)
