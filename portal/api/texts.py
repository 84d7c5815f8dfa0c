"""Texts that go into the change log and into mails: bounded, and never with a secret in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from django.forms import Field, Form
from pydantic import AfterValidator, StringConstraints

from portal.api.lists import wrong_field
from portal.api.problems import Problem
from portal.explanations.api_codes import ApiCode
from portal.forms.fields import Line, Text, no_secret
from portal.forms.reason import MIN_REASON

MAX_REASON, MAX_WORDS = 1000, 2000


def _without_secret(text: str) -> str:
    try:
        no_secret(text)
    except ValidationError:
        raise ValueError("There is a secret in this text.") from None
    return text


Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=MIN_REASON, max_length=MAX_REASON),
    AfterValidator(_without_secret),
]
# To the contacts, for their mail.
Words = Annotated[
    str, StringConstraints(max_length=MAX_WORDS), AfterValidator(_without_secret)
]  # to the contacts, for their mail


def checked[F: Form](form: F) -> F:
    """Return the form of a page with the values of a body. Raises Problem with an entry for each field."""
    if form.is_valid():
        return form
    found: Mapping[str, list[dict[str, Any]]] = form.errors.get_json_data()
    errors = [_entry(name, error) for name, several in found.items() for error in several]
    raise Problem(ApiCode.FIELDS_INVALID, errors=errors)


def _entry(name: str, error: dict[str, Any]) -> dict[str, Any]:
    return {"field": name, "code": error["code"] or "invalid", "detail": error["message"], "facts": {}}


def _cleaned_by(field: Field) -> Callable[[str], str]:
    """Return a validator that cleans a text as the field of a page does."""

    def clean(text: str) -> str:
        try:
            return str(field.clean(text))
        except ValidationError:
            raise ValueError("This text cannot be used.") from None

    return clean


Name = Annotated[str, AfterValidator(_cleaned_by(Line(max_length=120)))]
Description = Annotated[str, AfterValidator(_cleaned_by(Text(max_length=500, validators=[no_secret])))]
Language = Literal["en", "nl", "fr", "de"]
Descriptions = dict[Language, Description]


def in_english(description: Descriptions) -> dict[str, str]:
    """Return descriptions with an English one, for readers of a language without one. Raises Problem."""
    if "en" not in description:
        raise wrong_field("description", "no_english")
    return {str(language): text for language, text in description.items()}
