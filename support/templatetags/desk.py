"""How the desk's pages say money, kinds and spans of time."""

from datetime import timedelta

from django import template

from common.money import dollars

register = template.Library()


@register.filter
def money(cents: int | None) -> str:
    """Cents as dollars; nothing for nothing."""
    return "" if cents is None else dollars(int(cents))


@register.filter
def words(name: str) -> str:
    """A stored name as a person reads it: `no_show_disputed` is `No show disputed`."""
    return str(name).replace("_", " ").replace("-", " ").capitalize()


@register.filter
def span(time: timedelta | None) -> str:
    """How long, in the two largest units: `3 d 4 h`."""
    if time is None:
        return ""
    minutes = max(0, int(time.total_seconds() // 60))
    days, hours, left = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {left} min" if hours else f"{left} min"


@register.filter
def amounts(event_amounts: dict[str, int]) -> str:
    """The amounts of an event that are not zero."""
    return ", ".join(
        f"{name.removesuffix('_cents').replace('_', ' ')} {dollars(cents)}"
        for name, cents in event_amounts.items()
        if cents
    )


@register.filter
def pairs(values: dict[str, object]) -> str:
    """Details in a line."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items() if value not in ("", None))


@register.filter
def stripe(stripe_id: str) -> str:
    """A Stripe id, linked to its dashboard where there is one."""
    from accounts.admin import at_stripe  # the admin is loaded after the libraries of templates

    return at_stripe(stripe_id)
