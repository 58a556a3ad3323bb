"""Every door on one page."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, register_converter

from accounts import login, own_account
from bookings.api import (
    audit_trail,
    availability,
    calendars,
    connect,
    earnings,
    hours,
    instructors,
    lessons,
    packages,
    payments,
    payouts,
    pricing,
    quotes,
    support,
    transactions,
    webhook,
)
from community.api import conversations, events, favorites, referrals, reviews
from community.api import instructors as found
from support.metrics import metrics
from support.unsubscribe import unsubscribe

from . import about, error_pages, health
from .api_docs import ApiDocs


class UlidConverter:
    """One of our ids; anything else is not there."""

    regex = "[0-9A-HJKMNP-TV-Z]{26}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(UlidConverter, "ulid")

handler400 = "accounts.problem_responses.bad_request"
handler403 = "accounts.problem_responses.permission_denied"
handler404 = "accounts.problem_responses.page_not_found"
handler500 = "accounts.problem_responses.server_error"

api: list[URLPattern | URLResolver] = [
    # Who
    path("auth/token", login.LogIn.as_view()),
    path("auth/token/refresh", login.Refresh.as_view()),
    path("auth/me", login.WhoAmI.as_view()),
    path("auth/signup", login.SignUp.as_view()),
    path("auth/email/verify", login.VerifyEmail.as_view()),
    path("auth/email/resend", login.ResendCode.as_view()),
    path("auth/email", own_account.ChangeEmail.as_view()),
    path("auth/email/verify-new", own_account.VerifyNewEmail.as_view()),
    path("auth/2fa/authenticate", login.SecondFactor.as_view()),
    path("auth/2fa/reauthenticate", own_account.ReauthenticateByCode.as_view()),
    path("auth/reauthenticate", own_account.Reauthenticate.as_view()),
    path("auth/session", login.LogOut.as_view()),
    path("auth/sessions", own_account.Sessions.as_view()),
    path("auth/sessions/<int:session_id>", own_account.OneSession.as_view()),
    path("auth/password/request", own_account.RequestPasswordReset.as_view()),
    path("auth/password/reset", own_account.ResetPassword.as_view()),
    path("auth/password/change", own_account.ChangePassword.as_view()),
    path("auth/authenticators", own_account.SecondFactors.as_view()),
    path("auth/authenticators/totp", own_account.AuthenticatorApp.as_view()),
    path("auth/authenticators/recovery-codes", own_account.NewRecoveryCodes.as_view()),
    # Before booking
    path("pricing/preview", pricing.PricePreview.as_view()),
    path("bookings/check-availability", availability.CheckAvailability.as_view()),
    path("instructors/<ulid:instructor_id>/availability", availability.FreeTimes.as_view()),
    # Finding somebody, and what people say
    path("search", found.Search.as_view()),
    path("instructors", found.Instructors.as_view()),
    path("instructors/<ulid:instructor_id>", found.OneInstructor.as_view()),
    path("instructor/profile", found.MyProfile.as_view()),
    path("instructors/<ulid:instructor_id>/reviews", reviews.Reviews.as_view()),
    path("favorites", favorites.Favorites.as_view()),
    path("favorites/<ulid:instructor_id>", favorites.OneFavorite.as_view()),
    path("reviews", reviews.WriteReview.as_view()),
    path("reviews/<ulid:review_id>/respond", reviews.RespondToReview.as_view()),
    path("referrals", referrals.MyReferrals.as_view()),
    path("referrals/people", referrals.WhoCame.as_view()),
    path("referrals/redeem", referrals.Redeem.as_view()),
    path("conversations", conversations.Conversations.as_view()),
    path("conversations/<ulid:conversation_id>/messages", conversations.Messages.as_view()),
    path("conversations/<ulid:conversation_id>/read", conversations.Read.as_view()),
    path("conversations/<ulid:conversation_id>/events", events.ConversationEvents.as_view()),
    # Lessons
    path("bookings", lessons.Bookings.as_view()),
    path("bookings/upcoming", lessons.UpcomingBookings.as_view()),
    path("bookings/<ulid:booking_id>", lessons.OneBooking.as_view()),
    path("bookings/<ulid:booking_id>/calendar.ics", calendars.LessonCalendar.as_view()),
    path("bookings/<ulid:booking_id>/pricing", pricing.BookingPrice.as_view()),
    path("bookings/<ulid:booking_id>/receipt", transactions.Receipt.as_view()),
    path("bookings/<ulid:booking_id>/timeline", lessons.Timeline.as_view()),
    path("bookings/<ulid:booking_id>/cancellation-quote", quotes.CancellationQuoteView.as_view()),
    path("bookings/<ulid:booking_id>/cancel", lessons.Cancel.as_view()),
    path("bookings/<ulid:booking_id>/reschedule-quote", quotes.RescheduleQuoteView.as_view()),
    path("bookings/<ulid:booking_id>/reschedule", lessons.Reschedule.as_view()),
    path("bookings/<ulid:booking_id>/payment-method", lessons.ChangePaymentMethod.as_view()),
    path("bookings/<ulid:booking_id>/confirm-payment", lessons.ConfirmPayment.as_view()),
    path("bookings/<ulid:booking_id>/retry-payment", lessons.RetryPayment.as_view()),
    path("bookings/<ulid:booking_id>/no-show", lessons.ReportNoShow.as_view()),
    path("bookings/<ulid:booking_id>/no-show/dispute", lessons.DisputeNoShow.as_view()),
    path("bookings/<ulid:booking_id>/complete", lessons.Complete.as_view()),
    path("bookings/<ulid:booking_id>/capture-payment", support.CapturePayment.as_view()),
    # Instructors
    path("instructor/availability", hours.Availability.as_view()),
    path("instructor/bookings", instructors.Lessons.as_view()),
    path("instructor/bookings/upcoming", instructors.UpcomingLessons.as_view()),
    path("instructor/bookings/pending-completion", instructors.LessonsToComplete.as_view()),
    path("instructor/bookings/completed", instructors.CompletedLessons.as_view()),
    path("instructor/bookings/<ulid:booking_id>/complete", instructors.CompleteLesson.as_view()),
    path("instructor/bookings/<ulid:booking_id>/dispute", instructors.DisputeCompletion.as_view()),
    path("instructor/earnings", earnings.Earnings.as_view()),
    path("instructor/analytics/payouts", earnings.PayoutHistory.as_view()),
    path("instructor/payouts", payouts.Payouts.as_view()),
    path("instructor/balance", payouts.StripeBalance.as_view()),
    # Calendars
    path("me/calendar-feed", calendars.MyFeed.as_view()),
    path("calendar/<str:token>.ics", calendars.Feed.as_view()),
    # Support
    path("admin/bookings/<ulid:booking_id>/cancel", support.StaffCancel.as_view()),
    path("admin/bookings/<ulid:booking_id>/no-show/resolve", support.ResolveNoShow.as_view()),
    path("admin/bookings/<ulid:booking_id>/review/resolve", support.ResolveReview.as_view()),
    path("admin/audit", audit_trail.AuditTrail.as_view()),
    path("admin/refunds/<ulid:booking_id>/refund", support.Refund.as_view()),
    path("admin/reviews/<ulid:review_id>/hide", reviews.HideReview.as_view()),
    path("admin/reviews/<ulid:review_id>/show", reviews.ShowReview.as_view()),
    path("admin/bookings/<ulid:booking_id>/give-back", packages.GiveLessonBack.as_view()),
    path("admin/packages/<ulid:package_id>/refund", packages.StaffRefundPackage.as_view()),
    # Packages
    path("packages", packages.Offers.as_view()),
    path("packages/mine", packages.MyPackages.as_view()),
    path("packages/<ulid:package_id>", packages.OnePackage.as_view()),
    path("packages/<ulid:package_id>/refund", packages.RefundPackage.as_view()),
    path("payments/create-session", packages.CreateSession.as_view()),
    path("payments/payment-intent", packages.PayFirst.as_view()),
    # Money
    path("payments/checkout", payments.CheckOut.as_view()),
    path("payments/setup-intent", payments.SetupIntent.as_view()),
    path("payments/methods", payments.Cards.as_view()),
    path("payments/methods/<ulid:method_id>", payments.OneCard.as_view()),
    path("payments/methods/<ulid:method_id>/default", payments.DefaultCard.as_view()),
    path("payments/credits", payments.Wallet.as_view()),
    path("payments/credits/balance", payments.Balance.as_view()),
    path("payments/instant-payout", payouts.InstantPayouts.as_view()),
    path("payments/instant-payout/quote", payouts.InstantPayoutQuote.as_view()),
    path("payments/transactions", transactions.Transactions.as_view()),
    path("payments/connect/onboard", connect.Onboard.as_view()),
    path("payments/connect/status", connect.Status.as_view()),
    path("payments/connect/dashboard", connect.Dashboard.as_view()),
    path("payments/webhooks/stripe/", include(webhook.urls, namespace="djstripe")),
    # The API about itself
    path("errors", error_pages.Errors.as_view()),
    path("errors/<slug:code>", error_pages.OneError.as_view()),
    path("schema/", about.Schema.as_view(), name="schema"),
    path("docs/", ApiDocs.as_view()),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include(api)),
    path("healthz/live", health.live),
    path("healthz/ready", health.ready),
    path("admin/", admin.site.urls),
    path("metrics", metrics),
    path("mails/unsubscribe/<str:token>/", unsubscribe, name="unsubscribe"),
    path("sandbox/", include("sandbox_mode.urls")),  # 404 outside sandbox mode
    path("", include("pages.urls")),
]
