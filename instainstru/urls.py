"""Every door of the site on one page."""

from django.contrib import admin
from django.urls import path

from . import health

urlpatterns = [
    path("healthz/live", health.live, name="healthz-live"),
    path("healthz/ready", health.ready, name="healthz-ready"),
    path("admin/", admin.site.urls),
]
