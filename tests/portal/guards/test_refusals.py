"""A refusal on a page: at the field of the form, with what was typed, or above the next page."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages.storage.fallback import FallbackStorage
from django.forms import CharField, Form
from django.test import RequestFactory
from django.utils import translation

from clients.acts.four_eyes import NeedsColleague
from clients.edit_tags import Stale
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from portal.explanations.sentences import sentence_of
from portal.guards.refusals import refusals_to


class NameForm(Form):
    name = CharField()


def test_a_refusal_is_shown_at_its_field_and_nothing_typed_is_lost() -> None:
    form = NameForm({"name": "Meter"})
    assert form.is_valid()
    with refusals_to(form, "name") as told:
        raise Refusal(Code.SCOPE_EXISTS, name="Meter")
    assert form.errors == {"name": ["There is a scope with this name."]}
    assert form["name"].value() == "Meter"
    assert told.refusal is not None


def test_a_refusal_is_shown_above_the_next_page() -> None:
    request: Any = RequestFactory().get("/")
    request.session = {}
    request._messages = FallbackStorage(request)
    with translation.override("de"), refusals_to(request):
        raise Refusal(Code.LAST_KEY)
    with translation.override("de"):
        german = sentence_of(Refusal(Code.LAST_KEY))
    assert [message.message for message in request._messages] == [german]


def test_an_act_that_was_done_leaves_no_refusal() -> None:
    form = NameForm({"name": "Meter"})
    with refusals_to(form) as told:
        assert form.is_valid()
    assert told.refusal is None
    assert form.is_valid()


@pytest.mark.parametrize("problem", [NeedsColleague(), Stale(), ValueError("a fault of ours")])
def test_what_the_view_answers_itself_and_faults_go_through(problem: Exception) -> None:
    with pytest.raises(type(problem)), refusals_to(NameForm(), but=Stale):
        raise problem
