"""The doors of sandbox mode. They are always on the map and answer 404 in any other mode."""

from django.urls import path

from . import page, scripts
from .doors import door

urlpatterns = [
    path("clock", door(get=scripts.read_clock, post=scripts.turn_clock)),
    path("jobs/<str:name>", door(post=scripts.run_job)),
    path("settle", door(post=scripts.settle)),
    path("people", door(post=scripts.make)),
    path("mail", door(get=scripts.read_mail)),
    path("", page.show, name="sandbox"),
    path("turn", page.turn, name="sandbox_turn"),
    path("book", page.book, name="sandbox_book"),
    path("log-in", page.log_in, name="sandbox_log_in"),
    path("log-out", page.log_out, name="sandbox_log_out"),
]
