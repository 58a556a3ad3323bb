"""People and what holds them back."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Lower

from common.actors import Actor, Door, Role
from common.ids import ULID_LENGTH, new_id


class UserManager(BaseUserManager["User"]):
    @transaction.atomic
    def create_user(self, email: str, password: str | None = None, *, verified: bool = True, **fields: Any) -> "User":
        """Create a person who logs in by e-mail; whoever calls this vouches for the address unless they say otherwise.

        Raises ValueError for an empty address.
        """
        if not email:
            raise ValueError("An e-mail address is required.")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        from allauth.account.models import EmailAddress

        EmailAddress.objects.create(user=user, email=user.email, verified=verified, primary=True)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a member of staff who may do everything in the admin."""
        return self.create_user(
            email, password, **{"role": Role.STAFF, "is_staff": True, "is_superuser": True, **fields}
        )

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody with an account. One role each: a student, an instructor or support staff."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    email = models.EmailField(unique=True)
    first_name = models.CharField(max_length=80)
    last_name = models.CharField(max_length=80, blank=True)
    role = models.CharField(
        max_length=12,
        choices=[(r, r.title()) for r in (Role.STUDENT, Role.INSTRUCTOR, Role.STAFF)],
        default=Role.STUDENT,
    )
    timezone = models.CharField(max_length=64, default="America/New_York", help_text="IANA zone, for reading times")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May open the admin")
    stripe_customer_id = models.CharField(max_length=64, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["first_name"]
    objects = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]
        permissions = [
            ("view_financials", "Can see everybody's money"),
            ("manage_financials", "Can move money: cancel, refund, resolve"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def public_name(self) -> str:
        """First name and initial: all that the other side of a lesson sees."""
        return f"{self.first_name} {self.last_name[:1]}.".strip() if self.last_name else self.first_name

    @property
    def is_student(self) -> bool:
        return self.role == Role.STUDENT

    @property
    def is_instructor(self) -> bool:
        return self.role == Role.INSTRUCTOR

    def may_move_money(self) -> bool:
        """Support staff who may cancel, refund and resolve."""
        return self.is_active and self.role == Role.STAFF and self.has_perm("accounts.manage_financials")

    def as_actor(self, door: Door) -> Actor:
        """This person acting through a door."""
        return Actor(Role(self.role), self.id, door)


class AccountHold(models.Model):
    """Why somebody may not book (policy 7). Open until lifted; never deleted."""

    class Kind(models.TextChoices):
        LOCKED = "locked", "Locked: an unpaid lesson"
        RESTRICTED = "restricted", "Restricted: a lost chargeback"
        NEGATIVE = "negative", "Negative: charged-back credit already spent"

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="holds")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    payment_id = models.CharField(max_length=ULID_LENGTH, help_text="The payment it comes from")
    amount_cents = models.PositiveIntegerField(default=0, help_text="What is owed to the platform")
    opened_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind", "payment_id"],
                condition=models.Q(lifted_at__isnull=True),
                name="one_open_hold_per_cause",
            ),
        ]
        indexes = [models.Index(fields=["user"], condition=models.Q(lifted_at__isnull=True), name="open_holds_of_user")]

    def __str__(self) -> str:
        return f"{self.kind} {self.user_id}"
