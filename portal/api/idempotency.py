"""`Idempotency-Key` (API M-5): whoever sends the same POST again within a day gets the first answer.

One transaction has the act and its kept answer, so there is never the one without the other, and a process that dies
leaves nothing behind. An advisory lock of that transaction tells that the first HTTP request is still running.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any, Literal

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from ninja import Schema, Status
from pydantic import JsonValue

from clients import encryption
from clients.models import Client, KeptAnswer
from clients.models.kept_answers import KEPT
from foundation.refusals import Refusal
from portal.api.bearer import Caller
from portal.api.problems import Problem, field_error
from portal.explanations.api_codes import ApiCode
from portal.web.http_request import prepared
from tokens.protocol.errors import Rule

HEADER = "Idempotency-Key"
MAX_LENGTH = 255
MAX_KEPT_PER_CLIENT = 10_000
SECRET: dict[str, JsonValue] = {"format": "password"}  # json_schema_extra of a member that is a secret in clear
NOT_KEPT: Literal["secret_not_kept"] = "secret_not_kept"


def once(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate every operation (application.py): a POST with an Idempotency-Key is done once."""

    @wraps(operation)
    def run(request: HttpRequest, **given: Any) -> Any:
        caller = getattr(request, "auth", None)
        if request.method != "POST" or HEADER not in request.headers or not isinstance(caller, Caller):
            return operation(request, **given)
        key, refused = _key(request), None
        with transaction.atomic():
            kept = _first(caller.client, key, request)
            if kept is not None:
                return _again(kept, given.get("response"))
            try:
                answer = operation(request, **given)
                _keep(caller.client, key, request, answer, given.get("response"))
            except Refusal as refusal:
                refused = refusal  # what it wrote is kept: the report of a private key, a failure that counts
        if refused is not None:
            raise refused
        return answer

    return run


def _key(request: HttpRequest) -> str:
    key = request.headers[HEADER].strip()
    if not 0 < len(key) <= MAX_LENGTH or not (key.isascii() and key.isprintable()):
        raise Problem(ApiCode.FIELDS_INVALID, errors=[field_error([HEADER], "idempotency_key")])
    return key


def _first(client: Client, key: str, request: HttpRequest) -> KeptAnswer | None:
    """Return the kept answer; None, and the lock, for the first. Raises Problem."""
    with connection.cursor() as cursor:
        name = f"idempotency:{client.pk}:{key}"
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        if not cursor.fetchone()[0]:
            raise Problem(ApiCode.IDEMPOTENCY_KEY_IN_USE, headers={"Retry-After": "1"})
    now = prepared(request).now
    KeptAnswer.objects.over(now).filter(client=client, key=key).delete()
    kept = client.kept_answers.filter(key=key).first()
    if kept is not None and bytes(kept.fingerprint) != _fingerprint(request):
        raise Problem(ApiCode.IDEMPOTENCY_KEY_REUSED)
    if kept is None and client.kept_answers.count() >= MAX_KEPT_PER_CLIENT:
        raise Problem(
            Rule.RATE_LIMIT, headers={"Retry-After": str(int(KEPT.total_seconds()))}, limit=MAX_KEPT_PER_CLIENT
        )
    return kept


def _fingerprint(request: HttpRequest) -> bytes:
    return sha256(f"{request.method} {request.get_full_path()}\n".encode() + request.body).digest()


def _keep(client: Client, key: str, request: HttpRequest, answer: Any, response: HttpResponse | None) -> None:
    status, value = (answer.status_code, answer.value) if isinstance(answer, Status) else (200, answer)
    row = KeptAnswer(
        client=client,
        key=key,
        fingerprint=_fingerprint(request),
        status=status,
        etag=response.get("ETag", "") if response is not None else "",
        kept_at=prepared(request).now,
    )
    if isinstance(value, Schema):
        body = value.model_dump(mode="json", exclude_unset=True)
        secrets = {name: body.pop(name) for name in _secrets_of(value) if name in body}
        row.body = body | ({"code": NOT_KEPT} if secrets else {})
        if secrets and settings.SECRETS_VIEWABLE:
            row.ciphertext, row.sealed_with = encryption.encrypt(json.dumps(secrets), row=row.uid)
    row.save()


def _secrets_of(value: Schema) -> list[str]:
    return [name for name, field in type(value).model_fields.items() if field.json_schema_extra == SECRET]


def _again(kept: KeptAnswer, response: HttpResponse | None) -> Status[Any]:
    """Return the first answer; where its secret was not kept, or does not open any more, its `code` says so."""
    body = kept.body
    if body and kept.ciphertext is not None and settings.SECRETS_VIEWABLE:
        try:
            text = encryption.decrypt(bytes(kept.ciphertext), key_id=kept.sealed_with, row=kept.uid)
            body = {name: part for name, part in body.items() if name != "code"} | json.loads(text)
        except encryption.UnableToDecrypt:
            pass
    if kept.etag and response is not None:
        response["ETag"] = kept.etag
    return Status(kept.status, body)
