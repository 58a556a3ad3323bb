"""What people keep and say: favourites, reviews, referrals, conversations."""

from django.db import models
from django.db.models import F, Q

from common.ids import ULID_LENGTH, new_id

LONGEST_REVIEW, LONGEST_RESPONSE, LONGEST_MESSAGE, LONGEST_REASON = 2000, 2000, 2000, 500


class Favorite(models.Model):
    """An instructor somebody wants to find again."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    student = models.ForeignKey("accounts.User", models.CASCADE, related_name="favorites")
    instructor = models.ForeignKey("catalog.InstructorProfile", models.PROTECT, related_name="favorites")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["student", "instructor"], name="favorite_once")]
        indexes = [models.Index(fields=["student", "-created_at"], name="favorites_of_student")]

    def __str__(self) -> str:
        return f"favorite {self.id}"


class Review(models.Model):
    """What a student says about a lesson that took place, and the instructor's one answer to it."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    booking = models.OneToOneField("bookings.Booking", models.PROTECT, related_name="review")
    student = models.ForeignKey("accounts.User", models.PROTECT, related_name="reviews")
    instructor = models.ForeignKey("catalog.InstructorProfile", models.PROTECT, related_name="reviews")
    rating = models.PositiveSmallIntegerField(help_text="1 to 5")
    text = models.CharField(max_length=LONGEST_REVIEW, blank=True)
    created_at = models.DateTimeField()
    response = models.CharField(max_length=LONGEST_RESPONSE, blank=True)
    responded_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True, help_text="Hidden reviews are not shown and do not count")
    hidden_by = models.CharField(max_length=ULID_LENGTH, blank=True)
    hidden_reason = models.CharField(max_length=LONGEST_REASON, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(rating__range=(1, 5)), name="review_rates_from_one_to_five"),
            models.CheckConstraint(
                condition=Q(responded_at__isnull=True, response="") | Q(responded_at__isnull=False) & ~Q(response=""),
                name="response_has_its_date",
            ),
            models.CheckConstraint(
                condition=Q(hidden_at__isnull=True, hidden_reason="")
                | Q(hidden_at__isnull=False) & ~Q(hidden_reason=""),
                name="hidden_review_says_why",
            ),
        ]
        indexes = [
            models.Index(
                fields=["instructor", "-created_at"], condition=Q(hidden_at__isnull=True), name="reviews_of_instructor"
            )
        ]

    def __str__(self) -> str:
        return f"review {self.id}"


class ReferralCode(models.Model):
    """The word with which a student brings others."""

    student = models.OneToOneField("accounts.User", models.PROTECT, primary_key=True, related_name="referral_code")
    code = models.CharField(max_length=12, unique=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.code


class Referral(models.Model):
    """Somebody came by somebody's code. The reward is given once, after the first lesson that was paid."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    referrer = models.ForeignKey("accounts.User", models.PROTECT, related_name="referrals")
    referred = models.OneToOneField("accounts.User", models.PROTECT, related_name="referred_by")
    created_at = models.DateTimeField()
    rewarded_at = models.DateTimeField(null=True, blank=True)
    reward_cents = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(referrer=F("referred")), name="nobody_refers_themselves"),
            models.CheckConstraint(
                condition=Q(rewarded_at__isnull=True, reward_cents=0)
                | Q(rewarded_at__isnull=False, reward_cents__gt=0),
                name="reward_has_its_date",
            ),
        ]
        indexes = [
            models.Index(fields=["referrer", "-created_at"], name="referrals_of_referrer"),
            models.Index(fields=["referred"], condition=Q(rewarded_at__isnull=True), name="referrals_to_reward"),
        ]

    def __str__(self) -> str:
        return f"referral {self.id}"


class Conversation(models.Model):
    """One student and one instructor. Its messages are numbered without gaps, under its lock."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    student = models.ForeignKey("accounts.User", models.PROTECT, related_name="conversations_as_student")
    instructor = models.ForeignKey("accounts.User", models.PROTECT, related_name="conversations_as_instructor")
    created_at = models.DateTimeField()
    last_message_at = models.DateTimeField(help_text="When it was opened, before the first message")
    last_number = models.PositiveIntegerField(default=0)
    student_read = models.PositiveIntegerField(default=0, help_text="The number up to which the student has read")
    instructor_read = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["student", "instructor"], name="one_conversation_per_pair"),
            models.CheckConstraint(
                condition=Q(student_read__lte=F("last_number"), instructor_read__lte=F("last_number")),
                name="nobody_reads_ahead",
            ),
        ]
        indexes = [
            models.Index(fields=["student", "-last_message_at"], name="conversations_of_student"),
            models.Index(fields=["instructor", "-last_message_at"], name="conversations_of_instructor"),
        ]

    def __str__(self) -> str:
        return f"conversation {self.id}"


class Message(models.Model):
    """Plain text from one side of a conversation to the other."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="messages")
    number = models.PositiveIntegerField(help_text="1, 2, 3 … within the conversation")
    sender = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    text = models.CharField(max_length=LONGEST_MESSAGE)
    sent_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "number"], name="messages_are_numbered"),
            models.CheckConstraint(condition=~Q(text=""), name="message_says_something"),
        ]

    def __str__(self) -> str:
        return f"message {self.id}"
