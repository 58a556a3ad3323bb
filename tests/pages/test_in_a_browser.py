"""The main pages in Chromium: axe finds nothing, nothing is wider than a phone or too small to touch, no script is refused."""

from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page

from common import clock
from tests.support.cast import Cast, soon

from .browser import CHROMIUM, DESK, chromium, troubles

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
FIRST_LOAD_BYTES = 100_000  # besides fonts and pictures


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=DESK, reduced_motion="reduce")  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


def be(page: Page, client: Client, site: str) -> None:
    """Be signed in as a client is."""
    session = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": site}])


def test_the_main_pages_have_no_trouble(
    running_site: str, cast: Cast, student_page: Client, instructor_page: Client, page: Page
) -> None:
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    lesson = cast.lesson(soon(20), now=clock.now())
    pending = cast.book(soon(80), now=clock.now())
    chosen = f"/instructors/{cast.instructor.user.pk}"
    found: list[str] = []

    def look(*paths: str) -> None:
        for path in paths:
            page.goto(f"{running_site}{path}")
            found.extend(troubles(page))

    look("/", "/find", chosen, f"{chosen}/book", "/policy", "/account/login/", "/account/signup/")
    be(page, student_page, running_site)
    look("/lessons", f"/lessons/{lesson.pk}", f"/lessons/{lesson.pk}/cancel", f"/lessons/{lesson.pk}/move")
    look(f"/lessons/{pending.pk}/pay", "/wallet", "/billing")
    page.emulate_media(color_scheme="dark")
    look(f"/lessons/{lesson.pk}", f"/lessons/{pending.pk}/pay")
    page.context.clear_cookies()
    be(page, instructor_page, running_site)
    look("/teach", "/teach/availability", "/teach/profile", "/teach/earnings", "/teach/payouts")
    assert not found, "\n".join(found)
    assert not complaints, complaints


def test_the_first_load_is_small(running_site: str, house: None, page: Page) -> None:
    sizes: list[int] = []
    page.on(
        "requestfinished",
        lambda request: (
            None if request.resource_type in ("font", "image") else sizes.append(request.sizes()["responseBodySize"])
        ),
    )
    page.goto(f"{running_site}/", wait_until="networkidle")
    assert len(sizes) >= 4, "page, styles and scripts"
    assert sum(sizes) < FIRST_LOAD_BYTES
