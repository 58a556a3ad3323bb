"""The same Idempotency-Key: done once, answered twice; over all processes, and after a crash."""

import threading
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import connection
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate

from accounts import idempotency
from accounts.api_view import ApiView
from accounts.idempotency import Answer, IdempotencyKey, KeyInUse, KeyReused
from accounts.models import User
from common import clock
from common.problems import OperationInProgress, Problem, Refused, StripeUnavailable
from tests.support.factories import UserFactory


class ProbeInput(serializers.Serializer[Any]):
    amount_cents = serializers.IntegerField()


class Probe(ApiView):
    """Counts how often it works, and does what it is told."""

    takes = ProbeInput
    worked: ClassVar[list[str | None]] = []
    raises: ClassVar[BaseException | None] = None
    was_in_transaction: ClassVar[bool] = False

    def post(self, request: Request) -> Response:
        body = self.body()
        Probe.worked.append(self.request_key)
        Probe.was_in_transaction = connection.in_atomic_block
        if Probe.raises:
            raise Probe.raises
        return Response({"number": len(Probe.worked), **body}, status=201)

    patch = post
    get = post


@pytest.fixture(autouse=True)
def _fresh_probe() -> None:
    Probe.worked.clear()
    Probe.raises = None


def call(user: User, key: str | None = "k1", *, method: str = "post", path: str = "/probe", **body: Any) -> Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    request = getattr(APIRequestFactory(), method)(path, body or {"amount_cents": 5}, format="json", headers=headers)
    force_authenticate(request, user)
    response: Response = Probe.as_view()(request)
    response.render()
    return response


def test_the_same_request_is_done_once_and_answered_twice(student: User) -> None:
    first, second = call(student), call(student)

    assert len(Probe.worked) == 1
    assert (second.status_code, second.content) == (first.status_code, first.content) == (201, first.content)
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"


def test_without_a_key_every_request_is_a_new_one(student: User) -> None:
    call(student, None)
    call(student, None)

    assert Probe.worked == [None, None]


def test_the_work_runs_in_no_transaction(student: User) -> None:
    call(student)

    assert not Probe.was_in_transaction


def test_the_same_body_spaced_otherwise_is_the_same_request(student: User) -> None:
    for body in (b'{"amount_cents": 5, "x": 1}', b'{ "x":1,"amount_cents":5 }'):
        request = APIRequestFactory().post(
            "/probe", body, content_type="application/json", headers={"Idempotency-Key": "k"}
        )
        force_authenticate(request, student)
        assert Probe.as_view()(request).status_code == 201

    assert len(Probe.worked) == 1


@pytest.mark.parametrize(
    "other", [{"amount_cents": 6}, {"path": "/other"}, {"method": "patch"}], ids=["body", "path", "method"]
)
def test_the_same_key_for_another_request_is_refused(student: User, other: dict[str, Any]) -> None:
    call(student)
    response = call(student, **other)

    assert response.status_code == 422
    assert response.data["code"] == "idempotency_key_reused"
    assert len(Probe.worked) == 1


def test_keys_are_everybodys_own(student: User) -> None:
    call(student)
    call(UserFactory.create())

    assert len(Probe.worked) == 2


def test_reading_takes_no_key(student: User) -> None:
    call(student, method="get")

    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 256, "ä", "a\tb"])
def test_a_key_that_cannot_be_one_is_refused(student: User, key: str) -> None:
    response = call(student, key)

    assert response.status_code == 400
    assert list(response.data["errors"]) == ["Idempotency-Key"]
    assert not Probe.worked


def test_a_refusal_is_an_answer_like_any_other(student: User) -> None:
    Probe.raises = Refused("The lesson has not ended.", code="lesson_not_ended")
    first = call(student)
    Probe.raises = None
    second = call(student)

    assert len(Probe.worked) == 1
    assert second.status_code == 422
    assert second.content == first.content
    assert second.headers["Content-Type"] == first.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("problem", [OperationInProgress(), StripeUnavailable()])
def test_try_again_is_not_kept_and_the_next_try_is_the_same_request(student: User, problem: Problem) -> None:
    Probe.raises = problem
    assert call(student).status_code == problem.status
    Probe.raises = None
    assert call(student).status_code == 201

    assert len(Probe.worked) == 2
    assert Probe.worked[0] == Probe.worked[1] is not None


def test_a_bug_frees_the_key(student: User) -> None:
    Probe.raises = KeyError("oops")
    with pytest.raises(KeyError):
        call(student)
    Probe.raises = None

    assert call(student).status_code == 201


def test_a_freed_key_with_another_body_is_a_new_request(student: User) -> None:
    Probe.raises = StripeUnavailable()
    call(student)
    Probe.raises = None

    assert call(student, amount_cents=6).status_code == 201
    assert Probe.worked[0] != Probe.worked[1]


def test_while_it_runs_the_same_key_is_in_use(student: User) -> None:
    now = clock.system_now()
    idempotency.claim(user_id=student.pk, key="k", fingerprint="f", system_now=now)

    with pytest.raises(KeyInUse):
        idempotency.claim(user_id=student.pk, key="k", fingerprint="f", system_now=now + timedelta(seconds=89))


def test_after_a_crash_somebody_else_takes_over_and_the_late_one_answers_nothing(student: User) -> None:
    now = clock.system_now()
    crashed = idempotency.claim(user_id=student.pk, key="k", fingerprint="f", system_now=now)
    heir = idempotency.claim(user_id=student.pk, key="k", fingerprint="f", system_now=now + idempotency.GIVEN_UP_AFTER)

    assert heir.id == crashed.id
    assert not idempotency.keep(crashed, Answer(200, '"late"'))
    assert idempotency.keep(heir, Answer(201, '"heir"'))
    assert not idempotency.free(crashed)
    again = idempotency.claim(user_id=student.pk, key="k", fingerprint="f", system_now=now)
    assert again.answer == Answer(201, '"heir"')


def test_a_running_key_with_another_body_is_reused_not_in_use(student: User) -> None:
    now = clock.system_now()
    idempotency.claim(user_id=student.pk, key="k", fingerprint="f", system_now=now)

    with pytest.raises(KeyReused):
        idempotency.claim(user_id=student.pk, key="k", fingerprint="other", system_now=now)


def test_after_a_day_a_key_is_forgotten(student: User) -> None:
    now = clock.system_now()
    old = idempotency.claim(user_id=student.pk, key="k", fingerprint="f", system_now=now)
    idempotency.keep(old, Answer(200, '"old"'))

    new = idempotency.claim(user_id=student.pk, key="k", fingerprint="other", system_now=now + idempotency.KEPT_FOR)
    assert new.answer is None
    assert new.id != old.id
    assert idempotency.purge(now + idempotency.KEPT_FOR) == 0
    assert idempotency.purge(now + 2 * idempotency.KEPT_FOR) == 1


def test_many_at_once_are_one(student: User) -> None:
    now = clock.system_now()
    outcomes: list[Any] = []

    def attempt() -> None:
        try:
            outcomes.append(idempotency.claim(user_id=student.pk, key="k", fingerprint="f", system_now=now))
        except KeyInUse as refused:
            outcomes.append(refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(isinstance(outcome, KeyInUse) for outcome in outcomes) == 7
    assert IdempotencyKey.objects.count() == 1
