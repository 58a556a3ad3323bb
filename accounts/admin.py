"""People in the admin, and what every admin page of ours is made of.

Statuses and money are read here, never typed: what changes them are the operations, which check, lock and keep a history.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm
from unfold.forms import UserChangeForm as FacedChangeForm
from unfold.forms import UserCreationForm as FacedCreationForm

from common.money import dollars

from .account_mail import AccountMail
from .audit_trail import AuditEntry
from .idempotency import IdempotencyKey
from .models import AccountHold, User

if TYPE_CHECKING:
    Page = admin.ModelAdmin[Any]
    Rows = admin.TabularInline[Any, Any]
    PersonForm = forms.ModelForm[User]
    CreationForm = AdminUserCreationForm[User]
    ChangeForm = UserChangeForm[User]
    PeoplePage = UserAdmin[User]
else:
    Page, Rows, PersonForm = ModelAdmin, TabularInline, forms.ModelForm
    CreationForm, ChangeForm, PeoplePage = FacedCreationForm, FacedChangeForm, type("PeoplePage", (UserAdmin, Page), {})


# --- What pages are made of ------------------------------------------------------------------------------------------
class ReadOnly:
    """Looked at, and nothing else: no adding, changing, deleting, no actions."""

    actions: ClassVar[Any] = None
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyPage(ReadOnly, Page):
    """A page of rows that are only looked at."""


class ReadOnlyRows(ReadOnly, Rows):
    """Rows shown on the page of what they belong to."""

    extra = 0
    can_delete = False


class MoneyPage(ReadOnlyPage):
    """Read-only, for superusers, whoever may view the model, and whoever may see everybody's money."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) or request.user.has_perm("accounts.view_financials")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


def cents(field: str, label: str = "") -> Callable[[Any], str]:
    """A column that shows an amount of cents in dollars. `field` may reach through relations (`payment__…_cents`)."""

    @admin.display(description=label or field.rpartition("__")[2].removesuffix("_cents"), ordering=field)
    def column(row: Any) -> str:
        for name in field.split("__"):
            row = getattr(row, name)
        return "" if row is None else dollars(row)

    return column


def table(headings: Iterable[str], rows: Iterable[Iterable[Any]]) -> SafeString:
    """An HTML table; every cell is escaped unless it is HTML already."""
    head = format_html_join("", "<th>{}</th>", ((heading,) for heading in headings))
    lines = [(format_html_join("", "<td>{}</td>", ((_shown(cell),) for cell in row)),) for row in rows]
    if not lines:
        return format_html("<p>{}</p>", "None.")
    body = format_html_join("", "<tr>{}</tr>", lines)
    return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, body)


def _shown(cell: Any) -> Any:
    return "" if cell is None else f"{cell:%Y-%m-%d %H:%M:%S}" if hasattr(cell, "strftime") else cell


def page_of(row: Model, text: str = "") -> SafeString:
    """A link to a row's own page."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(name, args=[row.pk]), text or str(row.pk))


DASHBOARD = {
    "pi": "payments",
    "ch": "payments",
    "cus": "customers",
    "tr": "connect/transfers",
    "acct": "connect/accounts",
    "dp": "disputes",
    "evt": "events",
}


def at_stripe(stripe_id: str | None) -> str:
    """A Stripe object's id, linked to Stripe's dashboard where there is one."""
    folder = DASHBOARD.get((stripe_id or "").partition("_")[0])
    if not stripe_id or folder is None or settings.STRIPE_MODE == "sandbox":
        return stripe_id or ""
    mode = "" if settings.STRIPE_MODE == "live" else "test/"
    return format_html('<a href="https://dashboard.stripe.com/{}{}/{}">{}</a>', mode, folder, stripe_id, stripe_id)


# --- People ----------------------------------------------------------------------------------------------------------
class _LowerCaseEmail(PersonForm):
    def clean_email(self) -> str:
        """The address as people log in with it. Raises ValidationError for somebody else's in other letters."""
        email = User.objects.normalize_email(self.cleaned_data["email"]).lower()
        if User.objects.exclude(pk=self.instance.pk).filter(email=email).exists():
            raise forms.ValidationError("Somebody has this e-mail address already.")
        return email


class NewPersonForm(_LowerCaseEmail, CreationForm):
    class Meta:
        model = User
        fields = ("email", "first_name", "last_name", "role", "timezone")


