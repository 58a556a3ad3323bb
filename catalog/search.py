"""Finding an instructor: words with slips forgiven, price, place, rating, day; ranked. PostgreSQL's trigrams do the work.

A word counts when it is like a word of a service's name or description, of the instructor's first name or of what they
say about themselves; every word must count somewhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import reduce
from math import cos, radians
from operator import add
from typing import Any

from django.db import connection, transaction
from django.db.models import (
    CharField,
    Exists,
    F,
    FloatField,
    Func,
    IntegerField,
    Min,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import (
    ASin,
    Cast,
    Coalesce,
    Concat,
    Cos,
    Greatest,
    LPad,
    Power,
    Radians,
    Round,
    Sin,
    Sqrt,
)

from accounts.models import User

from .models import AvailabilityException, InstructorProfile, Plain, Service, WeeklyHours
from .words import spellings, words_of

LIKE = 0.5  # word similarity from which two words are the same with a slip: "gitar", "guitar"
EARTH_KM, KM_A_DEGREE = 6371.0, 111.2
RELEVANCE, RATING, PRICE, DISTANCE = "relevance", "-rating", "price", "distance"
NAME, FIRST_NAME, DESCRIPTION, BIO = 1.0, 0.9, 0.6, 0.4  # how much a word counts by where it is found
NOWHERE = 99_999  # km: after everybody who says where they teach


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for. Prices in cents an hour, distances in kilometres; empty and None narrow nothing."""

    q: str = ""
    latitude: float | None = None
    longitude: float | None = None
    within_km: int | None = None
    modality: str = ""
    max_price_cents: int | None = None
    min_rating: Decimal | None = None
    day: date | None = None
    ordering: str = RELEVANCE

    @property
    def is_somewhere(self) -> bool:
        return self.latitude is not None and self.longitude is not None


@contextmanager
def forgiving() -> Iterator[None]:
    """The block in which a search is read: its comparisons take words that are a slip apart for the same."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.word_similarity_threshold', %s, true)", [str(LIKE)])
        yield


def search(wanted: Wanted) -> QuerySet[InstructorProfile]:
    """Instructors students may find, with what matches of their offer as `services`, cheapest first.

    Each carries `distance_km` (None without a place) and `rank`, a text that is nobody else's: order by it, descending
    unless the order is by price or distance. Read it within `forgiving()`.
    """
    offered = Service.objects.filter(is_active=True)
    if wanted.modality:
        offered = offered.filter(modalities__contains=[wanted.modality])
    if wanted.max_price_cents is not None:
        offered = offered.filter(hourly_rate_cents__lte=wanted.max_price_cents)
    words = meant(words_of(wanted.q))
    found = (
        InstructorProfile.objects.filter(is_listed=True, user__is_active=True)
        .filter(Exists(offered.filter(instructor=OuterRef("pk"))))
        .annotate(distance_km=_distance_km(wanted))
        .select_related("user")
        .prefetch_related(Prefetch("services", offered.order_by("hourly_rate_cents", "name", "id")))
    )
    for word in words:
        found = found.filter(_mentions(word, offered))
    if wanted.within_km is not None and wanted.is_somewhere:
        found = found.filter(_box(wanted), distance_km__lte=wanted.within_km)
    if wanted.min_rating is not None:
        found = found.filter(rating_count__gt=0, rating_sum__gte=F("rating_count") * Value(wanted.min_rating))
    if wanted.day is not None:
        found = found.filter(_teaches_on(wanted.day))
    return found.annotate(rank=_rank(wanted, words, offered))


def meant(words: list[str]) -> list[str]:
    """The words as they are spelt in what is on offer, where letters changed places. One query."""
    tried = [(n, spelling) for n, word in enumerate(words) for spelling in spellings(word)]
    if not tried:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (tried.position) tried.position, tried.spelling
              FROM unnest(%s::int[], %s::text[]) WITH ORDINALITY AS tried (position, spelling, nth)
              JOIN catalog_service ON is_active AND catalog_plain(name) %%> tried.spelling
             ORDER BY tried.position, word_similarity(tried.spelling, catalog_plain(name)) DESC, tried.nth
            """,
            [[n for n, _ in tried], [spelling for _, spelling in tried]],
        )
        known = dict(cursor.fetchall())
    return [known.get(n, word) for n, word in enumerate(words)]


