"""What grows around lessons: finding and keeping instructors, reviews, referrals, conversations."""

from django.apps import AppConfig


class CommunityConfig(AppConfig):
    name = "community"
