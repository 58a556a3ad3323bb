"""The admin's pages under a strict content security policy, and the three groups."""

import importlib
import re

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.admin.conftest import boss  # noqa: F401  # a fixture
from tests.admin.rows import fill

INLINE = re.compile(rb"<style|<script(?![^>]*\bsrc=)(?![^>]*application/json)|\sstyle=\"|\son[a-z]+=\"|javascript:")
PAGES = ("index", "login", "bookings_booking_changelist", "accounts_user_changelist", "accounts_user_add", "search")


def test_no_page_of_the_admin_has_anything_inline(boss: Client) -> None:  # noqa: F811
    fill(range(1))
    addresses = [reverse(f"admin:{name}") for name in PAGES]
    person = User.objects.filter(role="student").first()
    assert person is not None
    addresses.append(reverse("admin:accounts_user_change", args=[person.pk]))
    for address in addresses:
        answer = (Client() if "login" in address else boss).get(address)
        assert answer.status_code == 200, address
        found = INLINE.search(answer.content)
        assert found is None, (address, answer.content[found.start() - 80 : found.end() + 80])
        assert answer._csp_update == {"script-src": ["'unsafe-eval'"]}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("read-only", {"view_financials", "view_user"}),
        ("support", {"view_financials", "view_user", "work_desk"}),
        ("finance", {"view_financials", "view_user", "work_desk", "manage_financials"}),
    ],
)
def test_a_migration_makes_the_groups(database: None, name: str, may: set[str]) -> None:
    importlib.import_module("support.migrations.0002_groups").make_groups(apps)
    codenames = Group.objects.get(name=name).permissions.values_list("codename", flat=True)
    assert set(codenames) == may
