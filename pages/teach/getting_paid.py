"""Get paid: Stripe's onboarding, resumable, and what it says of the account."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from common.actors import Role
from pages.door import Act, FormPage, Page, to
from pages.forms import Nothing
from payments import connect
from payments.models import ConnectAccount


class GetPaid(FormPage):
    """Where payouts stand; the button leads to Stripe, or on from where one stopped."""

    template, title, form = "pages/teach/get_paid.html", "Get paid", Nothing
    roles = (Role.INSTRUCTOR,)

    def content(self, **path: Any) -> dict[str, Any]:
        account = ConnectAccount.objects.filter(instructor=self.user).first()
        return {"account": account, "begun": bool(account and account.stripe_account_id)}

    def operate(self) -> str:
        back = f"{settings.SITE_URL}{to('back_from_stripe')}"
        again = f"{settings.SITE_URL}{to('get_paid')}"
        return connect.start_onboarding(instructor=self.user, return_url=back, refresh_url=again)

    def done_url(self, result: str) -> str:
        return result


class BackFromStripe(Page):
    """Stripe sends the instructor here: the account is read, and they go on."""

    roles = (Role.INSTRUCTOR,)

    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        account = connect.read_account(instructor=self.user)
        if account.charges_enabled and account.payouts_enabled:
            messages.success(request, "Stripe knows you now. You can be paid.")
            return HttpResponseRedirect(to("dashboard"))
        messages.info(request, "Stripe still needs something, or is still looking. Come back here any time.")
        return HttpResponseRedirect(to("get_paid"))


class StripeDashboard(Act):
    """The instructor's own pages at Stripe."""

    roles = (Role.INSTRUCTOR,)

    def instead_url(self) -> str:
        return to("get_paid")

    def operate(self) -> str:
        return connect.dashboard_url(instructor=self.user)

    def done_url(self, result: str) -> str:
        return result
