"""The requests that are sent: made beforehand, as bytes, so that sending one costs next to nothing."""

from __future__ import annotations

import base64
import json
import os
import re
import time
import urllib.request
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from joserfc import jws, jwt
from joserfc.jwk import ECKey, import_key

from bench.load.generator import HOST

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
A_TOKEN = re.compile(rb'"access_token": ?"')
ACTIVE = re.compile(rb'"active": ?true')
# Below the ten minutes from which Keydesk would remark upon it, and longer than a round.
ASSERTION_LIFETIME = 590  # seconds

type Form = dict[str, str]


def post(path: str, form: Form, client: tuple[str, str] | None = None) -> bytes:
    """A whole HTTP request; `client`: id and secret for client_secret_basic."""
    body = urlencode(form).encode()
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}", "Content-Type: application/x-www-form-urlencoded"]
    if client is not None:
        lines.append(f"Authorization: {_basic(client)}")
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def by_secret(path: str, client: tuple[str, str], scope: str) -> bytes:
    return post(path, {"grant_type": "client_credentials", "scope": scope}, client)


def by_assertion(path: str, assertion: str, scope: str) -> bytes:
    form = {"grant_type": "client_credentials", "scope": scope, "client_assertion_type": ASSERTION_TYPE}
    return post(path, {**form, "client_assertion": assertion})


def with_token(method: str, path: str, token: str, body: Mapping[str, Any] | None = None) -> bytes:
    """An HTTP request to the API."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", f"Authorization: Bearer {token}"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(content)}", "", ""]
    return "\r\n".join(lines).encode() + content


def new_keys(client_id: str, audience: str, count: int) -> list[dict[str, Any]]:
    """Bodies of POST self/keys: public keys, each with the proof of its private half."""
    header, made = {"typ": "keydesk-proof+jwt", "alg": "ES256"}, []
    for _ in range(count):
        key = ECKey.generate_key("P-256")
        claims = {"aud": audience, "sub": client_id, "iat": int(time.time()), "jti": uuid.uuid4().hex}
        proof = jws.serialize_compact(header, json.dumps(claims).encode(), key)
        made.append({"jwk": key.as_dict(private=False), "proof": proof})
    return made


def federated(path: str, client: Mapping[str, Any], audience: str, scope: str, count: int) -> list[bytes]:
    """HTTP requests with tokens of another issuer, each of its own as private_key_jwt has them."""
    now, key = int(time.time()), import_key(client["private_jwk"])
    claims = {"iss": client["issuer"], "sub": "bench", "aud": audience, "iat": now, "exp": now + ASSERTION_LIFETIME}
    header = {"alg": "ES256", "kid": key.kid}
    form = {"grant_type": "client_credentials", "scope": scope, "client_assertion_type": ASSERTION_TYPE}
    form["client_id"] = client["client_id"]
    made = (jwt.encode(header, {**claims, "jti": uuid.uuid4().hex}, key, algorithms=["ES256"]) for _ in range(count))
    return [post(path, {**form, "client_assertion": one}) for one in made]


def introspection(path: str, token: str, caller: tuple[str, str]) -> bytes:
    return post(path, {"token": token}, caller)


def assertions(client_id: str, private_jwk: dict[str, Any], algorithm: str, audience: str, count: int) -> list[str]:
    """Signed with all cores: an RS256 signature takes 0.8 ms."""
    cores = os.cpu_count() or 1
    sign = partial(_sign, client_id, private_jwk, algorithm, audience)
    with ProcessPoolExecutor(cores, initializer=_anywhere) as pool:
        return [text for part in pool.map(sign, [-(-count // cores)] * cores) for text in part]


def _anywhere() -> None:
    os.sched_setaffinity(0, range(os.cpu_count() or 1))


def _sign(client_id: str, private_jwk: dict[str, Any], algorithm: str, audience: str, count: int) -> list[str]:
    key = import_key(private_jwk)
    now = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": audience, "iat": now, "exp": now + ASSERTION_LIFETIME}
    header = {"alg": algorithm, "kid": private_jwk["kid"], "typ": "JWT"}
    return [jwt.encode(header, {**claims, "jti": uuid.uuid4().hex}, key, algorithms=[algorithm]) for _ in range(count)]


def tokens_in(answers: Iterable[bytes]) -> list[str]:
    return [json.loads(answer)["access_token"] for answer in answers]


def ask(port: int, path: str, form: Form, client: tuple[str, str]) -> dict[str, object]:
    """Send a request outside of any measurement. Raises urllib.error.URLError, also for any status but 2xx."""
    headers = {"Authorization": _basic(client)}
    request = urllib.request.Request(f"http://{HOST}:{port}{path}", urlencode(form).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as response:
        return dict(json.load(response))


def _basic(client: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(map(quote, client)).encode()).decode()
