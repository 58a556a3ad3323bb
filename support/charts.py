"""Charts drawn here as SVG: no script, no style, readable by a screen reader. Two tones, never colour alone."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT, FOOT = 320, 70, 16


def bars(title: str, values: Sequence[float], *, first: str, last: str) -> SafeString:
    """A bar for every value; the largest is written, and what is first and last stands below."""
    most = max(values, default=0)
    step = WIDTH / max(1, len(values))
    drawn = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>',
        (
            (
                f"{number * step:.1f}",
                f"{HEIGHT - _height(value, most):.1f}",
                f"{step * 0.8:.1f}",
                f"{_height(value, most):.1f}",
                f"{value:g}",
            )
            for number, value in enumerate(values)
        ),
    )
    return format_html(
        '<figure class="desk-chart"><figcaption>{}: {} in all, at most {}</figcaption>'
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}: {} in all, at most {} at once">'
        '<line x1="0" y1="{}" x2="{}" y2="{}"/>{}'
        '<text x="0" y="{}">{}</text><text x="{}" y="{}" text-anchor="end">{}</text></svg></figure>',
        *(title, f"{sum(values):g}", f"{most:g}"),
        *(WIDTH, HEIGHT + FOOT, title, f"{sum(values):g}", f"{most:g}"),
        *(HEIGHT, WIDTH, HEIGHT, drawn, HEIGHT + FOOT - 3, first, WIDTH, HEIGHT + FOOT - 3, last),
    )


def _height(value: float, most: float) -> float:
    return (HEIGHT - 4) * value / most if most else 0.0
