"""The sandbox's few pages as text."""

from html import escape
from typing import Any

from stripe_sandbox.shapes import money
from stripe_sandbox.types import Doc

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; background: light-dark(#f6f8fa, #14171a); color: light-dark(#1a1f36, #e6e8ee); }
main { max-width: 30rem; margin: 3rem auto; padding: 2rem; border-radius: .75rem;
  background: light-dark(#fff, #1f2429); box-shadow: 0 2px 12px #0002; }
h1 { font-size: 1.4rem; margin-top: 0; }
.badge { display: inline-block; background: #635bff; color: #fff; border-radius: 1rem; padding: 0 .7rem;
  font-size: .8rem; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input:not([type=checkbox]) { width: 100%; box-sizing: border-box; padding: .6rem; font: inherit; border-radius: .4rem;
  border: 1px solid #8889; background: transparent; color: inherit; }
.check { display: flex; gap: .5rem; align-items: baseline; font-weight: 400; }
.wrong { color: light-dark(#b3093c, #ff8aa8); margin: .25rem 0 0; }
.actions { display: flex; gap: .75rem; margin-top: 1.5rem; flex-wrap: wrap; }
button { font: inherit; padding: .6rem 1.2rem; border-radius: .4rem; border: 1px solid #635bff; cursor: pointer;
  background: #635bff; color: #fff; }
button.plain { background: transparent; color: inherit; }
button:focus-visible, input:focus-visible { outline: 3px solid #635bff88; outline-offset: 2px; }
table { width: 100%; border-collapse: collapse; }
td, th { text-align: left; padding: .3rem; border-bottom: 1px solid #8883; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
"""


def page(title: str, body: str) -> str:
    """A whole page."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{_STYLE}</style></head><body><main><span class="badge">Sandbox</span>{body}</main></body></html>'
    )


def message(text: str) -> str:
    """A page that says one thing."""
    return page("Sandbox", f"<h1>{escape(text)}</h1>")


def onboarding(account: Doc, form: dict[str, str], wrong: dict[str, str] | None = None) -> str:
    """The onboarding form, with what was saved or entered, and what is wrong with it."""
    wrong = wrong or {}
    person = account.get("individual") or {}
    saved = {**{name: person.get(name) or "" for name in ("first_name", "last_name")}, "account_number": "000123456789"}
    values = {**saved, **form}

    def field(name: str, label: str, more: str = "") -> str:
        bad = name in wrong
        described = f' aria-invalid="true" aria-describedby="{name}_wrong"' if bad else ""
        return (
            f'<label for="{name}">{label}</label><input id="{name}" name="{name}" value="{escape(values[name])}" '
            f"{more}{described}>" + _wrong(name, wrong)
        )

    return page(
        "Get paid",
        f"<h1>Get paid with {escape(account['email'] or 'your account')}</h1>"
        "<p>This stands for Stripe's own onboarding. Any names will do.</p>"
        '<form method="post">'
        + field("first_name", "First name", 'autocomplete="given-name"')
        + field("last_name", "Last name", 'autocomplete="family-name"')
        + field("account_number", "Bank account number", 'inputmode="numeric"')
        + '<label class="check"><input type="checkbox" name="instant" value="1" checked> The bank takes instant payouts'
        '</label><label class="check"><input type="checkbox" name="agree" value="1" checked> I agree to the terms'
        f"</label>{_wrong('agree', wrong)}"
        '<div class="actions"><button name="action" value="submit">Agree and submit</button>'
        '<button name="action" value="later" class="plain">Save for later</button></div></form>',
    )


def _wrong(name: str, wrong: dict[str, str]) -> str:
    return f'<p class="wrong" id="{name}_wrong">{escape(wrong[name])}</p>' if name in wrong else ""


def challenge(intent: Doc) -> str:
    """The 3-D Secure page of the cardholder's bank."""
    if intent["object"] == "setup_intent":
        what = "Your bank wants to know that it is you who saves this card."
    else:
        what = f"Your bank wants to know that it is you who pays {money(intent['amount'], intent['currency'])}."
    return page(
        "3-D Secure",
        f'<h1>3-D Secure</h1><p>{escape(what)}</p><form method="post"><div class="actions">'
        '<button name="result" value="succeed">Complete</button>'
        '<button name="result" value="fail" class="plain">Fail</button></div></form>',
    )


def express(account: Doc, balance: Doc, transactions: list[tuple[Any, ...]]) -> str:
    """An Express account's own page."""
    rows = "".join(
        f'<tr><td>{escape(type)}<td>{escape(status)}<td class="n">{money(amount, currency)}'
        f'<td class="n">{money(net, currency)}'
        for type, amount, net, currency, status in transactions
    )
    balances = ", ".join(
        f"{money(entry['amount'], entry['currency'])} {side}"
        for side in ("available", "pending")
        for entry in balance[side]
    )
    return page(
        "Express account",
        f"<h1>{escape(account['email'] or account['id'])}</h1><p>{escape(balances)}</p>"
        f'<table><tr><th>What<th>Status<th class="n">Amount<th class="n">Net</tr>{rows}</table>',
    )


def receipt(charge: Doc) -> str:
    """The receipt of a charge."""
    paid = money(charge["amount_captured"], charge["currency"])
    back = charge["amount_captured"] - (charge["amount"] - charge["amount_refunded"])
    refunded = f"<p>{money(back, charge['currency'])} refunded</p>" if back > 0 else ""
    return page("Receipt", f"<h1>Receipt</h1><p>{paid} paid</p>{refunded}<p>{escape(charge['id'])}</p>")
