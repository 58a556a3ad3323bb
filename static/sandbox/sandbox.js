// Says that the clock is turning, and keeps it from being turned twice. The page works without it.
for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", (event) => {
    if (form.classList.contains("turning")) {
      event.preventDefault();
      return;
    }
    form.classList.add("turning");
    form.querySelector(".busy").textContent = form.dataset.busy;
  });
}
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form.turning").forEach((form) => form.classList.remove("turning"));
});
