"""Who does something, and through which door: every operation and every event names both."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    STUDENT = "student"
    INSTRUCTOR = "instructor"
    STAFF = "staff"
    SYSTEM = "system"
    STRIPE = "stripe"


class Door(StrEnum):
    API = "api"
    PAGE = "page"
    ADMIN = "admin"
    JOB = "job"
    WEBHOOK = "webhook"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone acting: a person by user id and role, or the system itself (`id` empty)."""

    role: Role
    id: str = ""
    door: Door = Door.API

    def __str__(self) -> str:
        return f"{self.role}:{self.id}" if self.id else str(self.role)


def job(name: str = "") -> Actor:
    """The system acting by a job."""
    return Actor(Role.SYSTEM, name, Door.JOB)


STRIPE = Actor(Role.STRIPE, "", Door.WEBHOOK)