class PersonChangeForm(_LowerCaseEmail, ChangeForm):
    class Meta:
        model = User
        fields = "__all__"


class HoldsOfPerson(ReadOnlyRows):
    model = AccountHold
    fields = ("kind", "amount_cents", "payment_id", "reason", "opened_at", "lifted_at", "lifted_by")


@admin.register(User)
class PersonAdmin(PeoplePage):
    """People log in by e-mail. Who may do what is a superuser's to say; nobody is deleted: people are deactivated."""

    form, add_form, change_password_form = PersonChangeForm, NewPersonForm, AdminPasswordChangeForm
    list_display = ("email", "first_name", "last_name", "role", "is_active", "is_staff", "created_at")
    list_filter = ("role", "is_active", "is_staff", "is_superuser")
    search_fields = ("email", "first_name", "last_name", "id", "stripe_customer_id")
    ordering = ("-created_at",)
    date_hierarchy = "created_at"
    list_per_page = 50
    actions = None
    inlines: ClassVar[list[Any]] = [HoldsOfPerson]
    fieldsets = (
        (None, {"fields": ("email", "password", "role")}),
        ("Person", {"fields": ("first_name", "last_name", "timezone")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Known as", {"fields": ("id", "stripe_customer_id", "created_at", "last_login")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "first_name", "last_name", "role", "timezone")}),
        ("Password", {"fields": ("usable_password", "password1", "password2")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        never = ("id", "stripe_customer_id", "created_at", "last_login") + (("role",) if obj else ())
        power = ("is_staff", "is_superuser", "groups", "user_permissions")
        return never if request.user.is_superuser else never + power

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:
        return self.inlines if obj else []

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Support may help students and instructors; accounts of staff are a superuser's."""
        ours = obj is not None and (obj.is_staff or obj.is_superuser or obj.role == "staff")
        return super().has_change_permission(request, obj) and (request.user.is_superuser or not ours)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """A new address has to be verified by its owner before they log in with it."""
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            EmailAddress.objects.filter(user=obj).delete()
            EmailAddress.objects.create(user=obj, email=obj.email, primary=True, verified=False)

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only a superuser makes staff."""
        if db_field.name == "role" and not request.user.is_superuser:
            kwargs["choices"] = [choice for choice in db_field.choices if choice[0] != "staff"]
        return super().formfield_for_choice_field(db_field, request, **kwargs)


@admin.register(AccountHold)
class AccountHoldAdmin(MoneyPage):
    list_display = ("user", "kind", cents("amount_cents"), "opened_at", "lifted_at", "lifted_by")
    list_filter = ("kind", ("lifted_at", admin.EmptyFieldListFilter))
    search_fields = ("user__email", "payment_id", "id")
    list_select_related = ("user",)
    date_hierarchy = "opened_at"


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyPage):
    """Requests that were made once and may be asked again. Their answers are for the person who asked."""

    list_display = ("key", "user", "state", "answer_status", "claims", "created_at")
    list_filter = ("state",)
    search_fields = ("key", "user__email")
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    exclude = ("answer_body", "fingerprint")


@admin.register(AuditEntry)
class AuditEntryAdmin(MoneyPage):
    """Who called what."""

    list_display = ("at", "door", "operation", "object_id", "actor_role", "actor_id", "status", "code", "phase")
    list_filter = ("door", "phase", "actor_role", "code")
    search_fields = ("object_id", "actor_id", "request_id", "operation")
    date_hierarchy = "at"


class SuperusersGroupAdmin(GroupAdmin, Page):
    """A group gives permissions: only a superuser touches one."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)

    has_delete_permission = has_change_permission


@admin.register(AccountMail)
class AccountMailAdmin(ReadOnlyPage):
    """Mails about accounts. The code in one is for its reader."""

    list_display = ("kind", "to", "created_at", "sent_at", "attempts", "last_error")
    list_filter = ("kind", ("sent_at", admin.EmptyFieldListFilter))
    search_fields = ("to", "id")
    date_hierarchy = "created_at"
    exclude = ("code",)


admin.site.unregister(Group)
admin.site.register(Group, SuperusersGroupAdmin)
admin.site.unregister(
    [Authenticator, EmailAddress, UserSession]
)  # secrets, and what opens a session, are read by nobody
