"""The community for support: reviews, referrals and conversations, to be read. What changes them are the operations."""

from typing import Any, ClassVar

from django.contrib import admin

from accounts.admin import ReadOnlyPage, ReadOnlyRows

from .models import Conversation, Favorite, Message, Referral, ReferralCode, Review


@admin.register(Review)
class ReviewAdmin(ReadOnlyPage):
    list_display = ("id", "created_at", "student", "instructor", "rating", "responded_at", "hidden_at")
    list_filter = ("rating", ("hidden_at", admin.EmptyFieldListFilter))
    search_fields = ("id", "booking__id", "student__email", "instructor__user__email")
    list_select_related = ("student", "instructor__user")
    ordering = ("-created_at", "-id")


@admin.register(Referral)
class ReferralAdmin(ReadOnlyPage):
    list_display = ("id", "created_at", "referrer", "referred", "rewarded_at", "reward_cents")
    list_filter = (("rewarded_at", admin.EmptyFieldListFilter),)
    search_fields = ("referrer__email", "referred__email")
    list_select_related = ("referrer", "referred")
    ordering = ("-created_at", "-id")


class MessageRows(ReadOnlyRows):
    model = Message
    fields = ("number", "sender", "text", "sent_at")
    ordering = ("number",)


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyPage):
    list_display = ("id", "student", "instructor", "last_message_at", "last_number")
    search_fields = ("id", "student__email", "instructor__email")
    list_select_related = ("student", "instructor")
    ordering = ("-last_message_at", "-id")
    inlines: ClassVar[list[Any]] = [MessageRows]


@admin.register(Message)
class MessageAdmin(ReadOnlyPage):
    list_display = ("id", "conversation", "number", "sender", "sent_at")
    search_fields = ("conversation__id", "sender__email")
    list_select_related = ("conversation", "sender")
    ordering = ("-sent_at", "-id")


@admin.register(Favorite)
class FavoriteAdmin(ReadOnlyPage):
    list_display = ("id", "student", "instructor", "created_at")
    search_fields = ("student__email", "instructor__user__email")
    list_select_related = ("student", "instructor__user")
    ordering = ("-created_at", "-id")


@admin.register(ReferralCode)
class ReferralCodeAdmin(ReadOnlyPage):
    list_display = ("code", "student", "created_at")
    search_fields = ("code", "student__email")
    list_select_related = ("student",)
    ordering = ("-created_at",)
