"""The pages of finance, and the ledger as a CSV file that is streamed."""

import csv
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from bookings.models import RateChange, rates_at
from common import clock
from support import money as books
from support.actions.action import MONEY

from .base import drawn, page


@page()
def ledger(request: HttpRequest) -> HttpResponseBase:
    """Lines of an account and period with running balances; `csv=1`: the same as a file."""
    given = {name: request.GET.get(name, "") for name in ("account", "since", "until")}
    period = books.period_of(given)
    if request.GET.get("csv"):
        return _file(period)
    number = request.GET.get("from", "")
    after = int(number) if number.isascii() and number.isdigit() and len(number) < 8 else 0
    lines, opening, more = books.page_of_lines(period, after)
    return drawn(
        request,
        "ledger.html",
        "Ledger",
        lines=lines,
        opening=opening,
        given=given,
        accounts=books.accounts(),
        file=f"?{urlencode({**given, 'csv': 1})}",
        next_page=f"?{urlencode({**given, 'from': after + books.PAGE})}" if more else "",
    )


class _Echo:
    """What csv writes a row to: it hands the row back."""

    def write(self, row: str) -> str:
        return row


def _file(period: books.Period) -> StreamingHttpResponse:
    writer = csv.writer(_Echo())
    rows = (writer.writerow([_harmless(cell) for cell in line]) for line in books.csv_lines(period))
    answer = StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="ledger.csv"'
    return answer


def _harmless(cell: object) -> object:
    """A text that a spreadsheet would take for a formula is quoted; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


@page()
def overview(request: HttpRequest) -> HttpResponse:
    """Balances, credits owed by expiry, reconciliation and its differences, payouts."""
    runs, differences = books.reconciliation()
    return drawn(
        request,
        "money.html",
        "Money",
        accounts=[row for row in books.accounts() if not row["account"].startswith("stripe:acct_")],
        owed=books.credits_owed(),
        runs=runs,
        differences=differences,
        payouts=books.payouts(),
    )


@page()
def rates(request: HttpRequest) -> HttpResponse:
    """The rates that hold, those to come, and their history."""
    now = clock.now()
    return drawn(
        request,
        "rates.html",
        "Rates",
        now=now,
        current=rates_at(now),
        history=RateChange.objects.select_related("made_by").order_by("-effective_from")[:100],
        may_act=request.user.has_perm(MONEY),
    )
