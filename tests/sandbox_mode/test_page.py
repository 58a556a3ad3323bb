"""The page for newcomers."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bookings.models import Booking
from common import clock
from sandbox_mode import overview, seed
from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("house")


@pytest.fixture
def seeded() -> None:
    call_command("seed_demo", stdout=StringIO())


def text_of(client: Client) -> str:
    answer = client.get("/sandbox/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_sandbox_has_a_page() -> None:
    assert "No lessons yet" in text_of(Client())


def test_a_newcomer_sees_everything_and_turns_the_clock(seeded: None) -> None:
    client = Client()
    page = text_of(client)
    for words in (
        "equal to the cent",
        "Stella M.",
        "student@example.com",
        "Confirmed",
        "Scheduled",
        "$134.40",
        "Platform",
    ):
        assert words in page
    assert "Give up a booking nobody checked out" in page
    before = clock.now()
    while Booking.objects.filter(payment__status="scheduled").count() == 3:
        page = client.post("/sandbox/turn", {"by": "next"}, follow=True).content.decode()
        assert "What happened meanwhile" in page
        assert clock.now() > before
    assert "Hold failed" in page  # one of the demo students has a card that is declined
    assert "What happened meanwhile" not in text_of(client)


def test_support_reads_the_code_of_its_authenticator_from_the_page(seeded: None) -> None:
    told = Client().get("/sandbox/", headers={"accept": "application/json"}).json()
    asked = {"email": "staff@example.com", "password": told["password"], "code": told["second_factor_code"]}
    assert Client().post("/api/v1/auth/token", asked, "application/json").status_code == 200


def test_one_click_makes_you_somebody(seeded: None) -> None:
    client, staff = Client(), User.objects.get(email="staff@example.com")
    page = client.post("/sandbox/log-in", {"user": staff.pk}, follow=True).content.decode()
    assert "You are Sol now." in page
    assert client.get("/admin/").status_code == 200
    client.post("/sandbox/log-out")
    assert client.get("/admin/").status_code == 302
    assert "no such person" in client.post("/sandbox/log-in", {"user": "x"}, follow=True).content.decode()


def test_buttons_need_their_token(seeded: None) -> None:
    strict = Client(enforce_csrf_checks=True)
    for path in ("turn", "book", "log-in", "log-out"):
        assert strict.post(f"/sandbox/{path}").status_code == 403


def test_another_lesson_is_booked_with_a_button(seeded: None) -> None:
    before = Booking.objects.count()
    for _ in range(3):
        assert "booked Piano" in Client().post("/sandbox/book", follow=True).content.decode()
    assert Booking.objects.count() == before + 3


def test_the_page_takes_the_same_number_of_queries_however_much_there_is(seeded: None) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            text_of(Client())
        return len(caught)

    few = queries()
    for _ in range(5):
        seed.book_another(clock.now())
    assert queries() == few
    assert few <= 30


def test_a_difference_is_shown_and_a_silent_stripe_too(seeded: None, sandbox: Sandbox, settings: Any) -> None:
    sandbox.control("POST", "reset")
    assert not overview.books().equal
    assert "differ" in text_of(Client())
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    assert "does not answer" in text_of(Client())
