"""`/api/v1/docs/`: Swagger UI from vendored files, with nothing inline."""

from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny


class ApiDocs(SpectacularSwaggerSplitView):
    """The page, and with `?script=` the script that starts it."""

    url_name = "schema"
    permission_classes = [AllowAny]
    template_name = "api_docs.html"
