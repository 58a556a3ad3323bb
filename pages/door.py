"""The two shapes that every page has: read something, or take a form, make one call and go on.

A page says who may open it and what it shows; a form page also which form it takes, which operation it calls and where
it goes afterwards. Whatever an operation refuses is said at the right field, with everything typed still there.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, cast

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.views import View

from accounts.models import User
from accounts.problem_responses import headers_of, problem_of
from accounts.rate_limits import Scope, refuse_if_too_many
from common import clock
from common.actors import Actor, Door, Role
from common.problems import NotFound, PermissionDenied, Problem

from . import kept
from .viewer import sign_in_url
from .words.problems import in_words

STUDENT, INSTRUCTOR, STAFF = Role.STUDENT, Role.INSTRUCTOR, Role.STAFF
WRONG_FORM = 422


class Page(View):
    """GET: whoever may, sees `template` with what `content` gives."""

    template: ClassVar[str]
    title: ClassVar[str] = ""
    public: ClassVar[bool] = False  # open to people who are not signed in
    roles: ClassVar[tuple[Role, ...]] = (STUDENT, INSTRUCTOR)  # who may open it, once signed in

    def dispatch(self, request: HttpRequest, *args: Any, **path: Any) -> HttpResponseBase:
        try:
            if not self.public:
                if not request.user.is_authenticated:
                    return self.ask_to_sign_in()
                self.refuse_others()
            return super().dispatch(request, *args, **path)
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                raise
            return self.refusal(problem)

    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return self.page(**self.content(**path))

    def _nothing(self, **path: Any) -> dict[str, Any]:
        return {}

    content: Callable[..., dict[str, Any]] = _nothing  # what the template shows; raises NotFound for what is not theirs

    def page(self, status: int = 200, **content: Any) -> HttpResponse:
        """The rendered page."""
        return render(self.request, self.template, {"title": self.title, "now": self.now, **content}, status=status)

    def ask_to_sign_in(self) -> HttpResponse:
        """Off to signing in, and back here afterwards."""
        return HttpResponseRedirect(sign_in_url(self.request.get_full_path()))

    def refuse_others(self) -> None:
        """Raises PermissionDenied for a role that this page is not for."""
        if self.user.role not in self.roles:
            who = " and ".join(f"{role}s" for role in self.roles)
            raise PermissionDenied(f"This page is for {who}.")

    def refusal(self, problem: Problem) -> HttpResponse:
        """A page that says what went wrong, with HTTP's status."""
        answer = render(
            self.request,
            "pages/problem.html",
            {"title": "Not here" if isinstance(problem, NotFound) else "That did not work", "words": in_words(problem)},
            status=problem.status,
        )
        _say_when_to_come_back(answer, problem)
        return answer

    @property
    def user(self) -> User:
        """Who is signed in."""
        return cast(User, self.request.user)

    @property
    def actor(self) -> Actor:
        return self.user.as_actor(Door.PAGE)

    @cached_property
    def now(self) -> datetime:
        """When the request was received, for everything it decides (policy 2)."""
        return clock.now()


class FormPage(Page):
    """GET shows a form, POST makes one call and goes on.

    Subclasses say `form`, `operate` (what the cleaned form says → anything) and `done_url`.
    """

    form: ClassVar[type[Form]]
    operate: Callable[..., Any]  # the one call: takes what path and form say, raises what the operation raises
    scope: ClassVar[Scope] = "write"
    done_words: ClassVar[str] = ""
    said: QueryDict | None = None  # what was typed before signing in again

    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        typed = self.said = kept.take_back(request)
        content = self.content(**path)
        form = self.make_form(content, **({"data": typed, "files": None} if typed else {}))
        if typed:
            messages.info(request, "You were signed out meanwhile. Nothing is lost: look once more and send it.")
            form.errors.clear()
        return self.page(form=form, **content)

    def post(self, request: HttpRequest, **path: Any) -> HttpResponse:
        content = self.content(**path)
        form = self.make_form(content, data=request.POST, files=request.FILES)
        if not form.is_valid():
            return self.again(content, form, WRONG_FORM)
        try:
            refuse_if_too_many(self.scope, str(self.user.pk))
            result = self.operate(**path, **form.cleaned_data)
        except Exception as error:
            problem = problem_of(error)
            if problem is None or isinstance(problem, NotFound | PermissionDenied):
                raise
            return self.refused(content, form, problem, **path)
        return self.done(result)

    @property
    def typed(self) -> QueryDict:
        """What the person has said so far: in this request, or before they were signed out."""
        return self.said or self.request.POST or self.request.GET

    def make_form(self, content: dict[str, Any], **given: Any) -> Form:
        """The form, bound or not."""
        return self.form(**given) if given else self.form(initial=self.initial(content))

    def initial(self, content: dict[str, Any]) -> dict[str, Any]:
        """What the empty form starts with."""
        return {}

    def done(self, result: Any) -> HttpResponse:
        """What follows when it worked."""
        if self.done_words:
            messages.success(self.request, self.done_words)
        return HttpResponseRedirect(self.done_url(result))

    def done_url(self, result: Any) -> str:
        raise NotImplementedError

    def refused(self, content: dict[str, Any], form: Form, problem: Problem, **path: Any) -> HttpResponse:
        """The page again, with the refusal where it belongs and everything typed kept."""
        tell(form, problem)
        answer = self.again(self.content(**path), form, problem.status)  # as it is now
        _say_when_to_come_back(answer, problem)
        return answer

    def again(self, content: dict[str, Any], form: Form, status: int) -> HttpResponse:
        focus_first_error(form)
        return self.page(status, form=form, **content)

    def ask_to_sign_in(self) -> HttpResponse:
        """Signed out while typing: what was typed waits in the session until they are back."""
        if self.request.method != "POST":
            return super().ask_to_sign_in()
        return HttpResponseRedirect(sign_in_url(kept.keep(self.request)))


class Act(FormPage):
    """A button: POST makes one call and goes on; there is nothing to read here, so GET goes to `instead_url`."""

    form = Form
    template = "pages/problem.html"
    instead_url: Callable[..., str]

    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return HttpResponseRedirect(self.instead_url(**path))

    def refused(self, content: dict[str, Any], form: Form, problem: Problem, **path: Any) -> HttpResponse:
        messages.error(self.request, in_words(problem))
        return HttpResponseRedirect(self.instead_url(**path))

    def ask_to_sign_in(self) -> HttpResponse:
        return HttpResponseRedirect(sign_in_url(self.instead_url(**self.kwargs)))


def tell(form: Form, problem: Problem) -> None:
    """Say a refusal in the form: at the fields it names, or above all of them."""
    by_field = problem.fields.get("errors") if isinstance(problem.fields.get("errors"), dict) else {}
    told = False
    for name, errors in (by_field or {}).items():
        if name in form.fields:
            form.add_error(name, [str(error) for error in errors])
            told = True
    if not told:
        form.add_error(None, in_words(problem))


def focus_first_error(form: Form) -> None:
    """The first wrong field has the focus when the page opens; when none is named, the words above the form have it."""
    for name in form.fields:
        if name in form.errors:
            form.fields[name].widget.attrs["autofocus"] = True
            return


def _say_when_to_come_back(answer: HttpResponse, problem: Problem) -> None:
    """`Retry-After`, where trying again helps."""
    if "Retry-After" in (headers := headers_of(problem)):
        answer["Retry-After"] = headers["Retry-After"]


def to(name: str, *args: Any, **path: Any) -> str:
    """The address of a page."""
    return resolve_url(name, *args, **path)
