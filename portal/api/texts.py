"""Texts that go into the change log and into mails: bounded, and never with a secret in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.forms import Form
from pydantic import AfterValidator, Field, StringConstraints

from portal.api.problems import Problem
from portal.explanations.api_codes import ApiCode
from portal.forms.fields import no_secret
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
Words = Annotated[str, Field(max_length=MAX_WORDS), AfterValidator(_without_secret)]  # to the contacts, for their mail


def checked[F: Form](form: F) -> F:
    """Return the form of a page with the values of a body. Raises Problem with an entry for each field."""
    if form.is_valid():
        return form
    found: Mapping[str, list[dict[str, Any]]] = form.errors.get_json_data()
    errors = [_entry(name, error) for name, several in found.items() for error in several]
    raise Problem(ApiCode.FIELDS_INVALID, errors=errors)


def _entry(name: str, error: dict[str, Any]) -> dict[str, Any]:
    return {"field": name, "code": error["code"] or "invalid", "detail": error["message"], "facts": {}}
