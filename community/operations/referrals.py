"""Students bring students: a code, who came by it, and a credit once the first lesson of who came is paid (policy 11)."""

import secrets
from datetime import UTC, datetime, time

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.models import User
from bookings.models import Booking
from common.actors import Actor
from common.problems import Conflict, NotFound, Refused
from community.models import Referral, ReferralCode
from credits.models import CreditLot
from credits.operations import issue
from payments import ledger
from payments.models import Payment
from payments.vocabulary import Outcome

REWARD_CENTS = 1000
MOST_A_DAY = 10  # people who may come by one code on one day, UTC
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # what cannot be misread
CODE_LENGTH = 8


class UnknownCode(Refused):
    code, title = "referral_code_unknown", "There is no such referral code"
    remedy = "Ask the person who gave it to you for the code again."


class OwnCode(Refused):
    code, title = "referral_own_code", "Nobody refers themselves"
    remedy = "Give your code to somebody else."


class AlreadyReferred(Conflict):
    code, title = "already_referred", "You came by somebody's code before"
    remedy = "There is nothing to do: a person is referred once."


class NotNew(Refused):
    code, title = "referral_not_new", "A code is for people who have not had a lesson yet"
    remedy = "There is nothing to do: codes are redeemed before the first lesson."


class TooManyReferrals(Refused):
    code, title = "referral_limit", "Too many people came by this code today"
    remedy = "Try again tomorrow."


def code_of(*, student: User, now: datetime) -> ReferralCode:
    """A student's own code; made when it is first asked for."""
    while True:
        try:
            with transaction.atomic():
                code, _ = ReferralCode.objects.get_or_create(
                    student=student, defaults={"code": _new_code(), "created_at": now}
                )
                return code
        except IntegrityError:
            continue  # somebody else has this code: another


def redeem(*, actor: Actor, code: str, now: datetime) -> Referral:
    """Say, as a new student, by whose code one came. Said again with the same code, it is the same referral.

    Raises UnknownCode, OwnCode, NotNew, AlreadyReferred or TooManyReferrals.
    """
    owner = ReferralCode.objects.filter(code=code.strip().upper(), student__is_active=True).first()
    if owner is None:
        raise UnknownCode()
    if owner.student_id == actor.id:
        raise OwnCode()
    with transaction.atomic():
        ReferralCode.objects.select_for_update().get(pk=owner.pk)  # people are counted one after the other
        if before := Referral.objects.filter(referred=actor.id).first():
            return _the_same(before, owner)
        if Booking.objects.filter(student=actor.id, confirmed_at__isnull=False).exists():
            raise NotNew()
        midnight = datetime.combine(now.astimezone(UTC).date(), time(0), UTC)
        if Referral.objects.filter(referrer=owner.student_id, created_at__gte=midnight).count() >= MOST_A_DAY:
            raise TooManyReferrals()
        try:
            with transaction.atomic():
                return Referral.objects.create(referrer_id=owner.student_id, referred_id=actor.id, created_at=now)
        except IntegrityError as error:  # by another code, at the same moment
            raise AlreadyReferred() from error


def reward(referral_id: str, now: datetime) -> str:
    """Give the referrer their credit once the first lesson of who came is paid. Done again it gives nothing more.

    Returns `rewarded`, or `nothing` when it was given before or is not due. Raises NotFound.
    """
    with transaction.atomic():
        referral = Referral.objects.select_for_update().filter(pk=referral_id).first()
        if referral is None:
            raise NotFound("There is no such referral.")
        if referral.rewarded_at or not paid_lessons().filter(student=referral.referred_id).exists():
            return "nothing"
        issued = issue(
            owner_id=referral.referrer_id,
            amount_cents=REWARD_CENTS,
            source=CreditLot.Source.REFERRAL,
            issue_key=f"referral:{referral.referred_id}",
            now=now,
        )
        for entry in issued.entries:
            ledger.post_credit(
                key=f"credit:{entry.pk}",
                kind=entry.kind,
                amount_cents=entry.amount_cents,
                promotional=True,
                at=entry.at,
            )
        referral.rewarded_at, referral.reward_cents = now, REWARD_CENTS
        referral.save(update_fields=["rewarded_at", "reward_cents"])
        return "rewarded"


def paid_lessons() -> QuerySet[Payment]:
    """Payments of lessons that were given and paid in the end."""
    paid: QuerySet[Payment] = Payment.objects.filter(settlement_outcome=Outcome.LESSON_COMPLETED)
    return paid


def _the_same(before: Referral, owner: ReferralCode) -> Referral:
    if before.referrer_id != owner.student_id:
        raise AlreadyReferred()
    return before


def _new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
