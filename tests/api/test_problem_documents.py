"""Every error is a problem document with a stable code, wherever it comes from."""

from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import OperationalError, connection
from django.http import Http404
from django.test import RequestFactory
from rest_framework import exceptions
from rest_framework.test import APIClient

from accounts.problem_responses import CONTENT_TYPE, document, exception_handler, problem_of, server_error
from common.problems import CardRefused, OperationInProgress, Refused, StripeUnavailable


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (exceptions.ValidationError({"reason": ["This field is required."]}), 400, "invalid"),
        (exceptions.ValidationError(["Wrong."]), 400, "invalid"),
        (exceptions.ParseError("JSON parse error"), 400, "invalid"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.AuthenticationFailed(), 401, "not_authenticated"),
        (exceptions.PermissionDenied(), 403, "permission_denied"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
        (exceptions.Throttled(wait=7), 429, "rate_limited"),
        (Http404(), 404, "not_found"),
        (DjangoValidationError({"amount": ["Too much."]}), 400, "invalid"),
        (RequestDataTooBig(), 413, "too_large"),
        (SuspiciousOperation(), 400, "invalid"),
        (OperationalError("server closed the connection"), 503, "database_unavailable"),
        (Refused(code="lesson_not_ended"), 422, "lesson_not_ended"),
        (CardRefused(decline_code="lost_card"), 402, "card_declined"),
        (OperationInProgress(), 429, "operation_in_progress"),
        (StripeUnavailable(), 503, "stripe_unavailable"),
    ],
)
def test_every_kind_of_error_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    response = exception_handler(error, {})

    assert response is not None
    assert response.status_code == status == response.data["status"]
    assert response.data["code"] == code
    assert response.data["type"] == f"{settings.SITE_URL}/api/v1/errors/{code}"
    assert response.data["title"]
    assert response.data["detail"]


def test_a_bug_is_left_to_django_which_logs_it() -> None:
    assert exception_handler(KeyError("oops"), {}) is None


def test_what_a_problem_carries_stands_beside_the_standard_members() -> None:
    problem = CardRefused("The card was declined.", decline_code="insufficient_funds", status_code="mine")

    assert document(problem, "/api/v1/payments/checkout")["decline_code"] == "insufficient_funds"


def test_a_problem_cannot_overwrite_the_standard_members() -> None:
    assert document(Refused(title="other", instance="/elsewhere"), "/here")["instance"] == "/here"


def test_field_errors_are_listed_by_field() -> None:
    problem = problem_of(exceptions.ValidationError({"reason": ["Too long."], "amount_cents": ["Negative."]}))

    assert problem
    assert problem.fields["errors"] == {"reason": ["Too long."], "amount_cents": ["Negative."]}
    assert "reason, amount_cents" in problem.detail


def test_try_again_says_when() -> None:
    response = exception_handler(OperationInProgress(retry_after=3), {})

    assert response is not None
    assert response.headers["Retry-After"] == "3"


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/api/v1/bookings/1", "/api/v1/bookings/%00"])
def test_an_unknown_address_of_the_api_is_a_problem_document(anybody: APIClient, path: str) -> None:
    response = anybody.get(path)

    assert response.status_code == 404
    assert response.headers["Content-Type"] == CONTENT_TYPE
    assert response.json()["code"] == "not_found"
    assert response.json()["instance"] == response.wsgi_request.path


def test_an_unknown_page_is_an_ordinary_page(anybody: APIClient) -> None:
    response = anybody.get("/nowhere")

    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(KeyError("oops"), 500, "server_error"), (OperationalError("gone"), 503, "database_unavailable")],
)
def test_the_last_resort_is_a_problem_document_too(error: Exception, status: int, code: str) -> None:
    try:
        raise error
    except Exception:
        response = server_error(RequestFactory().get("/api/v1/bookings"))

    assert response.status_code == status
    assert response.headers["Content-Type"] == CONTENT_TYPE
    assert code.encode() in response.content
    assert b"oops" not in response.content


MALFORMED: list[Any] = [
    b"{",
    b"[]",
    b"7",
    b'"text"',
    b"null",
    b"\xff\xfe",
    b'{"email": NaN}',
    b"[" * 100_000,
    b'{"email": "a\\u0000b@example.com", "password": "x"}',
    b'{"email": "\\ud800", "password": "x"}',
    b'{"email": {"$gt": ""}, "password": ["x"]}',
    b'{"email": ' + b"9" * 5000 + b', "password": "x"}',
]


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_body_is_400_invalid(anybody: APIClient, body: bytes) -> None:
    response = anybody.post("/api/v1/auth/token", body, content_type="application/json")

    assert response.status_code == 400
    assert response.headers["Content-Type"] == CONTENT_TYPE
    assert response.json()["code"] == "invalid"


def test_a_body_that_is_not_json_is_refused(anybody: APIClient) -> None:
    response = anybody.post("/api/v1/auth/token", "email=x", content_type="application/x-www-form-urlencoded")

    assert response.status_code == 415


def test_a_body_of_many_megabytes_is_refused(student: Any) -> None:
    from .conftest import client_of

    response = client_of(student).post(
        "/api/v1/pricing/preview", b'{"a": "' + b"x" * 3_000_000 + b'"}', content_type="application/json"
    )

    assert response.status_code == 413


def test_a_database_that_is_down_is_503_and_says_when_to_try_again(
    database: None, anybody: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = {"email": "student@example.com", "password": "sandbox"}
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")
    try:
        response = anybody.post("/api/v1/auth/token", credentials)
    finally:
        monkeypatch.undo()
        connection.close()

    assert response.status_code == 503
    assert response.json()["code"] == "database_unavailable"
    assert response.headers["Retry-After"] == "5"


def test_json_is_answered_whatever_a_client_accepts(anybody: APIClient) -> None:
    response = anybody.get("/api/v1/auth/me", HTTP_ACCEPT="text/html")

    assert response.status_code == 401
    assert response.headers["Content-Type"] == CONTENT_TYPE
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_type_of_a_problem_is_an_address_that_says_what_it_means(anybody: APIClient, database: None) -> None:
    problem = anybody.get("/api/v1/nowhere").json()
    page = anybody.get(problem["type"])

    assert (page.status_code, page.json()["code"], page.json()["status"]) == (200, "not_found", 404)
    assert page.json()["remedy"]
    assert page.json() in anybody.get("/api/v1/errors").json()["results"]
    assert anybody.get("/api/v1/errors/nonsense").status_code == 404


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_another_method_is_refused_and_the_right_ones_are_named(
    anybody: APIClient, database: None, method: str
) -> None:
    response = getattr(anybody, method)("/api/v1/auth/token")

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["Content-Type"] == CONTENT_TYPE
    assert "POST" in response.headers["Allow"]
