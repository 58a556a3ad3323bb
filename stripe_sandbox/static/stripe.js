/* The part of Stripe.js that pages use, speaking to the sandbox this script came from. */
(() => {
  "use strict";

  const scriptBase = new URL(document.currentScript.src).origin;

  const TEST_CARDS = [
    ["4242424242424242", "Visa, works"],
    ["5555555555554444", "Mastercard, works"],
    ["4000002500003155", "asks for 3-D Secure until saved"],
    ["4000002760003184", "always asks for 3-D Secure"],
    ["4000000000000002", "declined"],
    ["4000000000009995", "insufficient funds"],
    ["4000000000000341", "saves, then declines"],
  ];

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    .StripeSandbox { display: grid; gap: .75rem; grid-template-columns: 1fr 1fr; font: inherit; }
    .StripeSandbox label { display: grid; gap: .25rem; font-size: .9em; }
    .StripeSandbox .wide { grid-column: 1 / -1; }
    .StripeSandbox input, .StripeSandbox select { font: inherit; padding: .6em; border: 1px solid #8888; border-radius: .4em;
      background: var(--stripe-background, Canvas); color: var(--stripe-text, CanvasText); width: 100%;
      box-sizing: border-box; margin: 0; }
    .StripeSandbox input:focus-visible, .StripeSandbox select:focus-visible { outline: 2px solid var(--stripe-primary, #635bff); }
    .StripeSandbox input[aria-invalid=true] { border-color: #df1b41; }
    .StripeSandbox .p-FieldError { grid-column: 1 / -1; color: #df1b41; margin: 0; min-height: 0; }
    .StripeSandbox .note { grid-column: 1 / -1; font-size: .8em; opacity: .75; margin: 0; }
    dialog.StripeSandboxChallenge { border: 0; border-radius: .75rem; padding: 1.75rem; max-width: 24rem; font: 16px/1.5 system-ui, sans-serif;
      box-shadow: 0 10px 50px #0006; color: #1a1f36; background: #fff; }
    dialog.StripeSandboxChallenge::backdrop { background: #0008; }
    dialog.StripeSandboxChallenge h2 { margin: 0 0 .5rem; font-size: 1.2rem; color: inherit; }
    dialog.StripeSandboxChallenge .actions { display: flex; gap: .75rem; margin-top: 1.25rem; }
    dialog.StripeSandboxChallenge button { font: inherit; padding: .5rem 1.1rem; border-radius: .4rem; border: 1px solid #635bff;
      cursor: pointer; background: #635bff; color: #fff; width: auto; margin: 0; }
    dialog.StripeSandboxChallenge button.plain { background: #fff; color: #1a1f36; }
  `);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

  const make = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };

  const encode = (value, prefix = "", pairs = new URLSearchParams()) => {
    for (const [name, item] of Object.entries(value)) {
      const key = prefix ? `${prefix}[${name}]` : name;
      if (item === undefined || item === null) continue;
      if (typeof item === "object") encode(item, key, pairs);
      else pairs.append(key, String(item));
    }
    return pairs;
  };

  const validation = (code, message) => ({ type: "validation_error", code, message });

  /* ---- elements ------------------------------------------------------- */

  class Emitter {
    constructor() { this.listeners = {}; }
    on(name, listener) { (this.listeners[name] ||= []).push(listener); return this; }
    once(name, listener) {
      const first = (event) => { this.off(name, first); listener(event); };
      return this.on(name, first);
    }
    off(name, listener) {
      this.listeners[name] = listener ? (this.listeners[name] || []).filter((each) => each !== listener) : [];
      return this;
    }
    emit(name, event = {}) { for (const listener of [...(this.listeners[name] || [])]) listener(event); }
  }

  class CardForm extends Emitter {
    constructor(kind, options = {}, appearance = {}) {
      super();
      this.kind = kind;
      this._elementType = kind;
      this.options = options;
      this.appearance = appearance;
      this.root = null;
    }

    mount(target) {
      const place = typeof target === "string" ? document.querySelector(target) : target;
      if (!place) throw new Error(`The selector you specified (${target}) applies to no DOM elements that are currently on the page.`);
      this.unmount();
      this.root = this.build();
      place.replaceChildren(this.root);
      place.classList.add("StripeElement");
      queueMicrotask(() => { this.emit("ready", { elementType: this.kind }); this.emit("loaderstart"); });
    }

    unmount() { if (this.root) this.root.remove(); this.root = null; }
    destroy() { this.unmount(); this.listeners = {}; }
    update(options) { Object.assign(this.options, options); }
    focus() { this.number?.focus(); }
    blur() { document.activeElement?.blur(); }
    collapse() { return this; }
    clear() { for (const input of [this.number, this.expiry, this.cvc]) if (input) input.value = ""; this.changed(); }

    build() {
      const field = (label, properties, wide) => {
        const input = make("input", { type: "text", inputMode: "numeric", required: true, ...properties });
        input.addEventListener("input", () => { input.value = properties.format(input.value); this.changed(); });
        input.addEventListener("focus", () => this.emit("focus", { elementType: this.kind }));
        input.addEventListener("blur", () => this.emit("blur", { elementType: this.kind }));
        return [input, make("label", { className: wide ? "wide" : "" }, label, input)];
      };
      const digits = (text, most) => text.replace(/\D/g, "").slice(0, most);
      let number, expiry, cvc;
      [this.number, number] = field("Card number", {
        name: "number", autocomplete: "cc-number", placeholder: "1234 1234 1234 1234",
        format: (text) => digits(text, 16).replace(/(.{4})(?=.)/g, "$1 "),
      }, true);
      [this.expiry, expiry] = field("Expiration date", {
        name: "expiry", autocomplete: "cc-exp", placeholder: "MM / YY",
        format: (text) => digits(text, 4).replace(/^(..)(?=.)/, "$1 / "),
      });
      [this.cvc, cvc] = field("Security code", {
        name: "cvc", autocomplete: "cc-csc", placeholder: "CVC", format: (text) => digits(text, 4),
      });
      const picker = make("select", {}, make("option", { value: "" }, "Choose one to fill it in"),
        ...TEST_CARDS.map(([value, what]) => make("option", { value }, `${value.slice(-4)}: ${what}`)));
      picker.addEventListener("change", () => {
        if (!picker.value) return;
        this.number.value = picker.value.replace(/(.{4})(?=.)/g, "$1 ");
        this.expiry.value = "12 / 34";
        this.cvc.value = "123";
        this.changed();
      });
      this.problem = make("p", { className: "p-FieldError" });
      this.problem.setAttribute("role", "alert");
      const root = make("div", { className: "StripeSandbox" }, number, expiry, cvc,
        make("label", { className: "wide" }, "Test card", picker), this.problem,
        make("p", { className: "note" }, "Sandbox: no real card is needed, and none must be entered."));
      const variables = this.appearance.variables || {};
      for (const [name, value] of [["primary", variables.colorPrimary], ["background", variables.colorBackground], ["text", variables.colorText]]) {
        if (value) root.style.setProperty(`--stripe-${name}`, value);
      }
      return root;
    }

    fault() {
      if (!this.root) return validation("element_not_mounted", "The element is not mounted.");
      if (this.number.value.replace(/\D/g, "").length < 14) return validation("incomplete_number", "Your card number is incomplete.");
      if (this.expiry.value.replace(/\D/g, "").length < 4) return validation("incomplete_expiry", "Your card's expiration date is incomplete.");
      if (this.cvc.value.length < 3) return validation("incomplete_cvc", "Your card's security code is incomplete.");
      return null;
    }

    changed() {
      const empty = !this.number.value && !this.expiry.value && !this.cvc.value;
      this.show(null);
      this.emit("change", { elementType: this.kind, empty, complete: !this.fault(), value: { type: "card" }, error: undefined });
    }

    show(error) {
      if (!this.root) return;
      this.problem.textContent = error ? error.message : "";
      const blame = { number: this.number, expiry: this.expiry, cvc: this.cvc };
      for (const [name, input] of Object.entries(blame)) {
        const wrong = Boolean(error && (error.code || "").includes(name));
        input.setAttribute("aria-invalid", String(wrong));
        if (wrong) input.focus();
      }
    }

    data(billingDetails) {
      const [month, year] = this.expiry.value.split("/").map((part) => part.trim());
      return {
        type: "card",
        card: { number: this.number.value.replace(/\D/g, ""), exp_month: Number(month), exp_year: 2000 + Number(year), cvc: this.cvc.value },
        billing_details: billingDetails || undefined,
      };
    }
  }

  class Elements extends Emitter {
    constructor(options = {}) { super(); this.options = options; this.made = {}; }
    get clientSecret() { return this.options.clientSecret; }
    create(kind, options) {
      if (!["payment", "card"].includes(kind)) throw new Error(`The sandbox has no element '${kind}'; it has payment and card.`);
      if (this.made[kind]) throw new Error(`Can only create one Element of type ${kind}.`);
      return (this.made[kind] = new CardForm(kind, options, this.options.appearance || {}));
    }
    getElement(kind) { return this.made[typeof kind === "string" ? kind : "payment"] || null; }
    update(options) { Object.assign(this.options, options); }
    async fetchUpdates() { return {}; }
    get form() { return this.made.payment || this.made.card || null; }
    async submit() {
      const error = this.form ? this.form.fault() : validation("element_not_mounted", "There is no payment element.");
      this.form?.show(error);
      return error ? { error } : { selectedPaymentMethod: "card" };
    }
  }

  /* ---- 3-D Secure ----------------------------------------------------- */

  const challenge = (intent) => new Promise((resolve) => {
    const amount = intent.object === "payment_intent"
      ? `the payment of ${(intent.amount / 100).toFixed(2)} ${intent.currency.toUpperCase()}` : "saving this card";
    const title = make("h2", { id: "stripe-sandbox-challenge" }, "3-D Secure");
    const complete = make("button", { type: "button", value: "succeed" }, "Complete");
    const fail = make("button", { type: "button", value: "fail", className: "plain" }, "Fail");
    const dialog = make("dialog", { className: "StripeSandboxChallenge" }, title,
      make("p", {}, `Your bank asks you to confirm ${amount}. (Sandbox)`),
      make("div", { className: "actions" }, complete, fail));
    dialog.setAttribute("aria-labelledby", title.id);
    const close = (result) => { dialog.close(); dialog.remove(); resolve(result); };
    complete.addEventListener("click", () => close("succeed"));
    fail.addEventListener("click", () => close("fail"));
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); close("fail"); });
    document.body.append(dialog);
    dialog.showModal();
    complete.focus();
  });

  /* ---- the Stripe object ---------------------------------------------- */

  class StripeSandbox {
    constructor(key, options = {}) {
      if (typeof key !== "string" || !key.startsWith("pk_test_")) {
        throw new Error("Please call Stripe() with your publishable key. It starts with pk_test_ here.");
      }
      this.key = key;
      this.base = (options.apiBase || scriptBase).replace(/\/$/, "");
    }

    elements(options) { return new Elements(options); }

    async request(method, path, params = {}) {
      const form = encode({ ...params, key: this.key });
      const url = method === "GET" ? `${this.base}${path}?${form}` : `${this.base}${path}`;
      let answer;
      try {
        answer = await fetch(url, { method, body: method === "GET" ? undefined : form });
        answer = await answer.json();
      } catch {
        return { error: { type: "api_connection_error", message: "An error occurred with our connection to Stripe. Please try again." } };
      }
      return answer.error ? { error: answer.error } : { intent: answer };
    }

    path(secret) {
      const id = secret.split("_secret_")[0];
      return id.startsWith("seti_") ? `/v1/setup_intents/${id}` : `/v1/payment_intents/${id}`;
    }

    result(answer) {
      if (answer.error) return { error: answer.error };
      return answer.intent.object === "setup_intent" ? { setupIntent: answer.intent } : { paymentIntent: answer.intent };
    }

    async retrieve(secret) { return this.request("GET", this.path(secret), { client_secret: secret }); }
    async retrievePaymentIntent(secret) { return this.result(await this.retrieve(secret)); }
    async retrieveSetupIntent(secret) { return this.result(await this.retrieve(secret)); }

    async createPaymentMethod({ elements, type, card, billing_details: billing, params } = {}) {
      const form = elements ? elements.form : card;
      if (!(form instanceof CardForm)) return { error: validation("missing_element", "There is no card or payment element.") };
      const fault = form.fault();
      form.show(fault);
      if (fault) return { error: fault };
      const answer = await this.request("POST", "/v1/payment_methods", form.data(billing || params?.billing_details));
      form.show(answer.error || null);
      return answer.error ? { error: answer.error } : { paymentMethod: answer.intent };
    }

    async act(answer) {
      if (answer.error || answer.intent.status !== "requires_action") return answer;
      const { intent } = answer;
      if (intent.next_action.type === "redirect_to_url") {
        window.location.assign(intent.next_action.redirect_to_url.url);
        return new Promise(() => {});
      }
      const result = await challenge(intent);
      const url = `${this.base}/_sandbox/3ds/${intent.id}?client_secret=${encodeURIComponent(intent.client_secret)}`;
      try {
        const done = await fetch(url, { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams({ result }) });
        const after = await done.json();
        const error = after.last_payment_error || after.last_setup_error;
        if (after.status === "requires_payment_method") {
          return { error: { ...error, [after.object]: after } };
        }
        return { intent: after };
      } catch {
        return { error: { type: "api_connection_error", message: "The connection was lost during 3-D Secure. Please try again." } };
      }
    }

    async confirm(secret, params, { form = null, handleActions = true } = {}) {
      const fields = { ...params, client_secret: secret, use_stripe_sdk: true };
      const answer = await this.request("POST", `${this.path(secret)}/confirm`, fields);
      const done = handleActions ? await this.act(answer) : answer;
      form?.show(done.error || null);
      return done;
    }

    async confirmWithElements({ elements, clientSecret, confirmParams = {}, redirect = "always" }) {
      const secret = clientSecret || elements?.clientSecret;
      if (!secret) throw new Error("There is no clientSecret: pass it to elements() or to this call.");
      if (redirect !== "if_required" && !confirmParams.return_url) {
        return { error: validation("missing_return_url", "confirmParams.return_url is needed unless redirect is 'if_required'.") };
      }
      const { payment_method_data: data, ...rest } = confirmParams;
      const params = { ...rest };
      const form = elements?.form || null;
      if (!params.payment_method) {
        const checked = elements ? await elements.submit() : { error: validation("missing_element", "There is no payment element.") };
        if (checked.error) return { error: checked.error };
        const made = await this.createPaymentMethod({ elements, billing_details: data?.billing_details });
        if (made.error) return { error: made.error };
        params.payment_method = made.paymentMethod.id;
      }
      const result = this.result(await this.confirm(secret, params, { form }));
      if (result.error || redirect === "if_required") return result;
      const intent = result.setupIntent || result.paymentIntent;
      const url = new URL(confirmParams.return_url, window.location.href);
      url.searchParams.set(intent.object, intent.id);
      url.searchParams.set(`${intent.object}_client_secret`, intent.client_secret);
      url.searchParams.set("redirect_status", "succeeded");
      window.location.assign(url);
      return new Promise(() => {});
    }

    confirmSetup(options) { return this.confirmWithElements(options); }
    confirmPayment(options) { return this.confirmWithElements(options); }

    async confirmCard(secret, data = {}, options = {}) {
      const { payment_method: method, ...rest } = data;
      if (typeof method === "object" && method) {
        const made = await this.createPaymentMethod({ card: method.card, billing_details: method.billing_details });
        if (made.error) return { error: made.error };
        return this.result(await this.confirm(secret, { ...rest, payment_method: made.paymentMethod.id }, { ...options, form: method.card }));
      }
      return this.result(await this.confirm(secret, { ...rest, payment_method: method }, options));
    }

    confirmCardSetup(secret, data, options) { return this.confirmCard(secret, data, options); }
    confirmCardPayment(secret, data, options) { return this.confirmCard(secret, data, options); }

    async handleNextAction({ clientSecret }) { return this.result(await this.act(await this.retrieve(clientSecret))); }
    async handleCardAction(clientSecret) { return this.handleNextAction({ clientSecret }); }

    registerAppInfo() {}
  }

  window.Stripe = (key, options) => new StripeSandbox(key, options);
  window.Stripe.version = "sandbox";
})();
