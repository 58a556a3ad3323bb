"""Finding an instructor: slips forgiven, the best first, nothing that was not asked for, and by indexes."""

from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from catalog.models import AvailabilityException, InstructorProfile
from catalog.search import DISTANCE, PRICE, RATING, Wanted, forgiving, meant, search
from catalog.words import spellings, words_of
from tests.support.factories import InstructorFactory, ServiceFactory

NEW_YORK, NEWARK, BOSTON = (40.71, -74.01), (40.74, -74.17), (42.36, -71.06)
MONDAY = date(2027, 3, 1)


def teacher(name: str, *, rate: int = 12_000, at: tuple[float, float] | None = None, **other: Any) -> InstructorProfile:
    described = other.pop("description", "")
    places = {"modalities": other.pop("modalities")} if "modalities" in other else {}
    if at:
        other.update(latitude=Decimal(str(at[0])), longitude=Decimal(str(at[1])))
    profile: InstructorProfile = InstructorFactory.create(**other)
    ServiceFactory.create(instructor=profile, name=name, hourly_rate_cents=rate, description=described, **places)
    return profile


def ordered(rows: Any, *by: str) -> list[InstructorProfile]:
    """By what a search adds to its rows, of which the model knows nothing."""
    return list(rows.order_by(*by))


def found(q: str = "", **wanted: Any) -> list[str]:
    """The names of the first services of those found, in order."""
    ascending = wanted.get("ordering") in (PRICE, DISTANCE)
    with forgiving():
        rows = ordered(search(Wanted(q=q, **wanted)), "rank" if ascending else "-rank")
    return [row.services.all()[0].name for row in rows]


# --- Words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("pianno lesons", ["pianno"]),
        ("  Piano,   LESSONS! ", ["piano"]),
        ("français à paris", ["francais", "paris"]),
        ("lessons with a teacher", []),
        ("piano piano", ["piano"]),
        ("a b c d e f g h i j", ["b", "c", "d", "e", "f", "g"]),
        ("x" * 300, ["x" * 40]),
        ("", []),
    ],
)
def test_the_words_of_a_search(typed: str, words: list[str]) -> None:
    assert words_of(typed) == words


def test_letters_that_changed_places() -> None:
    assert "piano" in spellings("paino")
    assert "violin" in spellings("voilin")
    assert spellings("art") == ["art"]


@pytest.mark.parametrize(
    ("typed", "meant_words"),
    [("pianno", ["Piano"]), ("pianno lesons", ["Piano"]), ("paino", ["Piano"]), ("gitar", ["Guitar"]),
     ("voilin", ["Violin"]), ("francais", ["Français"]), ("françias", ["Français"]), ("PIANO", ["Piano"]),
     ("lessons", ["Français", "Guitar", "Piano", "Violin"]), ("cooking", []), ("piano violin", [])],
)  # fmt: skip
def test_slips_are_forgiven(database: None, typed: str, meant_words: list[str]) -> None:
    for name in ("Piano", "Guitar", "Violin", "Français"):
        teacher(name)

    assert sorted(found(typed)) == meant_words


def test_what_a_lesson_is_called_counts_more_than_what_is_said_about_it(database: None) -> None:
    teacher("Singing", bio="I play the piano too.")
    teacher("Guitar", description="Also for those who play the piano.")
    teacher("Piano")
    teacher("Chess", user__first_name="Piano")
    teacher("Cello")

    assert found("piano") == ["Piano", "Chess", "Guitar", "Singing"]


def test_every_word_must_be_found_somewhere(database: None) -> None:
    teacher("Jazz piano", bio="")
    teacher("Piano", bio="Classical music, and jazz.")
    teacher("Piano for children")

    assert found("piano jazz") == ["Jazz piano", "Piano"]


def test_of_two_that_fit_alike_the_better_rated_comes_first(database: None) -> None:
    teacher("Piano", rate=9_000)
    teacher("Piano", rate=8_000, rating_sum=9, rating_count=2)
    teacher("Piano", rate=7_000, rating_sum=5, rating_count=1)

    with forgiving():
        rows = ordered(search(Wanted(q="piano")), "-rank")
        assert [row.rating for row in rows] == [5.0, 4.5, None]


