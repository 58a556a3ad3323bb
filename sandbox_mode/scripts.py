"""The script doors of sandbox mode: turn the clock, run a job, wait until all is quiet, make people, read the mail."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts import second_factor
from accounts.models import User
from bookings import jobs
from common import clock
from common.actors import Role
from common.problems import Invalid, NotFound

from . import mailbox, walker
from .doors import Fields, checked
from .inputs import ClockInput, JobInput, MailInput, PersonInput
from .people import PASSWORD, TOTP_SECRET, Person, access_token, make_person

ON_DEMAND = "capture_late_cancellation"


def iso(instant: datetime) -> str:
    """An instant as answers show it."""
    return instant.isoformat().replace("+00:00", "Z")


# --- The clock -------------------------------------------------------------------------------------------------------
def read_clock(request: HttpRequest, body: Fields) -> Fields:
    return {"now": iso(clock.now())}


def turn_clock(request: HttpRequest, body: Fields) -> Fields:
    """Walk to a new time; answers when all is quiet. Raises Invalid, WalkInProgress, StripeUnavailable."""
    asked = checked(ClockInput, body)
    to = asked["to"] if "to" in asked else clock.now() + timedelta(seconds=asked["advance_seconds"])
    walk = walker.walk(to, run_jobs=asked["run_jobs"])
    return {
        "now": iso(walk.now),
        "jobs": [{"name": ran.name, "at": iso(ran.at), "processed": ran.processed} for ran in walk.jobs],
        "webhooks": walk.webhooks,
    }


def run_job(request: HttpRequest, body: Fields, name: str) -> Fields:
    """Run one job now. Raises NotFound for a name that is not on the page of jobs."""
    now = clock.now()
    if name == ON_DEMAND:
        booking_id = checked(JobInput, body).get("booking_id")
        if not booking_id:
            raise Invalid("Say which booking.", errors={"booking_id": ["This field is required."]})
        run = jobs.capture_late_cancellation(now, booking_id).as_dict()
    elif name in walker.JOB_NAMES:
        run = walker.run_job(name, now)
    else:
        raise NotFound(f"There is no such job. There are: {', '.join(sorted([*walker.JOB_NAMES, ON_DEMAND]))}.")
    return {"at": iso(now), **run}


def settle(request: HttpRequest, body: Fields) -> Fields:
    done = walker.settle()
    return {**done, "now": iso(done["now"])}


# --- People and mail -------------------------------------------------------------------------------------------------
def make(request: HttpRequest, body: Fields) -> tuple[Fields, int]:
    """Make somebody who is ready to act. Raises Invalid, CardRefusedToSave, UnknownPaymentMethod, StripeUnavailable."""
    now = clock.now()
    asked = checked(PersonInput, body, now=now)
    role = Role(asked["role"])
    if asked["email"] and User.objects.filter(email__iexact=asked["email"]).exists():
        raise Invalid("Somebody has this address.", errors={"email": ["Is taken."]})
    person = make_person(
        role=role,
        now=now,
        email=asked["email"],
        first_name=asked["first_name"],
        last_name=asked["last_name"],
        timezone=asked["timezone"],
        card=asked.get("card", "pm_card_visa" if role is Role.STUDENT else None),
        credits=asked.get("credits"),
        commission_bps=asked.get("commission_bps"),
        services=asked.get("services"),
        founding=asked["founding"],
        connected=asked["connect"] == "ready",
    )
    return described(person), 201


def described(person: Person) -> Fields:
    """What a script needs to act as somebody."""
    return {
        "id": person.user.pk,
        "email": person.user.email,
        "password": PASSWORD,
        "access_token": access_token(person.user),
        "payment_method_id": person.payment_method.pk if person.payment_method else None,
        "service_ids": [service.pk for service in person.services],
        "stripe_account_id": person.stripe_account_id or None,
    }


def read_mail(request: HttpRequest, body: Fields) -> Fields:
    """What was sent, the latest first."""
    asked = checked(MailInput, request.GET.dict())
    mails = mailbox.latest(**asked)
    return {
        "count": len(mails),
        "data": [
            {
                "id": mail.id,
                "to": mail.to,
                "subject": mail.subject,
                "kind": mail.kind,
                "body": mail.text,
                "html": mail.html,
                "at": iso(mail.at),
                "booking_id": mail.booking_id,
            }
            for mail in mails
        ],
    }


# --- Where everything is ---------------------------------------------------------------------------------------------
def addresses() -> dict[str, Any]:
    """Addresses and keys, for scripts."""
    site = settings.SITE_URL
    return {
        "now": iso(clock.now()),
        "site_url": site,
        "api_base": f"{site}/api/v1/",
        "api_docs": f"{site}/api/v1/docs/",
        "admin": f"{site}/admin/",
        "stripe_mode": settings.STRIPE_MODE,
        "stripe_api_base": settings.STRIPE_API_BASE,
        "stripe_api_version": settings.STRIPE_API_VERSION,
        "stripe_js_url": settings.STRIPE_JS_URL,
        "stripe_controls": f"{settings.STRIPE_API_BASE}/_sandbox/",
        "stripe_secret_key": settings.STRIPE_SECRET_KEY,
        "stripe_publishable_key": settings.STRIPE_PUBLISHABLE_KEY,
        "password": PASSWORD,
        "second_factor_code": second_factor.code_now(TOTP_SECRET),
        "logins": list(User.objects.filter(email__in=DEMO_LOGINS).order_by("role").values_list("email", flat=True)),
        "jobs": [*walker.JOB_NAMES, ON_DEMAND],
        "doors": {
            "clock": f"{site}/sandbox/clock",
            "jobs": f"{site}/sandbox/jobs/{{name}}",
            "settle": f"{site}/sandbox/settle",
            "people": f"{site}/sandbox/people",
            "mail": f"{site}/sandbox/mail",
        },
    }


DEMO_LOGINS = ("student@example.com", "instructor@example.com", "staff@example.com")
