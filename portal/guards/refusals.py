"""Refusals of acts, shown to the person: above the next page, or at a field of the form."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from django.contrib import messages
from django.forms import BaseForm

from clients.acts.four_eyes import NeedsColleague
from foundation.refusals import Refusal
from portal.explanations.sentences import sentence_of
from portal.web.http_request import Request


class refusals_to:  # noqa: N801  (reads as a verb after `with`)
    """Context manager around one act, named like contextlib.suppress.

    A refusal ends the block, and is shown to the reader.

    `with refusals_to(request):` shows it above the next page; `with refusals_to(form, "email"):` at the field, and the
    page shows the form again with the values typed. `refusal` is None after an act that succeeded. NeedsColleague is
    raised to the view, which proposes the act instead, and so are the refusals that the view handles itself (`but`).
    """

    def __init__(
        self, place: Request | BaseForm, field: str | None = None, *, but: type[Refusal] = NeedsColleague
    ) -> None:
        self.place, self.field, self.but = place, field, (but, NeedsColleague)
        self.refusal: Refusal | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if not isinstance(problem, Refusal) or isinstance(problem, self.but):
            return False
        self.refusal = problem
        if isinstance(self.place, BaseForm):
            self.place.add_error(self.field, sentence_of(problem))
        else:
            messages.error(self.place, sentence_of(problem))
        return True
