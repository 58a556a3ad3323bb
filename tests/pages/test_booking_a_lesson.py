"""Choosing a time and paying: nothing typed is lost, whatever happens meanwhile."""

from django.test import Client

from bookings.models import Booking
from common import clock
from common.actors import Role
from sandbox_mode.people import make_person
from tests.support.cast import Cast, money_of, soon
from tests.support.factories import give_credit

from .conftest import signed_in
from .looking import hidden, words


def choose(cast: Cast, client: Client, **typed: str) -> str:
    """The address and the form of a lesson at a free time in some days."""
    address = f"/instructors/{cast.instructor.user.pk}/book?minutes=60&where=online"
    start = soon(80).replace(minute=0)
    typed |= {"starts_at": f"{start:%Y-%m-%dT%H:%M:%SZ}", "key": hidden(client.get(address), "key"), "note": "A song."}
    answer = client.post(address, typed)
    return str(answer["Location"])


def test_a_lesson_is_chosen_and_paid_with_a_saved_card(cast: Cast, student_page: Client) -> None:
    where = choose(cast, student_page)
    read = words(student_page.get(where))
    assert "Now: $0.00" in read
    assert "To your card $134.40" in read
    assert read.count("Until") >= 2, "the deadlines, as dates"
    card = cast.student.payment_method.pk  # type: ignore[union-attr]
    done = student_page.post(where, {"card": card}, follow=True)
    assert "Booked. Ina knows about it." in words(done)
    booking = Booking.objects.get()
    assert (booking.status, booking.payment_status, booking.note) == ("CONFIRMED", "scheduled", "A song.")


def test_credit_is_used_as_far_as_it_goes(cast: Cast, student_page: Client) -> None:
    give_credit(cast.student.user, 5000, now=clock.now())
    where = choose(cast, student_page)
    assert "To your card $84.40" in words(student_page.get(where)), "used unless one says otherwise"
    assert "To your card $134.40" in words(student_page.get(f"{where}?card=new")), "unticked"
    student_page.post(where, {"card": cast.student.payment_method.pk, "use_credit": "1"})  # type: ignore[union-attr]
    assert Booking.objects.get().payment.credits_reserved_cents == 5000


def test_signed_out_while_typing_loses_nothing(cast: Cast, visitor: Client) -> None:
    where = choose(cast, visitor)
    assert where.startswith("/account/login/?next=")
    assert not Booking.objects.exists()
    back = visitor.post(where, {"login": cast.student.user.email, "password": "sandbox"})
    page = visitor.get(back["Location"])
    read = words(page)
    assert "Nothing is lost" in read
    assert "A song." in read
    assert "checked" in page.content.decode()[page.content.decode().index("starts_at") :]


def test_a_time_taken_meanwhile_is_said_and_the_note_is_kept(cast: Cast, student_page: Client) -> None:
    rival = signed_in(make_person(role=Role.STUDENT, now=clock.now()).user)
    address = f"/instructors/{cast.instructor.user.pk}/book?minutes=60&where=online"
    start = soon(80).replace(minute=0)
    typed = {"starts_at": f"{start:%Y-%m-%dT%H:%M:%SZ}", "note": "My own words."}
    mine = typed | {"key": hidden(student_page.get(address), "key")}
    assert rival.post(address, typed | {"key": hidden(rival.get(address), "key")}).status_code == 302
    answer = student_page.post(address, mine)
    assert answer.status_code == 409
    read = words(answer)
    assert "Somebody has just taken this time." in read
    assert "My own words." in read
    assert Booking.objects.count() == 1


def test_sending_the_form_twice_books_once(cast: Cast, student_page: Client) -> None:
    address = f"/instructors/{cast.instructor.user.pk}/book?minutes=60&where=online"
    start = soon(80).replace(minute=0)
    typed = {"starts_at": f"{start:%Y-%m-%dT%H:%M:%SZ}", "key": hidden(student_page.get(address), "key")}
    assert student_page.post(address, typed)["Location"] == student_page.post(address, typed)["Location"]
    assert Booking.objects.count() == 1


def test_a_declined_card_keeps_what_was_chosen(cast: Cast, student_page: Client) -> None:
    booking = cast.book(soon(10), now=clock.now())
    give_credit(cast.student.user, 3000, now=clock.now())
    answer = student_page.post(
        f"/lessons/{booking.pk}/pay", {"card": "new", "new_card": "pm_card_chargeCustomerFail", "use_credit": "1"}
    )
    assert answer.status_code == 402
    assert "The card was declined. Nothing was charged." in words(answer)
    assert "Your credit −$30.00" in words(answer), "stays reserved while another card is looked for"
    assert money_of(booking)["booking"] == "PENDING"
    good = cast.student.payment_method.pk  # type: ignore[union-attr]
    student_page.post(f"/lessons/{booking.pk}/pay", {"card": good, "use_credit": "1"})
    assert money_of(booking)["payment"] == "authorized"


def test_the_banks_question_has_a_page_of_its_own(cast: Cast, student_page: Client) -> None:
    booking = cast.book(soon(10), now=clock.now())
    asked = student_page.post(
        f"/lessons/{booking.pk}/pay", {"card": "new", "new_card": "pm_card_authenticationRequired"}
    )
    assert asked["Location"] == f"/lessons/{booking.pk}/confirm"
    assert "Your bank asks you to confirm this payment." in words(student_page.get(asked["Location"]))
    again = student_page.post(asked["Location"])
    assert again["Location"] == asked["Location"], "not confirmed yet: asked again, nothing is believed"
    assert money_of(booking)["booking"] == "PENDING"


def test_a_misspelt_word_finds_the_instructor(cast: Cast, visitor: Client) -> None:
    assert "Ina I." in words(visitor.get("/find?q=paino"))
    assert "Nobody yet" in words(visitor.get("/find?q=submarine"))
    assert "Nobody yet" in words(visitor.get("/find?q=piano&at_most=80"))
