"""The booking file, and the notes of staff about it."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.admin import at_stripe
from bookings.models import Booking
from common import clock
from common.problems import NotFound
from support.actions.action import DESK
from support.booking_file import booking_file, choices
from support.models import Note

from .base import drawn, me, page


class NoteForm(forms.Form):
    text = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), label="A note for colleagues")


@page()
def show(request: HttpRequest, booking_id: str) -> HttpResponse:
    """Everything about one lesson on one page."""
    try:
        file = booking_file(booking_id)
    except NotFound:
        raise Http404 from None
    payment, now = file.payment, clock.now()
    stripe = [
        ("Payment intent", at_stripe(payment.payment_intent_id)),
        ("Charge", at_stripe(payment.charge_id)),
        ("Instructor's account", at_stripe(payment.destination_account_id)),
        ("Student's customer", at_stripe(file.booking.student.stripe_customer_id)),
        *(("Chargeback", at_stripe(chargeback.pk)) for chargeback in file.chargebacks),
    ]
    return drawn(
        request,
        "booking.html",
        f"{file.booking.service.name}, {file.booking.starts_at:%Y-%m-%d %H:%M} UTC",
        file=file,
        booking=file.booking,
        payment=payment,
        stripe=[(what, shown) for what, shown in stripe if shown],
        choices=choices(file, now),
        now=now,
        form=NoteForm(),
        may_work=request.user.has_perm(DESK),
    )


@page(permission=DESK, post=True)
def add_note(request: HttpRequest, booking_id: str) -> HttpResponse:
    """Write something down for colleagues: it stays."""
    booking = Booking.objects.filter(pk=booking_id).first()
    if booking is None:
        raise Http404
    form = NoteForm(request.POST)
    if form.is_valid():
        Note.objects.create(booking=booking, author=me(request), text=form.cleaned_data["text"], at=clock.now())
    else:
        messages.error(request, "A note has 1 to 2000 characters.")
    return redirect("admin:desk_booking", booking_id=booking_id)
