"""What the community's endpoints take: one serializer per body or query string."""

from decimal import Decimal
from math import isfinite
from typing import Any

from rest_framework import serializers

from accounts.fields import EARLIEST, LATEST, CentsField, ReasonField, UlidField
from catalog.models import Modality
from catalog.search import DISTANCE, PRICE, RATING, RELEVANCE
from community.models import LONGEST_MESSAGE, LONGEST_RESPONSE, LONGEST_REVIEW

Input = serializers.Serializer[Any]


class DegreesField(serializers.FloatField):
    """A coordinate; what is no number, or endless, is refused."""

    def to_internal_value(self, value: Any) -> float:
        degrees = super().to_internal_value(value)
        if not isfinite(degrees):
            self.fail("invalid")
        return degrees


LONGEST_QUERY, LONGEST_BIO = 200, 4000
MISSING = object()  # not said, which is not null


class InstructorFilters(Input):
    """What instructors may be narrowed to."""

    modality = serializers.ChoiceField(Modality.choices, default="")
    max_price_cents = CentsField(default=None, help_text="An hour")
    min_rating = serializers.DecimalField(
        max_digits=2, decimal_places=1, min_value=Decimal(1), max_value=Decimal(5), default=None
    )
    day = serializers.DateField(default=None, help_text="Teaches on that date, in their own zone")
    ordering = serializers.ChoiceField((RATING, PRICE), default=RATING)

    def validate_day(self, day: Any) -> Any:
        if day and not EARLIEST.date() <= day <= LATEST.date():
            raise serializers.ValidationError("The year is out of range.")
        return day


class SearchFilters(InstructorFilters):
    """And what they are looked for by. Words are found with slips; every word must be found somewhere."""

    q = serializers.CharField(max_length=LONGEST_QUERY, allow_blank=True, default="")
    lat = DegreesField(min_value=-90, max_value=90, default=None, help_text="Where the caller is, with lng")
    lng = DegreesField(min_value=-180, max_value=180, default=None)
    within_km = serializers.IntegerField(min_value=1, max_value=500, default=None, help_text="Of lat and lng")
    ordering = serializers.ChoiceField((RELEVANCE, RATING, PRICE, DISTANCE), default=RELEVANCE)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        latitude, longitude = attrs.pop("lat"), attrs.pop("lng")
        if (latitude is None) != (longitude is None):
            raise serializers.ValidationError({"lat" if latitude is None else "lng": ["lat and lng come together."]})
        for needs_place in ("within_km", "ordering"):
            if latitude is None and attrs[needs_place] not in (None, RELEVANCE, RATING, PRICE):
                raise serializers.ValidationError({needs_place: ["This needs lat and lng."]})
        return {**attrs, "latitude": latitude, "longitude": longitude}


class ProfileInput(Input):
    """Members that are left out stay as they are; both coordinates null: nowhere in particular."""

    bio = serializers.CharField(max_length=LONGEST_BIO, allow_blank=True, required=False)
    latitude = DegreesField(
        min_value=-90, max_value=90, required=False, allow_null=True, help_text="A hundredth of a degree is kept"
    )
    longitude = DegreesField(min_value=-180, max_value=180, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        latitude, longitude = attrs.pop("latitude", MISSING), attrs.pop("longitude", MISSING)
        together = (latitude is MISSING) == (longitude is MISSING) and (latitude is None) == (longitude is None)
        if not together:
            raise serializers.ValidationError({"latitude": ["latitude and longitude come together."]})
        if latitude is not MISSING:
            attrs |= {"forget_place": True} if latitude is None else {"place": (latitude, longitude)}
        return attrs


class ReviewInput(Input):
    booking_id = UlidField()
    rating = serializers.IntegerField(min_value=1, max_value=5)
    text = serializers.CharField(max_length=LONGEST_REVIEW, allow_blank=True, default="")


class RespondInput(Input):
    text = serializers.CharField(max_length=LONGEST_RESPONSE)


class HideInput(Input):
    reason = ReasonField()


class RedeemInput(Input):
    code = serializers.CharField(max_length=12)


class OpenInput(Input):
    with_id = UlidField(help_text="Whom to write to: an instructor, or the student of a lesson")


class MessageInput(Input):
    text = serializers.CharField(max_length=LONGEST_MESSAGE, help_text="Plain text")


class ReadInput(Input):
    number = serializers.IntegerField(min_value=0, max_value=2_147_483_647, help_text="The last message one has read")
