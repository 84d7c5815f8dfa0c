"""Requests for the Security team's programs: read, send one for a contact, write, recommend; never decide (API M-7)."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from clients.acts import client_requests, review
from clients.models import Registration, Scope
from clients.refusal_codes import Code
from portal.api.bearer import caller_of
from portal.api.if_match import require_tag
from portal.api.lists import NumberedPage, newest_first, refuse_credential, refuse_unknown_filters
from portal.api.openapi import refusals
from portal.api.problems import Problem
from portal.api.team.bearers import RequestsRead, RequestsWrite
from portal.api.team.request_representation import (
    Message,
    TeamRequest,
    TeamRequests,
    loaded,
    shown_message,
    shown_request,
)  # fmt: skip
from portal.api.texts import Reason, checked
from portal.explanations.api_codes import ApiCode
from portal.forms.requests import MessageForm, RequestForm
from portal.search import request_search
from portal.search.staff_search import MAX_LENGTH
from portal.web.http_request import prepared

WRITE = RequestsWrite()
router = Router(auth=RequestsRead(), tags=["requests"])
Text = Annotated[str, Field(max_length=4000)]
Scenario = Literal["client_credentials"]


class RequestFilters(NumberedPage):
    """Filters with the names that they have in the addresses of the queue."""

    q: Annotated[str, Field(max_length=MAX_LENGTH)] | None = Field(
        default=None, description="A number, or part of a name, an organisation or an address"
    )
    show: Literal["all", "second", "contact", "decided"] | None = Field(
        default=None, description="all: waits for a review; second: for the second one; contact: for the contact"
    )


class NewRequest(Schema):
    """A request that a program fills in for a contact, who confirms it by the code in a mail."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "client_name": "Meterstanden",
                "organisation": "Waterbedrijf Leiestroom",
                "contact_name": "Lotte Verhaeghe",
                "contact_email": "lotte@leiestroom.example",
                "purpose": "Reads addresses before letters are sent.",
                "scenario": "client_credentials",
                "scopes": ["address.read"],
                "language": "nl",
            }
        },
    )

    client_name: Text
    organisation: Text
    organisation_number: Text = ""
    reference: Text = ""
    contact_name: Text
    contact_email: Text
    purpose: Text
    scenario: Scenario = "client_credentials"
    scopes: list[str] = Field(max_length=500)
    language: Literal["en", "nl", "fr", "de", ""] = Field(default="", description="Of the mails; empty: the site's")


class NewMessage(Schema):
    """A message to the contact."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"text": "Which addresses do you need?"}})

    text: Text


class Recommendation(Schema):
    """Advice to the people who decide, and why; the contact does not see it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"recommendation": "approve", "reason": "Contract 4711 is valid."}},
    )

    recommendation: Literal["approve", "reject", "request_changes"]
    reason: Reason


@router.get(
    "requests",
    response=TeamRequests,
    url_name="requests",
    operation_id="listRequests",
    openapi_extra=refusals(ApiCode.FIELDS_INVALID),
)
def list_requests(request: HttpRequest, filters: Query[RequestFilters]) -> TeamRequests:
    """Return the requests that their contacts have confirmed."""
    refuse_unknown_filters(request, RequestFilters)
    refuse_credential("q", filters.q)
    found = request_search.matching(filters.q) if filters.q else Registration.objects.confirmed()
    if filters.show == "decided":
        found = found.exclude(decided_at=None)
    elif filters.show:
        waits = Registration.Status.CHANGES_REQUESTED if filters.show == "contact" else Registration.Status.SUBMITTED
        found = found.filter(status=waits)
    if filters.show == "second":
        found = found.exclude(endorsed_by=None)
    rows, cursor = newest_first(loaded(found), filters)
    return TeamRequests(items=[shown_request(row) for row in rows], next=cursor)


