"""Somebody's whole story, in a constant number of queries; of each list the latest."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.sessions.models import Session
from django.db.models import Q

from accounts.models import AccountHold, User
from bookings.models import Booking, MailLog, NoShowReport
from common.problems import NotFound
from credits.models import CreditLot
from credits.queries import Balance, balance
from payments.models import ConnectAccount, PaymentMethod

from .models import DeskAction, Note

LATEST = 50
SESSIONS_READ = 2000  # sessions name their person inside only: so many of the youngest are looked through


@dataclass(slots=True)
class PersonFile:
    person: User
    bookings: list[Booking]
    balance: Balance
    lots: list[CreditLot]
    cards: list[PaymentMethod]
    account: ConnectAccount | None
    holds: list[AccountHold]
    strikes: list[NoShowReport]
    mails: list[MailLog]
    sessions: list[datetime]
    notes: list[Note]
    asked: list[DeskAction]


def person_file(person_id: str, *, now: datetime) -> PersonFile:
    """Raises NotFound."""
    person = User.objects.filter(pk=person_id).first()
    if person is None:
        raise NotFound("There is no such person.")
    theirs = Booking.objects.filter(Q(student=person) | Q(instructor=person))
    came_not = Q(type="student", booking__student=person) | Q(type="instructor", booking__instructor=person)
    confirmed = NoShowReport.objects.filter(came_not, resolution__startswith="confirmed")
    asked = DeskAction.objects.filter(Q(person_id=person.pk) | Q(subject_id=person.pk))
    return PersonFile(
        person=person,
        bookings=list(
            theirs.select_related("payment", "student", "instructor", "service").order_by("-starts_at")[:LATEST]
        ),
        balance=balance(user_id=person.pk, now=now),
        lots=list(CreditLot.objects.filter(owner=person).order_by("-created_at", "-id")[:LATEST]),
        cards=list(PaymentMethod.objects.filter(user=person).order_by("pk")[:LATEST]),
        account=ConnectAccount.objects.filter(instructor=person).first(),
        holds=list(AccountHold.objects.filter(user=person).order_by("-opened_at")[:LATEST]),
        strikes=list(confirmed.order_by("-reported_at")[:LATEST]),
        mails=list(
            MailLog.objects.filter(recipient=person).select_related("event").order_by("-created_at", "-id")[:LATEST]
        ),
        sessions=_sessions_of(person, now),
        notes=list(Note.objects.filter(person=person).select_related("author").order_by("at")),
        asked=list(asked.select_related("asked_by", "decided_by").order_by("-asked_at")[:LATEST]),
    )


def _sessions_of(person: User, now: datetime) -> list[datetime]:
    """Until when each of their sessions in a browser lasts."""
    living = Session.objects.filter(expire_date__gt=now).order_by("-expire_date")[:SESSIONS_READ]
    return [row.expire_date for row in living if row.get_decoded().get("_auth_user_id") == person.pk]
