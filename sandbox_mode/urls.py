"""The doors of sandbox mode. They are always on the map and answer 404 in any other mode."""

from django.urls import path

from . import scripts
from .doors import door

urlpatterns = [
    path("clock", door(get=scripts.read_clock, post=scripts.turn_clock)),
    path("jobs/<str:name>", door(post=scripts.run_job)),
    path("settle", door(post=scripts.settle)),
    path("people", door(post=scripts.make)),
    path("mail", door(get=scripts.read_mail)),
    path("", door(get=lambda request, body: scripts.addresses()), name="sandbox"),
]
