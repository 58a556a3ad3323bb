"""Mails about an account: verify the address, reset the password, something about logging in has changed.

A mail is written in the transaction of what it tells of, and sent by a job afterwards. The code in it is forgotten as
soon as it is sent, and is never an argument of the job: those are kept.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import models, transaction
from django.template import Context
from django.template.loader import get_template, render_to_string
from django_q.tasks import async_task

from common import clock
from common.ids import ULID_LENGTH, new_id

ID_HEADER = "X-InstaInstru-Mail"
KEPT_FOR = timedelta(days=90)
GIVEN_UP_AFTER = timedelta(hours=1)  # a code is worth nothing by then

# allauth's name of a mail -> ours: the templates are templates/mail/account/<kind>.txt
KINDS = {
    "account/email/email_confirmation": "verify_email",
    "account/email/email_confirmation_signup": "verify_email",
    "account/email/password_reset_code": "reset_password",
    "account/email/unknown_account": "unknown_account",
    "account/email/password_changed": "password_changed",
    "account/email/password_reset": "password_changed",
    "account/email/password_set": "password_changed",
    "account/email/email_changed": "email_changed",
    "account/email/email_deleted": "email_changed",
    "mfa/email/totp_activated": "second_factor_on",
    "mfa/email/totp_deactivated": "second_factor_off",
    "mfa/email/recovery_codes_generated": "recovery_codes_new",
}
ASKED_FOR = {"verify_email", "reset_password", "unknown_account"}  # by anybody, about anybody


class AccountMail(models.Model):
    """One mail about an account. It may go to somebody who has none: to say just that."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    to = models.EmailField()
    kind = models.CharField(max_length=24)
    code = models.CharField(max_length=32, blank=True, help_text="Forgotten once the mail is sent")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], condition=models.Q(sent_at__isnull=True), name="account_mails_to_send"),
            models.Index(fields=["-sent_at"], name="account_mails_sent"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to}"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail as its reader gets it."""

    subject: str
    text: str
    html: str


def write(*, kind: str, to: str, code: str = "") -> AccountMail:
    """Write a mail; it is sent when the transaction around this has committed."""
    with transaction.atomic():
        mail = AccountMail.objects.create(kind=kind, to=to, code=code, created_at=clock.now())
        async_task("accounts.account_mail.send", mail.pk, group="mail")
    return mail


def send(mail_id: str) -> str:
    """Send one mail once; `nothing` when it is sent or somebody is sending it."""
    with transaction.atomic():
        mail = AccountMail.objects.select_for_update(skip_locked=True).filter(pk=mail_id, sent_at=None).first()
        if mail is None:
            return "nothing"
        mail.attempts += 1
        try:
            mail.subject = _deliver(mail)
            mail.sent_at, mail.code = clock.now(), ""
        except OSError as error:
            mail.last_error = str(error)[:200]
        mail.save()
    return "sent" if mail.sent_at else "failed"


def waiting(now: datetime) -> list[str]:
    """Ids of mails that were not sent yet and are still worth sending."""
    unsent = AccountMail.objects.filter(sent_at=None, created_at__gt=now - GIVEN_UP_AFTER)
    return list(unsent.order_by("created_at").values_list("pk", flat=True))


def purge(now: datetime) -> int:
    """Forget mails of long ago, and with them codes of mails that could never be sent; returns how many."""
    return AccountMail.objects.filter(created_at__lt=now - KEPT_FOR).delete()[0]


def rendered(mail: AccountMail) -> Rendered:
    """What a mail says."""
    context = {"code": mail.code, "to": mail.to, "site_url": settings.SITE_URL, "support_email": settings.SUPPORT_EMAIL}
    subject = " ".join(_text(f"account/{mail.kind}.subject.txt", context).split())
    context |= {"subject": subject, "body": _text(f"account/{mail.kind}.txt", context)}
    text = _text("account/frame.txt", context) + "\n"
    return Rendered(subject, text, render_to_string("mail/account/frame.html", context))


def _deliver(mail: AccountMail) -> str:
    said = rendered(mail)
    message = EmailMultiAlternatives(said.subject, said.text, to=[mail.to], headers={ID_HEADER: mail.pk})
    message.attach_alternative(said.html, "text/html")
    message.send()
    return said.subject


def _text(name: str, context: dict[str, str]) -> str:
    """A plain text: nothing is escaped."""
    template = get_template(f"mail/{name}").template  # type: ignore[attr-defined]
    return str(template.render(Context(context, autoescape=False))).strip()
