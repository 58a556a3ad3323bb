"""Every page: students and instructors, and what anybody may read."""

from django.urls import URLPattern, URLResolver, include, path

from .lessons import booking, cards, changing, paying, reading, trouble
from .member import account, billing, entrance, wallet
from .public import about, find, home, policy
from .teach import dashboard, earnings, getting_paid, hours, profile

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.Home.as_view(), name="home"),
    path("find", find.Find.as_view(), name="find"),
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
    # Oneself
    path("start", entrance.Start.as_view(), name="start"),
    path("account", account.Account.as_view(), name="account"),
    path("account/export", account.Export.as_view(), name="export"),
    path("account/", include(entrance.urlpatterns)),
    path("wallet", wallet.Wallet.as_view(), name="wallet"),
    path("billing", billing.Billing.as_view(), name="billing"),
    path("billing/<ulid:method_id>/use", billing.UseCard.as_view(), name="use_card"),
    path("billing/<ulid:method_id>/forget", billing.ForgetCard.as_view(), name="forget_card"),
    # Teaching
    path("teach", dashboard.Dashboard.as_view(), name="dashboard"),
    path("teach/availability", hours.Availability.as_view(), name="availability"),
    path("teach/profile", profile.Profile.as_view(), name="teach_profile"),
    path("teach/services/new", profile.ServiceForm.as_view(), name="new_service"),
    path("teach/services/<ulid:service_id>", profile.ServiceForm.as_view(), name="edit_service"),
    path("teach/earnings", earnings.Earnings.as_view(), name="earnings"),
    path("teach/payouts", earnings.Payouts.as_view(), name="payouts"),
    path("teach/get-paid", getting_paid.GetPaid.as_view(), name="get_paid"),
    path("teach/get-paid/back", getting_paid.BackFromStripe.as_view(), name="back_from_stripe"),
    path("teach/get-paid/stripe", getting_paid.StripeDashboard.as_view(), name="stripe_dashboard"),
    # For everybody
    path("policy", policy.Policy.as_view(), name="policy"),
    path("terms", about.Terms.as_view(), name="terms"),
    path("sitemap.xml", about.site_map, name="site_map"),
    path("robots.txt", about.robots, name="robots"),
    path("card-setup", cards.CardSetup.as_view(), name="card_setup"),
]
