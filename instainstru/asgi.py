"""The ASGI entry point, for those who serve the site with an ASGI server."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instainstru.settings")
application = get_asgi_application()
