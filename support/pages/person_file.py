"""The person file: somebody's whole story, and the notes of staff about them."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import User
from common import clock
from common.problems import NotFound
from support.actions.action import DESK, MONEY
from support.models import Note
from support.person_file import person_file

from .base import drawn, me, page
from .booking_file import NoteForm


@page()
def show(request: HttpRequest, person_id: str) -> HttpResponse:
    """Bookings, credits, cards, holds, mails, sessions, notes."""
    now = clock.now()
    try:
        file = person_file(person_id, now=now)
    except NotFound:
        raise Http404 from None
    return drawn(
        request,
        "person.html",
        f"{file.person.first_name} {file.person.last_name}",
        file=file,
        person=file.person,
        now=now,
        form=NoteForm(),
        may_work=request.user.has_perm(DESK),
        may_act=request.user.has_perm(MONEY),
    )


@page(permission=DESK, post=True)
def add_note(request: HttpRequest, person_id: str) -> HttpResponse:
    """Write something down for colleagues: it stays."""
    person = User.objects.filter(pk=person_id).first()
    if person is None:
        raise Http404
    form = NoteForm(request.POST)
    if form.is_valid():
        Note.objects.create(person=person, author=me(request), text=form.cleaned_data["text"], at=clock.now())
    else:
        messages.error(request, "A note has 1 to 2000 characters.")
    return redirect("admin:desk_person", person_id=person_id)
