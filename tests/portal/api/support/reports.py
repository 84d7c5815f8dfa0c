"""Reports of leaks as scanners send them, signed by a key of the test."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.http import HttpResponse
from django.test import Client as Browser

from tests.portal.api.support.callers import PATH

KEY_ID = "1f4c"
URL = "https://github.com/octocat/hello-world/blob/4c1e0f7/deploy.sh"


def item(token: Any, **changes: Any) -> dict[str, Any]:
    return {"token": token, "type": "keydesk_client_secret", "url": URL, "source": "content", **changes}


class GitHub:
    """A scanner that signs, and the file with its public key."""

    def __init__(self, directory: Path) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.file = directory / "keys.json"
        self.publish({KEY_ID: self.private.public_key()})

    def publish(self, keys: dict[str, Any]) -> None:
        listed = [
            {"key_identifier": name, "key": _pem(key), "is_current": number == 0}
            for number, (name, key) in enumerate(keys.items())
        ]
        self.file.write_text(json.dumps({"public_keys": listed}))

    def sign(self, body: bytes) -> str:
        return b64encode(self.private.sign(body, ec.ECDSA(SHA256()))).decode()

    def post(self, body: Any, **headers: str) -> HttpResponse:
        """Post a report; `headers` replace those of a true one."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = {"Github-Public-Key-Identifier": KEY_ID, "Github-Public-Key-Signature": self.sign(sent), **headers}
        return Browser().post(f"{PATH}leaks", sent, content_type="application/json", headers=signed)


def _pem(key: Any) -> str:
    return key.public_bytes(ser.Encoding.PEM, ser.PublicFormat.SubjectPublicKeyInfo).decode()
