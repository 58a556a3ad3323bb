"""What was sent: the log of mails, with the text of each as it was written into the mail folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings

from accounts.account_mail import AccountMail
from bookings.mail import ID_HEADER, rendered
from bookings.models import MailLog

BETWEEN = b"\n" + b"-" * 79 + b"\n"  # how Django's file backend separates the messages of one file


@dataclass(frozen=True, slots=True)
class Mail:
    """One sent mail."""

    id: str
    to: str
    subject: str
    kind: str
    text: str
    html: str
    at: datetime
    booking_id: str


def latest(*, limit: int, to: str = "", kind: str = "", booking_id: str = "") -> list[Mail]:
    """The latest mails sent, newest first; `kind` is `event.reader`, or only the event."""
    logs = MailLog.objects.filter(sent_at__isnull=False).select_related("event")
    if to:
        logs = logs.filter(to__iexact=to)
    if kind:
        logs = logs.filter(kind=kind) if "." in kind else logs.filter(kind__startswith=f"{kind}.")
    if booking_id:
        logs = logs.filter(event__booking_id=booking_id)
    sent = list(logs.order_by("-sent_at", "-id")[:limit])
    about_accounts = [] if booking_id else _about_accounts(limit=limit, to=to, kind=kind)
    texts = _texts({log.pk for log in [*sent, *about_accounts]})
    mails = [_mail(log, texts.get(log.pk)) for log in sent] + [
        Mail(log.pk, log.to, log.subject, log.kind, *texts.get(log.pk, ("", "")), log.sent_at, "")
        for log in about_accounts
        if log.sent_at
    ]
    return sorted(mails, key=lambda mail: (mail.at, mail.id), reverse=True)[:limit]


def _about_accounts(*, limit: int, to: str, kind: str) -> list[AccountMail]:
    """Mails about accounts. Their codes are forgotten, and stand in the files alone."""
    logs = AccountMail.objects.filter(sent_at__isnull=False)
    if to:
        logs = logs.filter(to__iexact=to)
    if kind:
        logs = logs.filter(kind=kind)
    return list(logs.order_by("-sent_at", "-id")[:limit])


def _mail(log: MailLog, texts: tuple[str, str] | None) -> Mail:
    if texts is None:  # sent by a real mail server: what it says is rendered anew
        again = rendered(log)
        texts = again.text, again.html
    assert log.sent_at
    return Mail(log.pk, log.to, log.subject, log.kind, *texts, log.sent_at, _booking_of(log))


def _booking_of(log: MailLog) -> str:
    return log.event.booking_id if log.event else str(log.facts.get("booking_id", ""))


def _texts(wanted: set[str]) -> dict[str, tuple[str, str]]:
    """Text and HTML of these mails, from the newest files back until all are found."""
    found: dict[str, tuple[str, str]] = {}
    for message in _messages():
        if len(found) == len(wanted):
            break
        if (mail_id := str(message[ID_HEADER])) in wanted:
            found.setdefault(mail_id, (_part(message, "plain"), _part(message, "html")))
    return found


def _messages() -> Iterator[EmailMessage]:
    folder = settings.EMAIL_CONFIG.get("EMAIL_FILE_PATH")
    if not folder:
        return
    for path in sorted(Path(folder).glob("*.log"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
        for raw in path.read_bytes().split(BETWEEN):
            if raw.strip():
                message = message_from_bytes(raw, policy=policy.default)
                assert isinstance(message, EmailMessage)
                yield message


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()).strip() if part else ""
