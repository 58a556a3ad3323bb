"""One good request for every endpoint under `auth/`."""

from typing import Any

from allauth.usersessions.models import UserSession

from accounts.account_mail import AccountMail
from accounts.second_factor import code_now
from sandbox_mode import people
from sandbox_mode.people import PASSWORD

from .requests import Sent, nothing, row
from .world import World

NEW = {"email": "nora@example.com", "password": "a-long-one-7", "first_name": "Nora", "role": "student"}
MOVED = "moved@example.com"


def asked(world: World, by: str, path: str, /, **body: Any) -> Any:
    """What another endpoint answers that has to be asked before."""
    return world.client(by).post(f"/api/v1/auth/{path}", body, format="json").json()


def code_for(address: str) -> str:
    """The code in the latest mail to somebody."""
    return AccountMail.objects.filter(to=address).latest("created_at", "id").code


row("GET auth/me", "GET auth/sessions", "DELETE auth/sessions", "DELETE auth/session", "GET auth/authenticators")(
    nothing
)
row("GET auth/authenticators/totp")(nothing)
row("POST auth/signup")(lambda world: Sent(body=dict(NEW)))
row("POST auth/token")(lambda world: Sent(body={"email": world.student.user.email, "password": PASSWORD}))
row("POST auth/reauthenticate")(lambda world: Sent(body={"password": PASSWORD}))
row("POST auth/password/request")(lambda world: Sent(body={"email": world.student.user.email}))
row("POST auth/password/change")(lambda w: Sent(body={"current_password": PASSWORD, "new_password": "a-long-one-7"}))


@row("POST auth/token/refresh")
def refresh(world: World) -> Sent:
    tokens = asked(world, "anonymous", "token", email=world.student.user.email, password=PASSWORD)
    return Sent(body={"refresh": tokens["refresh"]})


@row("POST auth/email/verify")
def verify(world: World) -> Sent:
    begun = asked(world, "anonymous", "signup", **NEW)
    return Sent(body={"session_token": begun["session_token"], "code": code_for(NEW["email"])})


@row("POST auth/email/resend")
def resend(world: World) -> Sent:
    return Sent(body={"session_token": asked(world, "anonymous", "signup", **NEW)["session_token"]})


@row("POST auth/password/reset")
def reset(world: World) -> Sent:
    email = world.student.user.email
    begun = asked(world, "anonymous", "password/request", email=email)
    return Sent(body={"session_token": begun["session_token"], "code": code_for(email), "password": "a-long-one-7"})


@row("POST auth/email")
def move(world: World) -> Sent:
    asked(world, "student", "reauthenticate", password=PASSWORD)
    return Sent(body={"email": MOVED})


@row("POST auth/email/verify-new")
def moved(world: World) -> Sent:
    asked(world, "student", "reauthenticate", password=PASSWORD)
    asked(world, "student", "email", email=MOVED)
    return Sent(body={"code": code_for(MOVED)})


@row("POST auth/2fa/authenticate")
def second_factor(world: World) -> Sent:
    people.enroll(world.student.user)
    needed = asked(world, "anonymous", "token", email=world.student.user.email, password=PASSWORD)
    return Sent(body={"session_token": needed["session_token"], "code": code_now(people.TOTP_SECRET)})


@row("POST auth/2fa/reauthenticate")
def by_code(world: World) -> Sent:
    people.enroll(world.student.user)
    return Sent(body={"code": code_now(people.TOTP_SECRET)})


@row("POST auth/authenticators/totp")
def new_app(world: World) -> Sent:
    begun = world.client("student").get("/api/v1/auth/authenticators/totp").json()
    asked(world, "student", "reauthenticate", password=PASSWORD)
    return Sent(body={"code": code_now(begun["secret"])})


@row("DELETE auth/authenticators/totp", "POST auth/authenticators/recovery-codes")
def an_app(world: World) -> Sent:
    people.enroll(world.student.user)
    asked(world, "student", "reauthenticate", password=PASSWORD)
    return Sent()


@row("DELETE auth/sessions/{session_id}")
def another_session(world: World) -> Sent:
    asked(world, "anonymous", "token", email=world.student.user.email, password=PASSWORD)
    latest = UserSession.objects.filter(user=world.student.user).latest("pk")
    return Sent({"session_id": str(latest.pk)})
