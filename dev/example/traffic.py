"""A month of token requests, made at the authorization server with a simulated clock."""

import asyncio
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from random import Random
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import RSAKey

from clients import encryption
from clients.models import Client
from dev.example import organisation
from tokens.policy import from_settings
from tokens.protocol.http import Request
from tokens.runtime.services import Services
from tokens.serving.application import Application

DAYS = 30
STILL_VALID = (4, 23, 41)  # minutes ago, so that there are live tokens to look at
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
OFFICE, DATA_CENTRE = "193.190.44.18", "81.246.7.140"  # the client's two hosts

type Sent = tuple[datetime, str, dict[str, str], str]  # moment, address, form, Authorization


def make(private: rsa.RSAPrivateKey, now: datetime) -> None:
    """Send everything in the order of time. The numbers are random, but the same in each run."""
    at = [now.timestamp()]
    policy = replace(from_settings(), client_limit=None, failure_limit=None, trusted_proxies=0)
    # The access log of these requests is not wanted.
    services = Services(policy, clock=lambda: at[0], log=StringIO())
    application = Application(services)
    chance = Random(1)  # noqa: S311  (a demonstration)
    requests = [*_of_meters(private, policy.url("token"), now, chance), *_of_portal(now, chance)]
    with asyncio.Runner() as runner:
        for moment, address, form, authorization in sorted(requests, key=lambda request: request[0]):
            at[0] = moment.timestamp()
            runner.run(application.answer(_request(policy.path, address, form, authorization)))
        runner.run(services.close())


def _of_meters(private: rsa.RSAPrivateKey, url: str, now: datetime, chance: Random) -> Iterator[Sent]:
    """Yield the requests of the meter readers, on evenings of working days; today a new host is not set up yet."""
    client = Client.objects.get(name=organisation.WITH_CERTIFICATE)
    key = RSAKey.import_key(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    kid = client.keys.get().kid

    def signed(moment: datetime, address: str = OFFICE, *, fast: int = 0, **different: str) -> Sent:
        issued_at = int(moment.timestamp()) + fast
        claims: dict[str, Any] = {"iss": client.client_id, "sub": client.client_id, "aud": different.get("aud", url)}
        claims |= {"jti": uuid4().hex, "iat": issued_at, "exp": issued_at + 300}
        header = {"alg": "RS256", "typ": "JWT", "kid": different.get("kid", kid)}
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": jwt.encode(header, claims, key)}
        return moment, address, form, ""

    for moment in _moments(now, chance, per_day=9, hours=(16, 22), weekend=0.2):
        yield signed(moment)
    for minutes in STILL_VALID:
        yield signed(now - timedelta(minutes=minutes))
    today = [now - timedelta(minutes=5 * step) for step in range(1, 12)]
    for moment in today[:7]:
        yield signed(moment, aud=url + "/v1")
    for moment in today[7:10]:
        yield signed(moment, DATA_CENTRE, fast=192)
    yield signed(today[10], kid="9a4c17e05bd2883f610ec7942daa56f1307be94d")


def _of_portal(now: datetime, chance: Random) -> Iterator[Sent]:
    """Yield the requests of the customer portal, all day; twelve days ago with a secret without its last character."""
    client = Client.objects.get(name=organisation.WITH_SECRET)
    row = client.secrets.current().get()
    secret = encryption.decrypt(bytes(row.ciphertext or b""), key_id=row.sealed_with, row=row.uid)

    def basic(moment: datetime, typed: str) -> Sent:
        return moment, OFFICE, {}, "Basic " + b64encode(f"{client.client_id}:{typed}".encode()).decode()

    for moment in _moments(now, chance, per_day=14, hours=(7, 23), weekend=0.7):
        yield basic(moment, secret)
    for minutes in STILL_VALID:
        yield basic(now - timedelta(minutes=minutes), secret)
    for minute in range(3):
        yield basic(now - timedelta(days=12, minutes=minute), secret[:-1])


def _moments(
    now: datetime, chance: Random, *, per_day: int, hours: tuple[int, int], weekend: float
) -> Iterator[datetime]:
    """Yield moments of the last month, before `now`."""
    for days in range(DAYS):
        midnight = datetime.combine((now - timedelta(days=days)).date(), datetime.min.time(), UTC)
        often = per_day * (weekend if midnight.weekday() >= 5 else 1) * chance.uniform(0.7, 1.3)
        for _request in range(round(often)):
            moment = midnight + timedelta(seconds=chance.uniform(hours[0] * 3600, hours[1] * 3600))
            if moment < now:
                yield moment


def _request(path: str, address: str, form: dict[str, str], authorization: str) -> Request:
    return Request(
        method="POST",
        path=f"{path}token",
        query="",
        headers={"content-type": "application/x-www-form-urlencoded", "authorization": authorization},
        peer=address,
        body=urlencode({"grant_type": "client_credentials", **form}).encode(),
    )
