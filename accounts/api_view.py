"""What every endpoint has in common: JSON in and out, limits per minute, `Idempotency-Key`, ETags, one shape of error."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, cast

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.permissions import SAFE_METHODS, AllowAny, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from common import clock
from common.actors import Actor, Door
from common.problems import Problem

from . import idempotency, second_factor
from .audit_trail import begin
from .audited import who_and_what
from .conditional import unless_known
from .idempotency import LONGEST_KEY, Answer, Claim
from .models import User
from .openapi import ApiSchema
from .paging import LatestFirst
from .problem_responses import CONTENT_TYPE, invalid
from .rate_limits import Scope, Standing, address_of, take

REPLAYED = "Idempotent-Replayed"
READS = ("GET", "HEAD")


class AlwaysJson(DefaultContentNegotiation):
    """There is one representation; what a client says it accepts does not change it."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class StrictJson(JSONParser):
    """JSON that nests deeper than Python can follow is refused like any other that cannot be read."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None


class Nothing(Serializer[Any]):
    """No body."""


class ApiView(APIView):
    """The base of every endpoint. Subclasses say what they take and answer, and make one call."""

    schema = ApiSchema()
    content_negotiation_class = AlwaysJson
    parser_classes = (StrictJson,)
    renderer_classes = (JSONRenderer,)

    takes: ClassVar[type[Serializer[Any]]] = Nothing
    filters: ClassVar[type[Serializer[Any]]] = Nothing  # what the query string may say
    pagination_class: ClassVar[type[LatestFirst] | None] = None  # for lists
    answers: ClassVar[type[Serializer[Any]]] = Nothing
    shows: ClassVar[type[Serializer[Any]] | None] = None  # what GET answers, when it is not `answers`
    files: ClassVar[
        tuple[str, ...]
    ] = ()  # media types in which GET answers besides JSON, or instead when it shows none
    answer_status: ClassVar[int] = 200
    write_scope: ClassVar[Scope] = "write"
    keeps_answers: ClassVar[bool] = True  # for Idempotency-Key; not where answers are secrets
    asks_second_factor: ClassVar[bool] = True  # of support that may move money, for whatever changes something
    refuses: ClassVar[tuple[type[Problem], ...]] = ()  # beside what can be read from the code (accounts/refusals.py)
    deprecated: ClassVar[bool] = False
    operation_id: ClassVar[dict[str, str]] = {}  # by method, where the path does not give a good one
    who: ClassVar[str | dict[str, str]] = {}  # may call (by method), where it is not whom the permission classes name

    may_move_money: ClassVar[bool] = False  # then the audit trail says that it begins

    claim: Claim | None = None
    standing: Standing | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """REST framework's dispatch, with the work done once per Idempotency-Key."""
        self.args, self.kwargs = args, kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        try:
            self.initial(self.request, *args, **kwargs)
            response = self._once(self._work)
        except Exception as error:
            self.standing = getattr(error, "standing", self.standing)
            response = self.handle_exception(error)
        self.response = self.finalize_response(self.request, response, *args, **kwargs)
        return self.response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        scope: Scope = "read" if request.method in SAFE_METHODS else self.write_scope
        address = address_of(request._request)
        try:
            super().initial(request, *args, **kwargs)
        except Exception:  # whoever is refused counts too
            self.standing = take("read" if scope == "login" else scope, who=address, address=address)
            raise
        self._refuse_without_second_factor(request)
        if scope != "login":  # counted per address and account, once we have read which
            self.standing = take(scope, who=str(request.user.pk or address), address=address)

    @classmethod
    def may_call(cls, method: str) -> str:
        """Who may call this, in words; a permission class says it as `who`."""
        names: dict[Any, str] = {AllowAny: "anybody", IsAuthenticated: "anybody logged in"}
        permissions: tuple[Any, ...] = tuple(cls.permission_classes)
        told = cls.who if isinstance(cls.who, str) else cls.who.get(method)
        return told or ", ".join(
            str(names.get(permission) or getattr(permission, "who", permission.__name__)) for permission in permissions
        )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        for name, value in self.standing.headers().items() if self.standing else ():
            final.headers[name] = value
        if request.method in READS and isinstance(final, Response) and final.status_code == 200:
            final.add_post_render_callback(partial(unless_known, request))
        return final

    def _refuse_without_second_factor(self, request: Request) -> None:
        """Support that may move money changes nothing by password alone (docs/decisions/0010)."""
        if request.method in SAFE_METHODS or not self.asks_second_factor or not second_factor.must_pass(request.user):
            return
        session = request.auth if isinstance(request.auth, SessionBase) else request._request.session
        if not second_factor.passed(session, request.user):
            raise second_factor.SecondFactorRequired()

    @property
    def user(self) -> User:
        """Who is logged in."""
        return cast(User, self.request.user)

    @property
    def actor(self) -> Actor:
        return self.user.as_actor(Door.API)

    @property
    def request_key(self) -> str | None:
        """The same whenever this very request is tried again; None without Idempotency-Key."""
        return self.claim.id if self.claim else None

    def body(self) -> dict[str, Any]:
        """What the body says, checked by `takes`. Raises REST framework's errors, answered as 400 `invalid`."""
        return self._checked(self.takes, self.request.data)

    def query(self) -> dict[str, Any]:
        """What the query string says, checked by `filters`."""
        return self._checked(self.filters, self.request.query_params)

    def _checked(self, serializer_class: type[Serializer[Any]], data: Any) -> dict[str, Any]:
        serializer = serializer_class(data=data, context={"request": self.request})
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _refuse_unknown_members(self) -> None:
        """A filter that does not exist must not look like one that found everything."""
        known = {*self.filters().fields, *(self.pagination_class().query_members if self.pagination_class else ())}
        if unknown := sorted(set(self.request.query_params) - known):
            raise invalid({name[:100]: ["Not a member of this query."] for name in unknown[:20]})

    def _work(self) -> Response:
        if self.may_move_money and self.request.method not in SAFE_METHODS:
            plain = self.request._request
            begin(door=Door.API, **who_and_what(plain, str(self.request.method)))
        handler = getattr(self, str(self.request.method).lower(), None)
        if handler is None or str(self.request.method).lower() not in self.http_method_names:
            handler = self.http_method_not_allowed
        elif self.request.method in READS:
            self._refuse_unknown_members()
        return cast(Response, handler(self.request, *self.args, **self.kwargs))

    # --- Idempotency-Key ---------------------------------------------------------------------------------------------

    def _once(self, work: Callable[[], Response]) -> Response:
        """Do the work, or answer as it was answered before."""
        key = self.request.headers.get("Idempotency-Key")
        if key is None or not self.keeps_answers or self.request.method not in ("POST", "PATCH"):
            return work()
        if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
            raise invalid({"Idempotency-Key": [f"1 to {LONGEST_KEY} printable ASCII characters"]})
        method, path = str(self.request.method), self.request.get_full_path()
        self.claim = idempotency.claim(
            user_id=self.user.id,
            key=key,
            fingerprint=idempotency.fingerprint_of(method, path, self.request.data),
            system_now=clock.system_now(),
        )
        if self.claim.answer:
            return _replay(self.claim.answer)
        return self._kept(self.claim, work)

    def _kept(self, claim: Claim, work: Callable[[], Response]) -> Response:
        """Do the work and keep its answer, unless it is one that should be tried again: 429 and 5xx."""
        try:
            try:
                response = work()
            except Exception as error:
                response = self.handle_exception(error)  # raises again what is a bug
        except Exception:
            idempotency.free(claim)
            raise
        if response.status_code == 429 or response.status_code >= 500:
            idempotency.free(claim)
        else:
            body = JSONRenderer().render(response.data).decode()
            idempotency.keep(claim, Answer(response.status_code, body))
        return response


def _replay(answer: Answer) -> Response:
    return Response(
        json.loads(answer.body or "null"),
        status=answer.status,
        headers={REPLAYED: "true"},
        content_type=CONTENT_TYPE if answer.status >= 400 else None,
    )
