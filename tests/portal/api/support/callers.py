"""Clients that call the management API with a token of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from clients.models import Client, Key, Secret
from tokens.models import Token
from tokens.protocol import token_format

PATH = "/api/v1/"


def token_for(client: Client, credential: Key | Secret | None = None, *, scope: str = "keydesk.self") -> str:
    """Return a token, as the authorization server stores one; by default of the client's secret."""
    text, now = token_format.generate(), timezone.now()
    Token.objects.create(
        digest=token_format.digest(text),
        client=client,
        epoch=Client.objects.get(pk=client.pk).epoch,
        scope=scope,
        issued_at=now,
        expires_at=now + timedelta(hours=1),
        credential=(credential or client.secrets.current().get()).credential,
    )
    return text


@dataclass
class Caller:
    """`call("GET", "self")`: an HTTP request with the client's token."""

    client: Client
    token: str

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return Browser().generic(
            method,
            PATH + path,
            data=b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode(),
            content_type=headers.pop("content_type", "application/json"),
            headers={"Authorization": f"Bearer {self.token}", **headers},
        )


def caller(client: Client, **token: Any) -> Caller:
    return Caller(client, token_for(client, **token))
