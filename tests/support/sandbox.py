"""The Stripe sandbox of one pytest process, spoken to over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from .processes import running

Answer = dict[str, Any]


class Sandbox:
    """The sandbox's controls under /_sandbox/; what the site does goes through the Stripe API like everywhere."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._http = httpx.Client(base_url=base, timeout=30, trust_env=False)

    def reset(self) -> None:
        """Forget everything: objects, faults, webhook endpoints, the moved clock."""
        self.control("POST", "reset")

    def control(self, verb: str, path: str, /, **body: Any) -> Answer:
        """Call a control, for example `control("POST", "faults", method="POST", path="/v1/refunds", kind="500")`."""
        response = self._http.request(verb, f"/_sandbox/{path}", json=body if verb == "POST" else None)
        response.raise_for_status()
        answer: Answer = response.json()
        return answer

    def close(self) -> None:
        self._http.close()


@contextmanager
def running_sandbox(home: Path, port: int) -> Iterator[Sandbox]:
    """A sandbox process with its state in the home folder."""
    from instainstru import settings
    from instainstru.run.site import Site

    base = f"http://127.0.0.1:{port}"
    with running([Site(settings, None).sandbox_part()], until=f"{base}/_sandbox/clock"):
        sandbox = Sandbox(base)
        yield sandbox
        sandbox.close()
