"""Packages through the API: the price list for anybody, buying, one's own packages, booking with one, support."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from packages.models import PackageProduct
from tests.api.conftest import client_of
from tests.api.talking import Api
from tests.support.cast import HOUR, Cast, soon

from .shop import DAY, Shop, lessons_of, told


def asked(shop: Shop, lessons: int, hours: float, **other: Any) -> dict[str, Any]:
    wanted = shop.wanting(lessons, soon(hours), **other)
    return {**wanted, "starts_at": wanted["starts_at"].isoformat()}


def test_anybody_reads_the_price_list_as_stripe_has_it(shop: Shop, cast: Cast) -> None:
    cache.clear()
    offers = Api(client_of(None)).get("packages")["results"]
    assert [(one["lesson_count"], one["amount_cents"], one["duration_minutes"]) for one in offers] == [
        (1, 12_000, 60), (3, 30_001, 60), (5, 50_000, 60),
    ]  # fmt: skip
    assert offers[1]["price_id"] == shop.price_of[3]
    assert (offers[1]["name"], offers[1]["service_type"], offers[1]["label"]) == ("Piano lessons", "piano", "3 lessons")
    (service,) = offers[1]["services"]
    assert service["id"] == cast.instructor.services[0].pk
    assert service["instructor"]["name"] == cast.instructor.user.public_name
    PackageProduct.objects.update(is_active=False)
    assert Api(client_of(None)).get("packages")["results"] == []


def test_a_package_is_bought_read_and_used(
    shop: Shop, student_api: Api, now: datetime, at: Callable[[datetime], None]
) -> None:
    at(now)
    body = asked(shop, 3, 48)
    made = student_api.post("payments/create-session", 201, key="once", **body)
    assert student_api.post("payments/create-session", 201, key="once", **body) == made
    assert (made["amount_cents"], made["package_id"], len(made["booking_ids"])) == (30_001, made["session_id"], 1)
    assert made["client_secret"].startswith(made["payment_intent_id"])
    mine = student_api.get("packages/mine")["results"][0]
    assert (mine["id"], mine["status"], mine["available_count"]) == (made["package_id"], "awaiting_payment", 0)

    confirm_in_browser(made)
    told(now, "payment_intent.succeeded")
    whole = student_api.get(f"packages/{made['package_id']}")
    assert (whole["status"], whole["available_count"], whole["booked_count"]) == ("paid", 2, 1)
    assert [one["price_cents"] for one in whole["entitlements"]] == [10_000, 10_001, 10_000]
    lesson = student_api.post(
        "bookings", 201, **{**lesson_like(shop, 72), "package_id": made["package_id"], "duration_minutes": 60}
    )
    assert (lesson["status"], lesson["payment_status"], lesson["client_secret"]) == ("CONFIRMED", "locked", None)
    assert (lesson["package_id"], lesson["prepaid_cents"], lesson["card_amount_cents"]) == (
        made["package_id"],
        10_001,
        0,
    )

    quote = student_api.get(f"bookings/{lesson['id']}/cancellation-quote")
    assert (quote["outcome"], quote["card_charged_cents"], quote["credit_back_cents"]) == ("entitlement_returned", 0, 0)
    cancelled = student_api.post(f"bookings/{lesson['id']}/cancel", reason="Ill", quote_id=quote["quote_id"])
    assert cancelled["settlement_outcome"] == "entitlement_returned"
    refunded = student_api.post(f"packages/{made['package_id']}/refund", reason="Moving away")
    assert (refunded["amount_cents"], refunded["package"]["refunded_to_card_cents"]) == (20_001, 20_001)
    assert refunded["refund_id"].startswith("re_")


def lesson_like(shop: Shop, hours: float) -> dict[str, Any]:
    body = asked(shop, 3, hours)
    del body["price_id"]
    return body


def confirm_in_browser(made: dict[str, Any]) -> None:
    from .shop import GOOD, confirm

    assert confirm(made["payment_intent_id"], GOOD) == "succeeded"


def test_what_the_quote_of_a_late_cancellation_says_comes_true(
    shop: Shop, student_api: Api, now: datetime, at: Callable[[datetime], None]
) -> None:
    lesson = lessons_of(shop.bought(3, now=now))[0]
    at(lesson.starts_at - 6 * HOUR)
    quote = student_api.get(f"bookings/{lesson.pk}/cancellation-quote")
    assert (quote["credit_back_cents"], quote["instructor_payout_cents"]) == (5_000, 4_400)
    done = student_api.post(f"bookings/{lesson.pk}/cancel", reason="Ill", quote_id=quote["quote_id"])
    assert (done["student_credit_cents"], done["instructor_payout_cents"]) == (5_000, 4_400)


def test_the_payment_first(shop: Shop, student_api: Api, now: datetime) -> None:
    made = student_api.post("payments/payment-intent", 201, **asked(shop, 1, 48))
    assert (made["booking_ids"], made["amount_cents"]) == ([], 12_000)
    confirm_in_browser(made)
    told(now, "payment_intent.succeeded")
    assert student_api.get("bookings")["results"][0]["status"] == "CONFIRMED"


def test_one_lesson_is_a_session_too(shop: Shop, student_api: Api) -> None:
    made = student_api.post("payments/create-session", 201, **asked(shop, 1, 48))
    assert (made["package_id"], made["payment_intent_id"], made["amount_cents"]) == (None, None, 13_440)
    assert made["client_secret"].startswith(made["setup_intent_id"])


WRONG: tuple[dict[str, Any], ...] = (
    {"price_id": "price_\u0000"}, {"price_id": "../v1/x"}, {"price_id": "x" * 65}, {"price_id": None},
    {"service_id": "nothing"}, {"more_starts_at": "soon"}, {"more_starts_at": ["2026-13-01T00:00:00Z"]},
    {"more_starts_at": ["2030-01-01T00:00:00Z"] * 100}, {"ends_at": "9999-12-31T23:59:59Z"}, {"starts_at": None},
)  # fmt: skip


def test_what_cannot_be_read_is_400_and_nothing_is_written(shop: Shop, student_api: Api) -> None:
    for wrong in WRONG:
        for door in ("payments/create-session", "payments/payment-intent"):
            if door.endswith("intent") and "more_starts_at" in wrong:
                continue  # it has no such member
            problem = student_api.post(door, 400, **{**asked(shop, 3, 48), **wrong})
            assert problem["code"] == "invalid", wrong
    assert student_api.get("packages/mine")["results"] == []


def test_who_may_what(shop: Shop, cast: Cast, student_api: Api, staff_api: Api, now: datetime) -> None:
    package = shop.bought(3, now=now)
    lesson = lessons_of(package)[0]
    instructor, nobody = Api(client_of(cast.instructor.user)), Api(client_of(None))
    nobody.post("payments/create-session", 401, **asked(shop, 3, 72))
    instructor.post("payments/create-session", 403, **asked(shop, 3, 72))
    instructor.get("packages/mine", 403)
    instructor.get(f"packages/{package.pk}", 404)
    instructor.post(f"packages/{package.pk}/refund", 403, reason="?")
    student_api.post(f"admin/packages/{package.pk}/refund", 403, reason="?")
    student_api.post(f"admin/bookings/{lesson.pk}/give-back", 403, reason="?")
    student_api.post("packages/01JZZZZZZZZZZZZZZZZZZZZZZZ/refund", 404, reason="?")
    assert student_api.post(f"packages/{package.pk}/refund", 422, reason="?", lessons=3)["refundable_lessons"] == 2
    assert staff_api.get(f"packages/{package.pk}")["used_count"] == 0
    assert staff_api.post(f"admin/packages/{package.pk}/refund", reason="Kindness", lessons=1)["amount_cents"] == 10_000
    assert staff_api.post(f"admin/bookings/{lesson.pk}/give-back", 422, reason="?")["code"] == "nothing_to_give_back"
    assert "package_id" not in instructor.get(f"bookings/{lesson.pk}")


def test_support_gives_a_lesson_back(
    shop: Shop, cast: Cast, staff_api: Api, now: datetime, at: Callable[[datetime], None]
) -> None:
    from .test_lessons import given

    lesson = lessons_of(shop.bought(3, now=now))[0]
    given(lesson)
    at(lesson.ends_at + 2 * DAY)
    answer = staff_api.post(f"admin/bookings/{lesson.pk}/give-back", reason="Sorry", to_card=True)
    assert (answer["settlement_outcome"], answer["instructor_payout_cents"]) == ("admin_refund", 0)


def test_a_list_of_packages_needs_as_many_queries_as_one(shop: Shop, student_api: Api, now: datetime) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            student_api.get("packages/mine")
        return len(captured)

    shop.session(5, now=now, hours=48)
    one = queries()
    for hours in (72, 96):
        shop.session(3, now=now, hours=hours)
    assert queries() == one
    page = student_api.get("packages/mine", page_size=2)
    assert len(page["results"]) == 2
    assert page["next"]


def test_the_price_list_needs_as_many_queries_for_more_services(shop: Shop, cast: Cast) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            Api(client_of(None)).get("packages")
        return len(captured)

    queries()  # Stripe's list is remembered
    one = queries()
    for number in range(3):
        other = cast.instructor.services[0]
        other.pk, other.name = None, f"Another {number}"
        from common.ids import new_id

        other.pk = new_id()
        other.save(force_insert=True)
        shop.product.services.add(other)
    assert queries() == one
