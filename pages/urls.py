"""Every page: students and instructors, and what anybody may read."""

from django.urls import path

from .lessons import booking, cards, changing, paying, reading, trouble
from .public import home

urlpatterns = [
    path("", home.Home.as_view(), name="home"),
    # Finding and booking
    path("instructors/<ulid:instructor_id>", booking.InstructorPage.as_view(), name="instructor"),
    path("instructors/<ulid:instructor_id>/book", booking.ChooseTime.as_view(), name="choose_time"),
    # Lessons
    path("lessons", reading.MyLessons.as_view(), name="lessons"),
    path("lessons/past", reading.PastLessons.as_view(), name="past_lessons"),
    path("lessons/<ulid:booking_id>", reading.Lesson.as_view(), name="lesson"),
    path("lessons/<ulid:booking_id>/pay", paying.Checkout.as_view(), name="checkout"),
    path("lessons/<ulid:booking_id>/card", paying.FixPayment.as_view(), name="fix_payment"),
    path("lessons/<ulid:booking_id>/confirm", cards.ConfirmPayment.as_view(), name="confirm_payment"),
    path("lessons/<ulid:booking_id>/move", changing.Move.as_view(), name="move"),
    path("lessons/<ulid:booking_id>/cancel", changing.Cancel.as_view(), name="cancel"),
    path("lessons/<ulid:booking_id>/complete", trouble.Complete.as_view(), name="complete"),
    path("lessons/<ulid:booking_id>/dispute", trouble.DisputeCompletion.as_view(), name="dispute_completion"),
    path("lessons/<ulid:booking_id>/no-show", trouble.ReportNoShow.as_view(), name="no_show"),
    path("lessons/<ulid:booking_id>/no-show/answer", trouble.AnswerNoShow.as_view(), name="answer_no_show"),
    path("card-setup", cards.CardSetup.as_view(), name="card_setup"),
]
