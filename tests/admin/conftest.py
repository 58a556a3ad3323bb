"""Browsers in which somebody is logged in."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts import second_factor
from accounts.models import User
from tests.support.factories import UserFactory


@pytest.fixture
def boss(database: None) -> Client:
    """A browser in which a superuser is logged in."""
    return browser_of(User.objects.create_superuser("boss@example.com", "sandbox", first_name="Boss"))


def staff(*permissions: str) -> Client:
    """A browser in which somebody of support with these permissions is logged in."""
    person = UserFactory.create(role="staff", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return browser_of(person)


def browser_of(person: User) -> Client:
    """A browser in which this person is logged in, with the second factor."""
    client = Client()
    client.force_login(person)
    session = client.session
    second_factor.record(session, person)
    session.save()
    return client
