"""Notices to the Security team and to owners of APIs: written by acts, and by looks at what no act causes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import uuid4

from django.db.models import QuerySet
from django.utils import timezone

from audit.models import Verification
from clients.models import Api, Client, Notice, Recertification, Registration, Scope, User, Webhook
from clients.team import review_target

TARGET_NEARLY_USED = 0.8  # of the working time that the target allows
LOOK_BACK = timedelta(days=2)  # at verifications that ended


def note(
    kind: Notice.Kind, subject: str, *, about: Mapping[str, object], once: object, now: datetime,
    by: User | None = None, api: Api | None = None,
) -> None:  # fmt: skip
    """Write a notice, as part of an act. `once`: the same is noted a single time. `by`: is not mailed about it.

    `api`: for the owners of this API, in place of the Security team.
    """
    ids = {name: str(value) for name, value in about.items()}
    if api is not None:
        ids, once = {"api": api.identifier, **ids}, f"{api.pk} {once}"
    notice = Notice(kind=kind, key=f"{kind} {once}", at=now, subject=subject, about=ids, by=by, api=api)
    Notice.objects.bulk_create([notice], ignore_conflicts=True)


def note_request(kind: Notice.Kind, registration: Registration, *, now: datetime, by: User | None = None) -> None:
    """Write a notice about a request, once each time that it is sent in."""
    note(
        kind, registration.audit_label, about={"request": registration.uid, "number": registration.number},
        once=f"{registration.uid} {registration.submitted_at}", now=now, by=by,
    )  # fmt: skip


def note_client(kind: Notice.Kind, client: Client, *, now: datetime) -> None:
    note(kind, client.audit_label, about={"client": client.uid}, once=f"{client.uid} {now}", now=now)


# --- Owners of APIs -------------------------------------------------------------------------------------------------
def note_request_to_owners(registration: Registration, asked: Mapping[Api, Iterable[str]], *, now: datetime) -> None:
    """Write a notice that the request waits for each of these APIs with a webhook. `asked`: the names of its scopes."""
    for api in _with_webhook(Api.objects.filter(pk__in=[api.pk for api in asked])):
        note(
            Notice.Kind.REQUEST_WAITS, registration.audit_label, api=api, now=now,
            about={"request": registration.uid, "number": registration.number, "scopes": " ".join(sorted(asked[api]))},
            once=f"{registration.uid} {registration.submitted_at}",
        )  # fmt: skip


def note_scopes(client: Client, *, before: Iterable[Scope], after: Iterable[Scope], now: datetime) -> None:
    """Write a notice for each API with a webhook of which the client got or lost scopes."""
    had, has = set(before), set(after)
    for api in _with_webhook(Api.objects.filter(scopes__in=had ^ has).distinct()):
        about = {
            name: " ".join(sorted(scope.name for scope in scopes if scope.api_id == api.pk))
            for name, scopes in (("scopes", has), ("added", has - had), ("removed", had - has))
        }
        _note_caller(Notice.Kind.CALLER_SCOPES_CHANGED, client, api, about, now)


def note_caller(kind: Notice.Kind, client: Client, *, about: Mapping[str, object], now: datetime) -> None:
    """Write a notice about a client for each API with a webhook of which it holds scopes."""
    held = Scope.objects.filter(retired_at=None, clients=client)
    for api in _with_webhook(Api.objects.filter(scopes__in=held).distinct()):
        _note_caller(kind, client, api, about, now)


def note_scope(kind: Notice.Kind, scope: Scope, *, now: datetime, about: Mapping[str, object] | None = None) -> None:
    """Write a notice about a scope for its API, if that has a webhook."""
    facts, once = {"scope": scope.name, **(about or {})}, f"{scope.pk} {now}"
    for api in _with_webhook(Api.objects.filter(pk=scope.api_id)):
        note(kind, scope.audit_label, api=api, about=facts, once=once, now=now)


def _note_caller(kind: Notice.Kind, client: Client, api: Api, about: Mapping[str, object], now: datetime) -> None:
    note(kind, client.audit_label, api=api, about={"client": client.uid, **about}, once=uuid4(), now=now)


def _with_webhook(apis: QuerySet[Api]) -> QuerySet[Api]:
    """Return those of the APIs whose owners have a webhook; nobody else reads their notices."""
    return apis.filter(pk__in=Webhook.objects.filter(ends_at=None, api__isnull=False).values("api"))


# --- What no act causes ---------------------------------------------------------------------------------------------
def look(*, now: datetime) -> None:
    """Write notices about what time or the worker brings.

    Requests near their target, a change log with a problem, clients that were not confirmed in time.
    """
    for registration in Registration.objects.awaiting_review():
        submitted_at = registration.submitted_at
        if submitted_at and review_target.part_used(submitted_at, now) >= TARGET_NEARLY_USED:
            note_request(Notice.Kind.TARGET_NEAR, registration, now=now)
    for run in Verification.objects.filter(finished_at__gt=now - LOOK_BACK):
        if run.result and not run.result.ok:
            note(Notice.Kind.VERIFICATION_FAILED, str(run), about={"verification": run.pk}, once=run.pk, now=now)
    _look_at_recertification(now)


def _look_at_recertification(now: datetime) -> None:
    """Write one notice for all clients whose time to be confirmed was over yesterday: they have one list."""
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = today - timedelta(days=1)
    late = Recertification.objects.late(now).filter(answer_by__gte=yesterday, answer_by__lt=today).count()
    if late:
        day = yesterday.date()
        note(Notice.Kind.RECERTIFICATION_LATE, str(late), about={"answer_by": day, "clients": late}, once=day, now=now)
