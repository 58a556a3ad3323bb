"""Are the ports free? Asked before anything is started, so that the answer is one line."""

import errno
import socket

from .refusal import Refusal


def refuse_taken(address: str, ports: dict[str, int]) -> None:
    """Raise Refusal when one of the ports (by the name of its setting) cannot be listened on, or two are the same."""
    if len(set(ports.values())) < len(ports):
        raise Refusal(f"{' and '.join(ports)} must differ.")
    for name, port in ports.items():
        reason = _why_not(address, port)
        if reason:
            raise Refusal(f"{name} {port} {reason}. Choose another: make run {name}={_suggestion(port)}")


def _why_not(address: str, port: int) -> str | None:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(1)
    except socket.gaierror:
        raise Refusal(f"BIND={address} is not an address of this machine.") from None
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise Refusal(f"BIND={address} is not an address of this machine.") from None
        if error.errno == errno.EACCES:
            return "needs the rights of root"
        return "is in use by another program"
    return None


def _suggestion(port: int) -> int:
    return port + 10 if 1024 <= port <= 65_000 else 8010
