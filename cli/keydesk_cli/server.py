"""Keydesk over HTTP: its metadata, its token endpoint, and the client's own part of its API."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from keydesk_cli import transport
from keydesk_cli.credentials import Credential
from keydesk_cli.errors import Refused, Unexpected
from keydesk_cli.transport import Answer

SELF = "keydesk.self"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,4096}=*")  # RFC 6750 section 2.1
_CODE = re.compile(r"[a-z0-9_.-]{1,64}")


@dataclass(frozen=True)
class Metadata:
    """Parts of the authorization server's metadata (RFC 8414) that are used here."""

    issuer: str
    token_endpoint: str
    algorithms: tuple[str, ...]


@dataclass(frozen=True)
class Keydesk:
    """Client at its Keydesk."""

    url: str
    client_id: str
    api_path: str = "/api/v1/"

    @cached_property
    def metadata(self) -> Metadata:
        """Return the metadata, whose addresses must be those of this server. Raises Failure."""
        address = f"{self.url}/.well-known/oauth-authorization-server"
        answer = transport.send("GET", address, headers={})
        issuer, endpoint = answer.body.get("issuer"), answer.body.get("token_endpoint")
        named = answer.body.get("token_endpoint_auth_signing_alg_values_supported", [])
        if answer.status != HTTPStatus.OK or not isinstance(issuer, str) or not isinstance(endpoint, str):
            raise Unexpected("no_metadata", f"{address} is no metadata of Keydesk. Is --url right?")
        if issuer.rstrip("/") != self.url or not self._is_here(endpoint):
            raise Unexpected("other_issuer", f"{self.url} is not the address that this Keydesk gives: see --url.")
        algorithms = tuple(name for name in named if isinstance(name, str)) if isinstance(named, list) else ()
        return Metadata(issuer, endpoint, algorithms)

    def token(self, credential: Credential, scope: str | None) -> Mapping[str, Any]:
        """Return the answer of the token endpoint. Raises Failure."""
        metadata = self.metadata
        presented = credential.present(self.client_id, metadata.issuer, metadata.algorithms)
        form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {}), **presented.form}
        headers = {"Content-Type": "application/x-www-form-urlencoded", **presented.headers}
        answer = transport.send("POST", metadata.token_endpoint, headers=headers, body=urlencode(form).encode())
        if answer.status != HTTPStatus.OK:
            raise self._refused_token(answer)
        token, kind = answer.body.get("access_token"), answer.body.get("token_type")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token) or str(kind).lower() != "bearer":
            raise Unexpected("no_token", "The token endpoint answered without an access token.")
        return answer.body

    def call(self, token: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Return the answer of an operation of the API, such as `self/keys`. Raises Failure."""
        headers = {"Authorization": f"Bearer {token}"}
        data = None
        if body is not None:
            headers["Content-Type"], data = "application/json", json.dumps(body).encode()
        answer = transport.send(method, f"{self.url}{self.api_path}{path}", headers=headers, body=data)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise _refused_call(answer)
        if not answer.body:
            raise Unexpected("no_json", f"{self.api_path}{path} answered without JSON. Is the API switched off?")
        return answer.body

    def self_token(self, credential: Credential) -> str:
        """Return a token for the API about the client itself. Raises Failure."""
        return str(self.token(credential, SELF)["access_token"])

    def _is_here(self, address: str) -> bool:
        try:
            return transport.origin(address) == transport.origin(self.url)
        except ValueError:
            return False

    def _refused_token(self, answer: Answer) -> Refused | Unexpected:
        code = answer.body.get("error")
        if not _is_code(code):
            return _strange(answer)
        description, page = answer.body.get("error_description"), answer.body.get("error_uri")
        facts = {"status": answer.status, "request_id": answer.request_id}
        said = f": {description}" if isinstance(description, str) else ""
        if isinstance(page, str) and self._is_here(page):
            facts["why"] = page
            said += f" Why: {page}"
        return Refused(str(code), f"The token request was refused ({code}){said}", **facts)


def _refused_call(answer: Answer) -> Refused | Unexpected:
    """Return the refusal of a problem details answer (RFC 9457)."""
    code, detail = answer.body.get("code"), answer.body.get("detail")
    if not _is_code(code) or not isinstance(detail, str):
        return _strange(answer)
    facts = {name: answer.body[name] for name in ("status", "facts", "errors", "command") if name in answer.body}
    wrong = [str(entry.get("field")) for entry in _objects(facts.get("errors"))]
    said = f" ({', '.join(wrong)})" if wrong else ""
    return Refused(str(code), f"Keydesk refused ({code}): {detail}{said}", **facts, request_id=answer.request_id)


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _is_code(code: object) -> bool:
    return isinstance(code, str) and _CODE.fullmatch(code) is not None


def _strange(answer: Answer) -> Unexpected:
    message = f"The answer {answer.status} is not one of Keydesk. Is --url right, and a proxy between?"
    return Unexpected("unexpected_answer", message, status=answer.status)
