"""After a lesson: it took place, it went otherwise, somebody did not come; and the answer to that."""

from typing import Any

from bookings import operations
from bookings.models import Booking, NoShowReport
from bookings.operations.complete import refuse_completion
from bookings.operations.report_no_show import refuse_report
from bookings.operations.resolve_review import refuse_completion_dispute
from bookings.policy.no_show import DISPUTE_FOR, refuse_dispute_after
from common.actors import Role
from common.problems import NotFound
from pages.forms import PageForm, Words

from .actions import open_report_against
from .changing import LessonForm


class CompleteInput(PageForm):
    note = Words(label="What did you do?", max_length=1000, required=False, help_text="Your student can read this.")


class Complete(LessonForm):
    """The instructor says that the lesson took place."""

    template, title, form = "pages/lessons/complete.html", "Did the lesson take place?", CompleteInput
    roles = (Role.INSTRUCTOR,)
    done_words = "Thank you. The payout follows 24 hours after the lesson."

    def content(self, **path: Any) -> dict[str, Any]:
        content = super().content(**path)
        refuse_completion(content["booking"], self.now)
        return content

    def operate(self, **values: Any) -> Booking:
        return operations.complete_lesson(actor=self.actor, now=self.now, **values)


class DisputeInput(PageForm):
    reason = Words(
        label="What happened?",
        rows=6,
        max_length=2000,
        help_text="Our support reads this and decides: pay you in full, refund the student, or half and half.",
        error_messages={"required": "Tell our support what happened."},
    )


class DisputeCompletion(LessonForm):
    """The instructor says that the lesson went otherwise: everything waits for support."""

    template, title, form = "pages/lessons/dispute.html", "The lesson went otherwise", DisputeInput
    roles = (Role.INSTRUCTOR,)
    done_words = "Our support has it now. The money waits until they have decided."

    def content(self, **path: Any) -> dict[str, Any]:
        content = super().content(**path)
        refuse_completion_dispute(content["booking"], self.now)
        return content

    def operate(self, **values: Any) -> Booking:
        return operations.dispute_completion(actor=self.actor, now=self.now, **values)


class ReportInput(PageForm):
    reason = Words(
        label="What happened?",
        max_length=500,
        help_text="How long did you wait? Did you hear from them? They read this and may answer.",
        error_messages={"required": "Say in a few words what happened."},
    )


class ReportNoShow(LessonForm):
    """Say that the other side did not come. The money freezes; the other side has 24 hours to answer."""

    template, form = "pages/lessons/no_show.html", ReportInput
    done_words = "Reported. The money waits; the other side has 24 hours to answer."

    @property
    def accused(self) -> NoShowReport.Type:
        """Whom this viewer can report: the other side."""
        types = NoShowReport.Type
        return types.STUDENT if self.user.role == Role.INSTRUCTOR else types.INSTRUCTOR

    def content(self, **path: Any) -> dict[str, Any]:
        content = super().content(**path)
        refuse_report(content["booking"], self.accused, self.now)
        return {
            **content,
            "title": f"{content['other'].first_name} did not come?",
            "answer_until": self.now + DISPUTE_FOR,
        }

    def operate(self, **values: Any) -> Booking:
        return operations.report_no_show(actor=self.actor, now=self.now, no_show_type=self.accused, **values)


class AnswerInput(PageForm):
    reason = Words(
        label="Your answer",
        rows=5,
        min_length=10,
        max_length=500,
        help_text="What happened from your side? Our support reads both and decides.",
        error_messages={"required": "Say what happened from your side."},
    )


class AnswerNoShow(LessonForm):
    """The accused answers a report; support then decides."""

    template, title, form = "pages/lessons/answer_no_show.html", "Answer the report", AnswerInput
    done_words = "Your answer is with our support. They decide and write to both of you."

    def content(self, **path: Any) -> dict[str, Any]:
        content = super().content(**path)
        report = open_report_against(content["booking"], Role(self.user.role))
        if report is None:
            raise NotFound("Nobody has reported you for this lesson.")
        refuse_dispute_after(window_ends=report.dispute_window_ends, now=self.now)
        return {**content, "report": report}

    def operate(self, **values: Any) -> Booking:
        return operations.dispute_no_show(actor=self.actor, now=self.now, **values)
