"""Keyset pages of lists: limit, cursor, and no filter that is not there (API M-5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from ninja import Schema
from pydantic import Field

from portal.api.problems import Problem, field_error
from portal.explanations.api_codes import ApiCode
from portal.forms.filters import no_credential

NEXT = "The cursor of the next page, null on the last one"


class Page(Schema):
    """How many rows, and after which one."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, Field(max_length=100)] | None = Field(default=None, description="`next` of the page before")


class NumberedPage(Page):
    """Page of a list whose cursor is a number."""

    cursor: Annotated[str, Field(pattern="^[0-9]{1,18}$")] | None = None


def refuse_unknown_filters(request: HttpRequest, known: type[Schema]) -> None:
    """Refuse a filter that ninja would ignore. Raises Problem."""
    unknown = sorted(request.GET.keys() - known.model_fields.keys())
    if unknown:
        raise Problem(ApiCode.FIELDS_INVALID, errors=[field_error([name], "extra_forbidden") for name in unknown])


def refuse_credential(name: str, text: str | None) -> None:
    """Refuse a filter with a secret or a token: access logs of proxies keep addresses. Raises Problem."""
    try:
        no_credential(text or "")
    except ValidationError:
        raise wrong_field(name, "credential") from None


def wrong_field(name: str, code: str) -> Problem:
    """Return the refusal of one field or filter."""
    return Problem(ApiCode.FIELDS_INVALID, errors=[field_error([name], code)])


def newest_first[Row: Model](rows: QuerySet[Row], page: NumberedPage) -> tuple[list[Row], str | None]:
    """Return the rows of the page by falling primary key, and the cursor of the next page."""
    older = rows.filter(pk__lt=int(page.cursor)) if page.cursor else rows
    return cut(list(older.order_by("-pk")[: page.limit + 1]), page, lambda row: str(row.pk))


def cut[Row](found: list[Row], page: Page, cursor: Callable[[Row], str]) -> tuple[list[Row], str | None]:
    """Return the rows of the page out of one more than its limit, and the cursor of the next page."""
    shown = found[: page.limit]
    return shown, cursor(shown[-1]) if len(found) > page.limit else None
