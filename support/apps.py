"""The desk of support staff: what waits for a person, and the pages on which they decide it. Above bookings, imported by no app."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class SupportConfig(AppConfig):
    name = "support"


class DeskAdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site in it."""

    default = False
    default_site = "support.site.DeskSite"
