"""Whoever subscribes to their lessons with a calendar program."""

from django.db import models


class CalendarFeed(models.Model):
    """Somebody's private calendar address. Only a hash of its token is kept: the token itself was shown once."""

    user = models.OneToOneField("accounts.User", models.CASCADE, primary_key=True, related_name="calendar_feed")
    token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token, in hex")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"calendar feed of {self.user_id}"
