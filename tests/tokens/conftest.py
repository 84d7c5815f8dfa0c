"""The authorization server in this process, with a clock that tests move, on rows that are really committed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from joserfc.jwk import Key

from clients import keymaterial
from clients.acts.credentials import keys
from clients.models import Client
from clients.models import Key as ClientKey
from tests.support import factories
from tests.support.factories import NOW, SYSTEM
from tests.tokens.support.served import Served, serving
from tests.tokens.support.wire import Clock, Signer, Wire, basic, ec_key, process, public_jwk
from tokens.serving.cli import CONNECTIONS


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(transactional_db: None, clock: Clock) -> Iterator[Callable[..., Wire]]:
    """Starts a process of the authorization server with settings of its own."""
    with ExitStack() as started:
        yield lambda **configuration: started.enter_context(process(clock, **configuration))


@pytest.fixture(scope="module", params=CONNECTIONS)
def served(
    request: pytest.FixtureRequest, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A real server process for each `--http`, without throttling; its clock is the machine's."""
    with serving(tmp_path_factory.mktemp("served"), "--http", request.param) as process:
        yield process


@pytest.fixture
def wire(start: Callable[..., Wire]) -> Wire:
    return start()


@pytest.fixture
def made(transactional_db: None) -> tuple[Client, str]:
    """A client with the scopes address.read and address.write, address.read by default, and its secret."""
    read, write = factories.scope("address.read"), factories.scope("address.write")
    return factories.client(scopes=(read, write), defaults=(read,))


@pytest.fixture
def client(made: tuple[Client, str]) -> Client:
    return made[0]


@pytest.fixture
def secret(made: tuple[Client, str]) -> str:
    return made[1]


@pytest.fixture
def authorization(client: Client, secret: str) -> str:
    return basic(client.client_id, secret)


@pytest.fixture
def resource_server(transactional_db: None) -> str:
    """The Authorization header of a resource server of the API of address.read."""
    api = factories.api()
    served, secret = factories.client(contact=factories.wim(), scopes=(), serves=[api])
    return basic(served.client_id, secret)


def add_key(client: Client, key: Key, **members: object) -> ClientKey:
    """Uploads the public half, as a contact does."""
    jwk = public_jwk(key, **members)
    (read,) = keymaterial.read(json.dumps(jwk).encode(), now=NOW)
    return keys.add(client=client, key=read, by=SYSTEM, now=NOW)


@pytest.fixture
def signer(client: Client, clock: Clock) -> Signer:
    """The client, with an EC key that it signs with."""
    key = ec_key()
    row = add_key(client, key)
    return Signer(client.client_id, key, clock, kid=row.kid)
