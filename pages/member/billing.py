"""Cards: which are saved, which is charged when none is chosen, forgetting one, saving one."""

from typing import Any

from common.actors import Role
from pages.door import Act, FormPage, to
from pages.lessons.cards import NEW, CardInput, saved_cards, stripe_form
from payments import cards


class Billing(FormPage):
    """Saved cards; the form saves a new one."""

    template, title, form = "pages/member/billing.html", "Billing", CardInput
    roles = (Role.STUDENT,)
    done_words = "The card is saved."

    def content(self, **path: Any) -> dict[str, Any]:
        return {"cards": saved_cards(self.user), "chosen_card": NEW, "new": NEW, **stripe_form()}

    def operate(self, *, card: str, new_card: str) -> object:
        return cards.save_card(user=self.user, payment_method_id=new_card or card)

    def done_url(self, result: object) -> str:
        return to("billing")


class CardAct(Act):
    """A button beside a saved card."""

    roles = (Role.STUDENT,)

    def instead_url(self, **path: Any) -> str:
        return to("billing")

    def done_url(self, result: object) -> str:
        return to("billing")


class UseCard(CardAct):
    """Charge this card when none is chosen."""

    done_words = "This card is used from now on."

    def operate(self, *, method_id: str) -> object:
        return cards.make_default(user=self.user, method_id=method_id)


class ForgetCard(CardAct):
    """Forget a saved card."""

    done_words = "The card is forgotten."

    def operate(self, *, method_id: str) -> None:
        cards.remove_card(user=self.user, method_id=method_id)
