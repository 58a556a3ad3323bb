"""What people say about themselves: their name, and the zone in which they read times."""

from zoneinfo import available_timezones

from common.problems import Invalid

from .models import User


def change_details(*, user: User, first_name: str, last_name: str, timezone: str) -> User:
    """Change somebody's name and zone. Lessons keep their instants. Raises Invalid with errors by field."""
    errors = {}
    if not 1 <= len(first_name.strip()) <= 80:
        errors["first_name"] = ["From 1 to 80 characters."]
    if len(last_name.strip()) > 80:
        errors["last_name"] = ["At most 80 characters."]
    if timezone not in available_timezones():
        errors["timezone"] = ["Use an IANA time zone such as America/New_York."]
    if errors:
        raise Invalid(f"Wrong or missing: {', '.join(errors)}.", errors=errors)
    user.first_name, user.last_name, user.timezone = first_name.strip(), last_name.strip(), timezone
    user.save(update_fields=["first_name", "last_name", "timezone"])
    return user
