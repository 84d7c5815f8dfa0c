"""API M-15: the keys of GitHub's reports are fetched like those of issuers (PROTOCOL F-35), the last good ones kept."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec

from clients import tasks
from clients.acts.federation import scanner_keys
from clients.federation.fetch import Fetcher
from clients.federation.scanner_keys import UnreadableKeys
from clients.models.federation import PublishedKeys
from tests.support.factories import NOW
from tests.support.key_server import KeyServer, json_ok, ok

pytestmark = pytest.mark.django_db


def listed(*names: str, curve: ec.EllipticCurve | None = None) -> dict[str, Any]:
    public = ec.generate_private_key(curve or ec.SECP256R1()).public_key()
    pem = public.public_bytes(ser.Encoding.PEM, ser.PublicFormat.SubjectPublicKeyInfo).decode()
    return {"public_keys": [{"key_identifier": name, "key": pem, "is_current": True} for name in names]}


def test_a_list_is_fetched_every_hour(server: KeyServer, fetcher: Fetcher) -> None:
    source = f"{server.url}/keys"
    server.answers["/keys"] = json_ok(listed("1"))
    with pytest.raises(UnreadableKeys, match="not fetched yet"):
        scanner_keys.current(source)
    assert scanner_keys.refresh(source=source, fetcher=fetcher, now=NOW)
    assert set(scanner_keys.current(source)) == {"1"}
    server.answers["/keys"] = json_ok(listed("1", "2"))
    assert not scanner_keys.refresh(source=source, fetcher=fetcher, now=NOW + timedelta(minutes=59))
    assert scanner_keys.refresh(source=source, fetcher=fetcher, now=NOW + timedelta(minutes=61))
    assert set(scanner_keys.current(source)) == {"1", "2"}


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"", status="500 Internal Server Error"),
        ok(b"not json"),
        ok(b"\xff"),
        json_ok([]),
        json_ok({"public_keys": []}),
        json_ok({"public_keys": [{"key_identifier": "1", "key": "x"}]}),
        json_ok(listed("1", curve=ec.SECP384R1())),
        ok(b"", "Location: https://elsewhere.example/", status="302 Found"),
    ],
)
def test_a_failed_fetch_leaves_the_last_good_list(server: KeyServer, fetcher: Fetcher, answer: bytes) -> None:
    source = f"{server.url}/keys"
    server.answers["/keys"] = json_ok(listed("1"))
    scanner_keys.refresh(source=source, fetcher=fetcher, now=NOW)
    server.answers["/keys"] = answer
    assert not scanner_keys.refresh(source=source, fetcher=fetcher, now=NOW + timedelta(hours=2))
    assert set(scanner_keys.current(source)) == {"1"}


def test_a_private_address_is_not_fetched(server: KeyServer) -> None:
    server.answers["/keys"] = json_ok(listed("1"))
    assert not scanner_keys.refresh(source=f"{server.url}/keys", fetcher=Fetcher(), now=NOW)
    assert not server.requests


@pytest.mark.parametrize("source", ["", "/run/keydesk/github-keys.json"])
def test_a_file_or_nothing_is_not_fetched(settings: Any, source: str) -> None:
    settings.LEAK_GITHUB_KEYS = source
    tasks.fetch_scanner_keys()
    assert not PublishedKeys.objects.exists()


def test_the_worker_fetches_what_the_site_names(server: KeyServer, settings: Any, tmp_path: Path) -> None:
    server.answers["/keys"] = json_ok(listed("1"))
    settings.LEAK_GITHUB_KEYS = f"{server.url}/keys"
    settings.FEDERATION_ALLOWED_HOSTS, settings.FEDERATION_CA_FILE = frozenset({server.host}), server.ca_file
    tasks.fetch_scanner_keys()
    assert set(scanner_keys.current(settings.LEAK_GITHUB_KEYS)) == {"1"}
