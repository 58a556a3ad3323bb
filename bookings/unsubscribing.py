"""One click ends a topic of mails: the address is in the mail, signed; asking for it shows a button, posting does it."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.core import signing

from .models import Unsubscribed
from .notifications import TOPIC_WORDS

if TYPE_CHECKING:
    from accounts.models import User

SALT = "bookings.unsubscribe"


def unsubscribe_token(user: "User", topic: str) -> str:
    """What the address in a mail carries: whom and which topic; it does not expire."""
    return signing.dumps([user.pk, topic], salt=SALT)


def read_token(token: str) -> tuple[str, str] | None:
    """The user's id and the topic; None for what we did not sign."""
    try:
        user_id, topic = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return (user_id, topic) if topic in TOPIC_WORDS else None


def unsubscribe(*, user_id: str, topic: str, now: datetime) -> None:
    """From now on nothing of this topic is written for them. Twice is once."""
    Unsubscribed.objects.get_or_create(user_id=user_id, topic=topic, defaults={"at": now})