@router.post(
    "requests",
    auth=WRITE,
    response={201: TeamRequest},
    url_name="requests",
    operation_id="sendRequest",
    openapi_extra=refusals(Code.TOO_MANY_CODES, Code.TOO_MANY_CODES_BEFORE, body=True),
)
def send_request(request: HttpRequest, response: HttpResponse, payload: NewRequest) -> Status[TeamRequest]:
    """Fill in a request for a contact. The contact gets a mail, and confirms it by the code in it."""
    form = checked(RequestForm(payload.dict(exclude={"language"}), scopes=Scope.objects.offered()))
    content = form.content(
        contact_name=form.cleaned_data["contact_name"], contact_email=form.cleaned_data["contact_email"]
    )
    by, now = caller_of(request).actor, prepared(request).now
    made = client_requests.submit(content=content, language=payload.language or settings.LANGUAGE_CODE, by=by, now=now)
    return Status(201, _answer_with(response, _request_of(request, made.uid)))


@router.get(
    "requests/{uuid:uid}",
    response=TeamRequest,
    url_name="request",
    operation_id="getRequest",
    openapi_extra=refusals(ApiCode.NOT_FOUND, ApiCode.FIELDS_INVALID),
)
def get_request(request: HttpRequest, response: HttpResponse, uid: UUID) -> TeamRequest:
    """Return one request with its messages; an unconfirmed one only to the program that filled it in."""
    return _answer_with(response, _request_of(request, uid))


@router.post(
    "requests/{uuid:uid}/messages",
    auth=WRITE,
    response={201: Message},
    url_name="request_messages",
    operation_id="writeMessage",
    openapi_extra=refusals(ApiCode.NOT_FOUND, Code.TOO_MANY_MESSAGES, body=True),
)
def write_message(request: HttpRequest, uid: UUID, payload: NewMessage) -> Status[Message]:
    """Write to the contact, who gets a mail and sees it as the Security team's."""
    text = checked(MessageForm(payload.dict())).cleaned_data["text"]
    registration = _confirmed(request, uid)
    by, now = caller_of(request).actor, prepared(request).now
    client_requests.comment(registration=registration, text=text, by=by, now=now)
    return Status(201, shown_message(registration.messages.latest("pk")))


@router.post(
    "requests/{uuid:uid}/recommendation",
    auth=WRITE,
    response={204: None},
    url_name="request_recommendation",
    operation_id="recommendDecision",
    openapi_extra=refusals(
        ApiCode.NOT_FOUND, ApiCode.IF_MATCH_MISSING, Code.CHANGED_MEANWHILE, Code.REQUEST_NOT_WAITING, body=True
    ),
)
def recommend(request: HttpRequest, uid: UUID, payload: Recommendation) -> Status[None]:
    """Recommend a decision to the reviewers, who see it on the page of the request. Needs If-Match."""
    by, now = caller_of(request).actor, prepared(request).now
    with transaction.atomic():
        Registration.objects.select_for_update(no_key=True).filter(uid=uid).first()
        registration = _confirmed(request, uid)
        require_tag(request, shown_request(registration).etag)
        review.recommend(registration=registration, advice=payload.recommendation, text=payload.reason, by=by, now=now)
    return Status(204, None)


def _refused(request: HttpRequest, uid: UUID) -> Status[None]:
    """Refuse: what takes a person takes a person (API M-7)."""
    raise Problem(ApiCode.NEEDS_A_PERSON)


for act in ("approve", "reject", "confirm"):
    router.post(
        f"requests/{{uuid:uid}}/{act}",
        auth=WRITE,
        response={204: None},
        url_name=f"{act}_request",
        operation_id=f"{act}Request",
        summary=f"Refuse to {act} a request: a person does that, on its page",
        openapi_extra=refusals(ApiCode.NEEDS_A_PERSON, ApiCode.FIELDS_INVALID),
    )(_refused)


def _request_of(request: HttpRequest, uid: UUID) -> Registration:
    """Return a request that is confirmed, or of this program. Raises Problem."""
    seen = ~Q(status=Registration.Status.UNCONFIRMED) | Q(program=caller_of(request).client)
    found = loaded(Registration.objects.filter(seen, uid=uid)).first()
    if found is None:
        raise Problem(ApiCode.NOT_FOUND)
    return found


def _confirmed(request: HttpRequest, uid: UUID) -> Registration:
    found = _request_of(request, uid)
    if found.status == Registration.Status.UNCONFIRMED:
        raise Problem(ApiCode.NOT_FOUND)
    return found


def _answer_with(response: HttpResponse, registration: Registration) -> TeamRequest:
    shown = shown_request(registration)
    response["ETag"] = f'"{shown.etag}"'
    return shown