def test_letters_are_put_back_only_where_something_is_offered(database: None) -> None:
    teacher("Piano")

    with forgiving():
        assert meant(["paino", "xylohpone"]) == ["piano", "xylohpone"]
        assert meant([]) == []


# --- What narrows ----------------------------------------------------------------------------------------------------


def test_only_what_is_on_offer_is_found(database: None) -> None:
    teacher("Piano", is_listed=False)
    teacher("Piano", user__is_active=False)
    gone = teacher("Piano")
    gone.services.update(is_active=False)

    assert found("piano") == found() == []


def test_price_and_place_of_one_lesson(database: None) -> None:
    both = teacher("Piano", rate=6_000, modalities=["online"])
    ServiceFactory.create(instructor=both, name="Guitar", hourly_rate_cents=11_000, modalities=["student_location"])

    assert found(modality="online", max_price_cents=6_000) == ["Piano"]
    assert found(max_price_cents=5_999) == []
    assert found(modality="student_location", max_price_cents=11_000) == ["Guitar"]
    assert found(modality="student_location", max_price_cents=6_000) == []
    assert found("piano", modality="student_location") == []


def test_rating(database: None) -> None:
    teacher("Piano", rating_sum=9, rating_count=2)
    teacher("Guitar")

    assert found(min_rating=Decimal("4.5")) == ["Piano"]
    assert found(min_rating=Decimal("4.6")) == []
    assert found(ordering=RATING) == ["Piano", "Guitar"]


def test_distance(database: None) -> None:
    teacher("Boston", at=BOSTON)
    teacher("Newark", at=NEWARK)
    teacher("Anywhere")
    here: dict[str, Any] = {"latitude": NEW_YORK[0], "longitude": NEW_YORK[1]}

    assert found(ordering=DISTANCE, **here) == ["Newark", "Boston", "Anywhere"]
    assert found(within_km=50, **here) == ["Newark"]
    assert found(within_km=400, ordering=DISTANCE, **here) == ["Newark", "Boston"]
    with forgiving():
        km = {row.services.all()[0].name: row.distance_km for row in ordered(search(Wanted(**here)))}  # type: ignore[attr-defined]
    assert km["Newark"] == pytest.approx(13.9, abs=0.2)
    assert km["Boston"] == pytest.approx(306, abs=2)
    assert km["Anywhere"] is None


def test_distance_over_the_date_line_and_at_the_pole(database: None) -> None:
    teacher("Fiji", at=(-17.0, 179.9))
    teacher("North pole", at=(89.9, 10.0))

    assert found(latitude=-17.0, longitude=-179.9, within_km=50) == ["Fiji"]
    assert found(latitude=89.9, longitude=-170.0, within_km=50) == ["North pole"]
    assert found(latitude=-17.0, longitude=0.1, within_km=50) == []


def test_day(database: None) -> None:
    teacher("Mondays", hours=[(0, time(9), time(12))])
    teacher("Tuesdays", hours=[(1, time(9), time(12))])
    extra = teacher("Once", hours=[])
    AvailabilityException.objects.create(
        instructor=extra, date=MONDAY, starts=time(9), ends=time(10), is_available=True
    )
    away = teacher("Away", hours=[(0, time(9), time(12))])
    AvailabilityException.objects.create(instructor=away, date=MONDAY)

    assert sorted(found(day=MONDAY)) == ["Mondays", "Once"]


def test_price_order_puts_the_cheapest_first(database: None) -> None:
    for name, rate in (("Dear", 20_000), ("Cheap", 900), ("Fair", 8_000)):
        teacher(name, rate=rate)

    assert found(ordering=PRICE) == ["Cheap", "Fair", "Dear"]


# --- How -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "table", "index"),
    [
        ("name", "catalog_service", "services_by_name"),
        ("description", "catalog_service", "services_by_description"),
        ("bio", "catalog_instructorprofile", "instructors_by_bio"),
        ("first_name", "accounts_user", "instructors_by_first_name"),
    ],
)
def test_words_are_found_by_an_index(database: None, column: str, table: str, index: str) -> None:
    only = " AND role = 'instructor'" if table == "accounts_user" else ""
    with forgiving(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            f"EXPLAIN SELECT 1 FROM {table} WHERE catalog_plain({column}) %%> catalog_plain('Piäno'){only}", []
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert index in plan
