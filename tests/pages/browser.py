"""A real browser, looking at pages: what is wrong for people who cannot see or use a mouse, what does not fit."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
AXE = Path(__file__).parents[1] / "vendor" / "axe-4.14.1.min.js"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
PHONE, DESK = {"width": 360, "height": 780}, {"width": 1280, "height": 900}
RUN_AXE = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
    .map((found) => `${found.id}: ${found.help}: ${found.nodes.map((node) => node.target.join(" ")).join(", ")}`)"""
SMALL = """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, summary")].filter((node) => {
    const box = node.getBoundingClientRect();
    const inText = node.tagName === "A" && node.closest("p, li, dd, td, .help, .error");
    const label = node.closest("label"), area = label ? label.getBoundingClientRect() : box;
    const shown = node.checkVisibility() && box.width > 2 && !node.classList.contains("skip");
    return shown && !inText && Math.max(box.height, area.height) < 43.5;
}).map((node) => `${node.tagName} ${node.textContent.trim().slice(0, 30)} ${node.name || ""}`)"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Playwright keeps an event loop running beside us; Django is told that its calls here are still made one by one."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            yield browser
            browser.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def troubles(page: Page) -> list[str]:
    """What is wrong with the page as it is shown now."""
    found: list[Any] = []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if too_wide > 0:
        found.append(f"{too_wide} px wider than a phone")
    found += [f"too small to touch: {one}" for one in page.evaluate(SMALL)]
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found += page.evaluate(RUN_AXE)
    return [f"{page.url}: {one}" for one in found]
