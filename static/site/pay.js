/* Stripe's own card form, and the bank's question (3-D Secure). Card numbers go to Stripe only, never to us. */
(() => {
  "use strict";

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const appearance = () => ({
    theme: matchMedia("(prefers-color-scheme: dark)").matches ? "night" : "stripe",
    variables: { colorPrimary: colour("--brand"), colorBackground: colour("--sheet"), colorText: colour("--ink"), colorDanger: colour("--bad"), borderRadius: "9px" },
  });

  const place = document.querySelector("[data-card-form]");
  if (place && window.Stripe) cardForm(place);
  const question = document.querySelector("[data-confirm]");
  if (question && window.Stripe) askTheBank(question);

  function cardForm(place) {
    const form = place.closest("form");
    const stripe = window.Stripe(place.dataset.key);
    const elements = stripe.elements({ mode: "setup", currency: "usd", paymentMethodTypes: ["card"], appearance: appearance() });
    const error = document.getElementById("id_card_error");
    let mounted = false;

    const isNew = () => form.elements.card.value === "new";
    const show = () => {
      place.hidden = !isNew();
      if (isNew() && !mounted) {
        elements.create("payment").mount("#card-element");
        mounted = true;
      }
    };
    for (const radio of form.elements.card instanceof RadioNodeList ? form.elements.card : [form.elements.card]) {
      radio.addEventListener("change", show);
    }
    show();

    form.addEventListener("submit", async (event) => {
      if (!isNew() || form.elements.new_card.value) return;
      event.preventDefault();
      const button = event.submitter;
      button.setAttribute("aria-busy", "true");
      button.disabled = true;
      error.textContent = "";
      const trouble = await save();
      button.disabled = false;
      button.removeAttribute("aria-busy");
      if (trouble) {
        error.textContent = trouble;
        return;
      }
      form.requestSubmit(button);
    });

    async function save() {
      const checked = await elements.submit();
      if (checked.error) return checked.error.message;
      let answer;
      try {
        answer = await fetch(place.dataset.setup, { method: "POST", headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value } });
      } catch {
        return "The connection was lost. Nothing was charged. Try again.";
      }
      if (answer.status === 401) {
        form.elements.card.value = "new";
        form.elements.new_card.value = "pm_signed_out";
        return null;
      }
      if (!answer.ok) return "Our payment partner does not answer right now. Nothing was charged. Try again in a moment.";
      const { client_secret: clientSecret } = await answer.json();
      const result = await stripe.confirmSetup({ elements, clientSecret, confirmParams: { return_url: location.href }, redirect: "if_required" });
      if (result.error) return result.error.message || "The card could not be saved.";
      const method = result.setupIntent.payment_method;
      form.elements.new_card.value = typeof method === "string" ? method : method.id;
      return null;
    }
  }

  function askTheBank(form) {
    const stripe = window.Stripe(form.dataset.key);
    const error = document.getElementById("confirm-error");
    let done = false;
    form.addEventListener("submit", async (event) => {
      if (done) return;
      event.preventDefault();
      const button = event.submitter;
      button.setAttribute("aria-busy", "true");
      await stripe.handleNextAction({ clientSecret: form.dataset.secret });
      button.removeAttribute("aria-busy");
      error.textContent = "";
      done = true; // whatever the browser was told: the site reads the answer back from Stripe
      form.requestSubmit(button);
    });
    form.requestSubmit(form.querySelector("button"));
  }
})();
