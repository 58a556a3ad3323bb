"""The admin shows everything in a constant number of queries, to those who may see it, and lets nobody type over money."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings.models import Booking, SupportItem
from catalog.models import InstructorProfile, Service
from packages.models import PackageProduct
from payments.models import Payment
from tests.support.factories import UserFactory

from .conftest import staff
from .rows import fill

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
OURS = ("accounts", "bookings", "catalog", "community", "credits", "packages", "payments", "support")
MENDED = (User, InstructorProfile, PackageProduct, Service, SupportItem)  # some of their fields can be changed by hand


def label(model: type[Model]) -> str:
    return model._meta.label


def address(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def first(model: type[Model]) -> Model:
    return model._default_manager.order_by("pk")[0]


def test_all_our_models_are_in_the_admin() -> None:
    from django.apps import apps

    ours = {model for app in OURS for model in apps.get_app_config(app).get_models()}
    assert ours <= set(REGISTERED)
    assert {model._meta.label for model in REGISTERED if model._meta.app_label not in OURS} == {
        *("auth.Group", "django_q.Failure", "django_q.OrmQ", "django_q.Schedule", "django_q.Success"),
        *("djstripe.WebhookEndpoint", "djstripe.WebhookEventTrigger"),
    }


def test_every_page_opens_and_lists_cost_the_same_for_3_rows_as_for_12(boss: Client) -> None:
    fill(range(3))
    for_three = _queries_of_lists(boss)
    for model in REGISTERED:
        answer = boss.get(address(model, "change", first(model).pk))
        assert answer.status_code == 200, model
        assert b"whsec_" not in answer.content
    fill(range(3, 12))
    for_twelve = _queries_of_lists(boss)
    assert for_twelve == for_three
    assert max(for_twelve.values()) <= 15


def _queries_of_lists(client: Client) -> dict[str, int]:
    counts = {}
    for model in REGISTERED:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = client.get(address(model, "changelist"), {"q": ""})
        assert answer.status_code == 200, model
        counts[model._meta.label] = len(queries)
    return counts


@pytest.mark.parametrize("model", [m for m in REGISTERED if m._meta.app_label in OURS and m not in MENDED], ids=label)
def test_read_only_pages_refuse_every_way_of_writing(boss: Client, model: type[Model]) -> None:
    fill(range(1))
    row = first(model)
    before = _values(row)
    assert boss.get(address(model, "add")).status_code == 403
    assert boss.post(address(model, "change", row.pk), _tampered(row)).status_code == 403
    assert boss.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    boss.post(address(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert _values(first(model)) == before


@pytest.mark.parametrize("model", [m for m in REGISTERED if m._meta.app_label == "django_q"], ids=label)
def test_nobody_types_in_a_function_for_the_jobs_to_call(boss: Client, model: type[Model]) -> None:
    fill(range(1))
    row = first(model)
    assert boss.get(address(model, "changelist")).status_code == 200
    assert boss.get(address(model, "add")).status_code == 403
    assert boss.post(address(model, "change", row.pk), {"func": "os.system"}).status_code == 403
    assert boss.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def _values(row: Model) -> dict[str, Any]:
    return {field.attname: field.value_from_object(row) for field in row._meta.concrete_fields}


def _tampered(row: Model) -> dict[str, Any]:
    """A form in which every field says something else."""
    form: dict[str, Any] = {}
    for name, value in _values(row).items():
        match value:
            case bool():
                form[name] = "" if value else "on"
            case int():
                form[name] = value + 1
            case _:
                form[name] = "settled" if "status" in name else "7"
    return form


def test_what_can_be_mended_leaves_rates_and_amounts_alone(boss: Client) -> None:
    fill(range(1))
    service, profile = Service.objects.get(), InstructorProfile.objects.get()
    form = {
        "name": "Organ", "description": "Loud", "durations": "30,60", "modalities": "online", "is_active": "on",
        "hourly_rate_cents": "1",
    }  # fmt: skip
    assert boss.post(address(Service, "change", service.pk), form).status_code == 302
    service.refresh_from_db()
    assert (service.name, service.hourly_rate_cents) == ("Organ", 12000)
    form = {"bio": "Plays", "commission_bps": "0", "is_founding": "on"} | {
        "minimum_notice_minutes": "90", "travel_notice_minutes": "180", "buffer_minutes": "15",
        "travel_buffer_minutes": "60",
    }  # fmt: skip
    for inline in ("weekly_hours", "exceptions", "services"):
        form |= {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}
    assert boss.post(address(InstructorProfile, "change", profile.pk), form).status_code == 302
    profile.refresh_from_db()
    assert (profile.bio, profile.commission_bps, profile.is_founding) == ("Plays", 1500, False)
    product = PackageProduct.objects.get()
    form = {"service_type": "organ", "stripe_product_id": "prod_organ", "services": service.pk, "is_active": "on"}
    assert boss.post(address(PackageProduct, "change", product.pk), form).status_code == 302
    product.refresh_from_db()
    assert (product.service_type, list(product.services.all())) == ("organ", [service])
    assert boss.post(address(PackageProduct, "delete", product.pk), {"post": "yes"}).status_code == 403
    item = SupportItem.objects.get()
    someone = UserFactory.create(role="staff")
    form = {"owner": someone.pk, "money_at_risk_cents": "7", "closed_at_0": "2027-01-01", "closed_at_1": "00:00"}
    assert boss.post(address(SupportItem, "change", item.pk), form).status_code == 302
    item.refresh_from_db()
    assert (item.owner, item.money_at_risk_cents, item.closed_at) == (someone, 0, None)


# --- Who may ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("model", REGISTERED, ids=label)
def test_staff_without_permission_are_refused(database: None, model: type[Model]) -> None:
    client = staff()
    assert client.get(address(model, "changelist")).status_code == 403
    assert client.get("/admin/").status_code == 200


def test_students_do_not_get_in(database: None) -> None:
    client = Client()
    client.force_login(UserFactory.create())
    assert client.get("/admin/").status_code == 302
    assert client.get(address(Payment, "changelist")).status_code == 302


def test_whoever_may_see_the_money_sees_it_and_changes_nothing(database: None) -> None:
    fill(range(1))
    client = staff("view_financials")
    booking = Booking.objects.get()
    assert b"Bookings" in client.get("/admin/").content
    assert client.get(address(Booking, "change", booking.pk)).status_code == 200
    assert client.post(address(Booking, "change", booking.pk), {"status": "CANCELLED"}).status_code == 403
    assert client.get(address(User, "changelist")).status_code == 403
    item = SupportItem.objects.get()
    assert client.post(address(SupportItem, "change", item.pk), {"owner": ""}).status_code == 403
