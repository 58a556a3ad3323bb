"""Runs the application under uvicorn."""

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from stripe_sandbox.app import Application
from stripe_sandbox.config import Config


class Protocol(HttpToolsProtocol):
    """HTTP, with a way to close a connection without an answer."""

    def on_message_begin(self) -> None:
        """Give the application the means to hang up."""
        super().on_message_begin()
        self.scope["state"]["hang_up"] = self.transport.abort


def serve(config: Config, log_level: str = "warning") -> None:
    """Serve until SIGINT or SIGTERM."""
    settings = uvicorn.Config(
        Application(config),
        host=config.host,
        port=config.port,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_level=log_level,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
        backlog=2048,
    )
    uvicorn.Server(settings).run()
