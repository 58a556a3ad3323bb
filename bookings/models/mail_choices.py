"""Who does not want which mails. What money or a lesson depends on is always sent."""

from django.db import models

from common.ids import ULID_LENGTH, new_id


class Unsubscribed(models.Model):
    """Somebody does not want mails of a topic (notifications.TOPICS) until the row is deleted."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="unsubscribed")
    topic = models.CharField(max_length=24)
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "unsubscribed"
        constraints = [models.UniqueConstraint(fields=["user", "topic"], name="unsubscribed_once_per_topic")]

    def __str__(self) -> str:
        return f"{self.user_id} without {self.topic}"