def _mentions(word: str, offered: QuerySet[Service]) -> Q:
    like = Plain(Value(word))
    services = offered.alias(called=Plain("name"), described=Plain("description"))
    by_service = services.filter(Q(called__trigram_word_similar=like) | Q(described__trigram_word_similar=like))
    by_name = User.objects.alias(called=Plain("first_name")).filter(
        role="instructor", called__trigram_word_similar=like
    )
    by_bio = InstructorProfile.objects.alias(says=Plain("bio")).filter(says__trigram_word_similar=like)
    return Q(pk__in=by_service.values("instructor")) | Q(pk__in=by_name.values("pk")) | Q(pk__in=by_bio.values("pk"))


def _relevance(words: list[str], offered: QuerySet[Service]) -> Any:
    """From 0 to 1: how well the words are found, and how telling the place is where they are."""
    if not words:
        return Value(0.0, FloatField())
    return reduce(add, (_found(word, offered) for word in words)) / len(words)


def _found(word: str, offered: QuerySet[Service]) -> Any:
    def like(column: str, weight: float) -> Any:
        likeness = Func(Plain(Value(word)), Plain(column), function="word_similarity", output_field=FloatField())
        return likeness * Value(weight)

    best = (
        offered.filter(instructor=OuterRef("pk"))
        .annotate(like=Greatest(like("name", NAME), like("description", DESCRIPTION), output_field=FloatField()))
        .order_by("-like")
    )
    return Greatest(
        Coalesce(Subquery(best.values("like")[:1]), Value(0.0)),
        like("user__first_name", FIRST_NAME),
        like("bio", BIO),
        output_field=FloatField(),
    )


def _rank(wanted: Wanted, words: list[str], offered: QuerySet[Service]) -> Any:
    """A text to order by: the number that counts, then the id, so that no two are the same."""
    rating = Coalesce(F("rating_sum") * 100 / Greatest("rating_count", 1), 0)  # 0 to 500
    cheapest = (
        offered.filter(instructor=OuterRef("pk"))
        .order_by()
        .values("instructor")
        .annotate(least=Min("hourly_rate_cents"))
    )
    near = Greatest(Value(0.0), 400.0 - Coalesce(F("distance_km"), Value(NOWHERE)) * 4.0, output_field=FloatField())
    number: dict[str, Any] = {
        RELEVANCE: Round(_relevance(words, offered) * 1000.0) * 1000.0 + near + Cast(rating, FloatField()),
        RATING: rating,
        PRICE: Subquery(cheapest.values("least")),
        DISTANCE: Coalesce(F("distance_km"), Value(NOWHERE)) * 1000.0,
    }
    digits = LPad(Cast(Cast(number[wanted.ordering], IntegerField()), CharField()), 10, Value("0"))
    return Concat(digits, F("pk"), output_field=TextField())


# --- Where and when --------------------------------------------------------------------------------------------------


def _distance_km(wanted: Wanted) -> Any:
    """Over the globe (haversine), from where somebody is to the rough place where lessons are given."""
    if not wanted.is_somewhere:
        return Value(None, FloatField())
    assert wanted.latitude is not None
    assert wanted.longitude is not None
    there, here = Radians(Cast("latitude", FloatField())), radians(wanted.latitude)
    east = Radians(Cast("longitude", FloatField())) - radians(wanted.longitude)
    half = Power(Sin((there - here) / 2.0), 2) + Value(cos(here)) * Cos(there) * Power(Sin(east / 2.0), 2)
    return Func(ASin(Sqrt(half)) * (2 * EARTH_KM), function="", output_field=FloatField())


def _box(wanted: Wanted) -> Q:
    """A box around the circle, for the index. None to the east and west where it would cross the date line or a pole."""
    assert wanted.latitude is not None
    assert wanted.longitude is not None
    assert wanted.within_km is not None
    north = wanted.within_km / KM_A_DEGREE + 0.01
    box = Q(latitude__range=(wanted.latitude - north, wanted.latitude + north))
    east = north / max(cos(radians(min(abs(wanted.latitude) + north, 89.9))), 0.001)
    if abs(wanted.longitude) + east < 180:
        box &= Q(longitude__range=(wanted.longitude - east, wanted.longitude + east))
    return box


def _teaches_on(day: date) -> Q:
    """By hours and exceptions of that date, in the instructor's own zone; lessons booked already are not looked at."""
    weekly = WeeklyHours.objects.filter(instructor=OuterRef("pk"), weekday=day.weekday())
    exceptions = AvailabilityException.objects.filter(instructor=OuterRef("pk"), date=day)
    closed = exceptions.filter(is_available=False, starts=None)
    return (Q(Exists(weekly)) | Q(Exists(exceptions.filter(is_available=True)))) & ~Q(Exists(closed))
