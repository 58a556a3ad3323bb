"""Talking to the API in a line: who, what, which status is expected."""

from datetime import datetime
from typing import Any

from rest_framework.test import APIClient

from tests.support.cast import Cast, soon


class Api:
    """Somebody at the API."""

    def __init__(self, client: APIClient) -> None:
        self.client = client

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        return self._checked(self.client.get(f"/api/v1/{path}", query), status)

    def post(self, path: str, status: int = 200, *, key: str | None = None, **body: Any) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return self._checked(self.client.post(f"/api/v1/{path}", body, format="json", headers=headers), status)

    def patch(self, path: str, status: int = 200, **body: Any) -> Any:
        return self._checked(self.client.patch(f"/api/v1/{path}", body, format="json"), status)

    def delete(self, path: str, status: int = 204) -> Any:
        return self._checked(self.client.delete(f"/api/v1/{path}"), status)

    def _checked(self, response: Any, status: int) -> Any:
        assert response.status_code == status, response.content
        return response.json() if response.content else None


def lesson(cast: Cast, starts_at: datetime, **other: Any) -> dict[str, Any]:
    service = cast.instructor.services[0]
    return {
        "service_id": service.pk,
        "starts_at": starts_at.isoformat(),
        "duration_minutes": 60,
        "location_type": "online",
        **other,
    }


def booked(cast: Cast, api: Api, hours: float, **check_out: Any) -> dict[str, Any]:
    booking = api.post("bookings", 201, **lesson(cast, soon(hours)))
    answer: dict[str, Any] = api.post("payments/checkout", booking_id=booking["id"], **check_out)
    return answer
