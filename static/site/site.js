/* The little that pages do beyond HTML. Everything works without it. */
(() => {
  "use strict";

  // A visitor's own zone, so that the first page they come back to shows their times.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.includes("zone=")) {
    document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax`;
  }

  for (const field of document.querySelectorAll("[data-zone]")) if (zone) field.value = zone;

  // A form is sent once: its button says that it is on its way. Coming back with the browser's button makes it ready again.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    const button = event.submitter;
    if (button) button.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
  });

  // The menu closes with Escape and when something else is chosen.
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.me[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });
  document.addEventListener("click", (event) => {
    const menu = document.querySelector("details.me[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });
})();
