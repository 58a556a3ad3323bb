"""`make run` and `make reset`.

python -m instainstru.run           start everything, watch it, stop it together; exit code 0 after Ctrl-C or TERM,
                                    1 when a part died, 2 when nothing was started because something is wrong
python -m instainstru.run reset     delete the data of this INSTAINSTRU_HOME and start over
"""

import os
import shutil
import sys
import time

from django.core.exceptions import ImproperlyConfigured

from instainstru.environment import HOME, RUN_ENV

from . import guardian
from .ports import refuse_taken
from .progress import say, step
from .refusal import Refusal
from .report import welcome
from .roster import Roster, take_home
from .site import Site
from .supervisor import PartDied, Stopped, Supervisor

CONTENTS = ("postgres*", "stripe.sqlite3*", "mail", "logs", "static", "clock.json", "run.env", "run.pids*")


def main(arguments: list[str]) -> int:
    """Carry out the command; print one line and return 2 when it cannot be done."""
    commands = {(): run, ("reset",): reset}
    command = commands.get(tuple(arguments))
    if command is None:
        say(__doc__ or "")
        return 2
    try:
        return command()
    except (Refusal, ImproperlyConfigured) as refusal:
        print(f"Not started: {refusal}", file=sys.stderr)
        return 2


def run() -> int:
    """Start everything in order, say where it is, and watch it until somebody stops it or a part dies."""
    began = time.monotonic()
    # 1. Be the only one here, and clear what a killed run left.
    lock = take_home(HOME)
    roster = Roster(HOME)
    if left_over := roster.stop_all():
        say(f"Stopped what a killed run had left: {', '.join(left_over)}.")
    RUN_ENV.unlink(missing_ok=True)
    # 2. Read the settings, which refuse what is wrong with them. They must not see an older run.env.
    from instainstru import settings

    site = Site(settings, os.environ.get("DATABASE_URL") or None)
    refuse_taken(settings.BIND, {"PORT": settings.PORT})
    refuse_taken("127.0.0.1", site.ports())
    # 3. Start.
    say(f"Starting InstaInstru (Stripe: {settings.STRIPE_MODE}; files: {HOME})")
    watch_dog = guardian.post(HOME, lock)
    supervisor = Supervisor(roster)
    try:
        start(site, supervisor)
        say(welcome(site, seconds=time.monotonic() - began))
        supervisor.watch()
        return 0
    except Stopped:
        say("")
        return 0
    except PartDied as death:
        say(f"\n{death}\n")
        return 1
    finally:
        supervisor.stop_all()
        assert watch_dog.stdin
        watch_dog.stdin.close()
        watch_dog.wait()


def start(site: Site, supervisor: Supervisor) -> None:
    """Database and sandbox, then what needs them, then the doors; each step waits until it answers."""
    with step("database") as words:
        supervisor.open_database(site, words)
    RUN_ENV.touch(mode=0o600)
    RUN_ENV.write_text("".join(f"{name}={value}\n" for name, value in site.environment().items()))
    if site.has_own_sandbox:
        with step("stripe sandbox"):
            supervisor.open_sandbox(site)
    supervisor.carry_out(site.prepare_part())
    with step("web and jobs"):
        supervisor.open_doors(site)


def reset() -> int:
    """Delete what the marketplace stored in its home folder. Refuses while it runs."""
    take_home(HOME)
    Roster(HOME).stop_all()
    for pattern in CONTENTS:
        for path in HOME.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    say(f"{HOME} is empty again; `make run` starts over.")
    if os.environ.get("DATABASE_URL"):
        say("The database at DATABASE_URL was left alone.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
