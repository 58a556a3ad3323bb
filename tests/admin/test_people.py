"""People in the admin: e-mail login, and no way up for those who only help."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.support.factories import UserFactory

from .conftest import staff

NEW = {
    "email": "New.Person@Example.com",
    "first_name": "New",
    "last_name": "Person",
    "role": "student",
    "timezone": "UTC",
    "usable_password": "true",
    "password1": "a-good-long-password",
    "password2": "a-good-long-password",
}
INLINE = {"holds-TOTAL_FORMS": "0", "holds-INITIAL_FORMS": "0"}
ADD = reverse("admin:accounts_user_add")


def change(client: Client, person: User, **values: Any) -> int:
    form = {
        "email": person.email, "first_name": person.first_name, "last_name": person.last_name,
        "timezone": person.timezone, "is_active": "on", **INLINE, **values,
    }  # fmt: skip
    return client.post(reverse("admin:accounts_user_change", args=[person.pk]), form).status_code


def test_somebody_is_added_and_logs_in_by_email(boss: Client) -> None:
    assert boss.post(ADD, NEW).status_code == 302
    person = User.objects.get(email="new.person@example.com")
    assert person.check_password("a-good-long-password")
    assert Client().login(email="New.Person@example.com", password="a-good-long-password")
    again = boss.post(ADD, NEW)
    assert again.status_code == 200
    assert b"already" in again.content


def test_a_superuser_gives_permissions(boss: Client) -> None:
    person = UserFactory.create(role="staff", is_staff=True)
    money = Permission.objects.get(codename="manage_financials")
    assert change(boss, person, is_staff="on", user_permissions=[money.pk]) == 302
    assert User.objects.get(pk=person.pk).may_move_money()


def test_support_helps_people_and_cannot_climb(database: None) -> None:
    client = staff("view_user", "change_user", "add_user", "change_group")
    student, colleague = UserFactory.create(), UserFactory.create(role="staff", is_staff=True)
    money = Permission.objects.get(codename="manage_financials")
    assert change(client, student, first_name="Sue", role="staff", is_staff="on", is_superuser="on",
                  user_permissions=[money.pk]) == 302  # fmt: skip
    student = User.objects.get(pk=student.pk)
    assert (student.first_name, student.role, student.is_staff, student.is_superuser) == (
        "Sue",
        "student",
        False,
        False,
    )
    assert not student.user_permissions.exists()
    assert change(client, colleague, first_name="Mine") == 403
    password = reverse("admin:auth_user_password_change", args=[colleague.pk])
    new = {"password1": "a-good-long-password", "password2": "a-good-long-password", "usable_password": "true"}
    assert client.post(password, new).status_code == 403
    assert client.post(ADD, {**NEW, "role": "staff"}).status_code == 200  # not among the choices
    assert not User.objects.filter(email="new.person@example.com").exists()
    group = Group.objects.create(name="Helpers")
    permissions = {"name": "Helpers", "permissions": [money.pk]}
    assert client.post(reverse("admin:auth_group_change", args=[group.pk]), permissions).status_code == 403


def test_nobody_is_deleted_and_roles_stay(boss: Client) -> None:
    student = UserFactory.create()
    assert boss.post(reverse("admin:accounts_user_delete", args=[student.pk]), {"post": "yes"}).status_code == 403
    assert change(boss, student, role="instructor") == 302
    assert User.objects.get(pk=student.pk).role == "student"
