"""Staff of each group at the desk, in a browser and as actors."""

from datetime import datetime

import pytest
from django.contrib.auth.models import Permission

from accounts.models import User
from common import clock
from tests.admin.conftest import browser_of
from tests.support.cast import Cast, make_cast
from tests.support.factories import UserFactory

GROUPS = {
    "read-only": ("view_financials", "view_user"),
    "support": ("view_financials", "view_user", "work_desk"),
    "finance": ("view_financials", "view_user", "work_desk", "manage_financials"),
}


@pytest.fixture
def now() -> datetime:
    return clock.now().replace(microsecond=0)


@pytest.fixture
def cast(house: None, now: datetime) -> Cast:
    return make_cast(now)


def member(group: str) -> User:
    """Somebody of staff who may do what a group may."""
    person = UserFactory.create(role="staff", is_staff=True, first_name=group.title())
    person.user_permissions.set(Permission.objects.filter(codename__in=GROUPS[group]))
    return User.objects.get(pk=person.pk)


__all__ = ["browser_of", "cast", "member", "now"]
