"""Five acts as they run, as calls between rooms: no call climbs. `make walks` prints the figures.

A climb is a call into a room that stands higher than the caller's, by the layers of import-linter in pyproject.toml. It
is counted once for each pair of functions. Counted apart are properties, which read like attributes of what was passed
in, and calls through a library (a template, the ORM, an event loop), which belong to the last function of ours before.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from io import StringIO
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import signals
from django.urls import resolve, reverse
from django.utils import timezone

from audit import checkpoints, tasks
from audit.models import Verification
from clients import keymaterial
from clients.acts.credentials import keys
from clients.mail import outbox
from clients.models import Mail
from tests.portal.support import browsers, staff
from tests.support import factories
from tests.support.keys import certificate_pem
from tests.tokens.support.wire import Clock, Signer, ec_key, public_jwk
from tokens.models import JournalEntry
from tokens.policy import from_settings
from tokens.protocol.http import Request
from tokens.runtime.services import Services
from tokens.serving.application import Application

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(settings.BASE_DIR)
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = {
    contract.get("containers", [""])[0]: [layer.split(" | ") for layer in contract["layers"]]
    for contract in CONTRACTS
    if contract["type"] == "layers"
}
PACKAGES = [layer[0] for layer in LAYERS[""]]


def room_of(code: CodeType) -> str:
    """The package and room of a function, "clients.acts"; "" for what is not ours, and for the import of a module."""
    return "" if code.co_name == "<module>" else room_of_file(code.co_filename)


@cache
def room_of_file(name: str) -> str:
    path = Path(name)
    package, *rest = path.relative_to(ROOT).with_suffix("").parts if path.is_relative_to(ROOT) else ("",)
    if package not in PACKAGES:
        return ""
    return f"{package}.{rest[0]}" if package in LAYERS else package


def height(room: str) -> tuple[int, int]:
    """Less is higher. A module that no layer has (portal.settings) is as high as its package."""
    package, _dot, name = room.partition(".")
    layers = LAYERS.get(package, [])
    return PACKAGES.index(package), next((n for n, layer in enumerate(layers) if name in layer), -1)


def is_property(frame: FrameType) -> bool:
    owner = type(frame.f_locals.get("self"))
    return isinstance(inspect.getattr_static(owner, frame.f_code.co_name, None), property)


KINDS = ("call", "property", "library")


@dataclass
class Walk:
    """The calls between the begin and the end of an entry."""

    entries: set[CodeType]
    rooms: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    climbs: dict[str, str] = field(default_factory=dict)  # of each its kind, one of KINDS
    inside: FrameType | None = None

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """Take an event of sys.setprofile."""
        if event == "return" and frame is self.inside and not frame.f_code.co_flags & inspect.CO_COROUTINE:
            self.inside = None
        if event != "call" or not (room := room_of(frame.f_code)):
            return
        if self.inside is None and frame.f_code in self.entries:
            self.inside = frame
        if self.inside is not None:
            self._enter(frame, room)

    def _enter(self, frame: FrameType, room: str) -> None:
        self.files.add(str(Path(frame.f_code.co_filename).relative_to(ROOT)))
        if not self.rooms or self.rooms[-1] != room:
            self.rooms.append(room)
        caller, through = frame.f_back, False
        while caller is not None and not room_of(caller.f_code):
            caller, through = caller.f_back, True
        if frame is self.inside or caller is None:
            return
        if height(room) < height(of := room_of(caller.f_code)):
            pair = f"{of}: {caller.f_code.co_name} -> {room}: {frame.f_code.co_name}"
            self.climbs[pair] = "library" if through else "property" if is_property(frame) else "call"

    def told(self, name: str) -> str:
        """Return a row for the table of docs/architecture.md, and each climb below it."""
        modules = [file for file in self.files if file.endswith(".py")]
        kinds = [list(self.climbs.values()).count(kind) for kind in KINDS]
        figures = (len(modules), len(self.files) - len(modules), len(set(self.rooms)), *kinds)
        row = f"| {' | '.join([name, *map(str, figures)])} |"
        return "\n".join([row, *(f"  {kind}: {pair}" for pair, kind in self.climbs.items())])


@contextmanager
def walk(name: str, *entries: Callable[..., Any]) -> Iterator[None]:
    """Follow the entries that run in the block, print what they called, and refuse climbs."""
    recorded = Walk({inspect.unwrap(entry).__code__ for entry in entries})

    def rendered(template: Any, **_more: Any) -> None:
        if recorded.inside is not None and template.origin and Path(template.origin.name).is_relative_to(ROOT):
            recorded.files.add(str(Path(template.origin.name).relative_to(ROOT)))

    signals.template_rendered.connect(rendered)
    sys.setprofile(recorded)
    try:
        yield
    finally:
        sys.setprofile(None)
        signals.template_rendered.disconnect(rendered)
    sys.stdout.write(f"\n{recorded.told(name)}\n")
    assert recorded.files, "the entries were not called"
    assert not [pair for pair, kind in recorded.climbs.items() if kind == "call"]


def view(name: str, *args: object) -> tuple[str, Callable[..., Any]]:
    """The address of a page, and its view."""
    url = reverse(name, args=args)
    return url, resolve(url).func


def test_no_call_climbs_while_a_certificate_is_added() -> None:
    """From the upload to the key."""
    client, _secret = factories.client()
    browser = browsers.of(factories.lotte())
    (upload, add_key), (add, confirm_key) = view("contact:add_key", client.uid), view("contact:confirm_key", client.uid)
    pem = certificate_pem(now=timezone.now()).decode()
    with walk("certificate", add_key, confirm_key):
        browser.post(upload, {"way": "paste", "pasted": pem}, follow=True)
        browser.post(add, {"material": pem, "start": "now", "old": "keep"})
    assert client.keys.exists()


def test_no_call_climbs_while_an_assertion_is_answered_or_refused() -> None:
    """A token, and then the page that explains why there was none."""
    client, _secret = factories.client()
    key = ec_key()
    (read,) = keymaterial.read(json.dumps(public_jwk(key)).encode(), now=timezone.now())
    kid = keys.add(client=client, key=read, by=factories.SYSTEM, now=timezone.now()).kid
    signer = Signer(client.client_id, key, Clock(time.time()), kid=kid)

    async def answered(*forms: dict[str, str]) -> list[int]:
        services = Services(from_settings(), log=StringIO())
        application = Application(services)
        found = [(await application.answer(request_of(form))).status for form in forms]
        await services.close()
        return found

    form, stranger = signer.form(), replace(signer, kid="other").form()
    with walk("assertion", Application.answer):
        assert asyncio.run(answered(form)) == [200]
    with walk("refusal: the answer", Application.answer):
        assert asyncio.run(answered(stranger)) == [400]
    url, why = view("public:why", JournalEntry.objects.get().request_id)
    with walk("refusal: the page", why):
        assert browsers.of(factories.lotte()).get(url).status_code == 200


def request_of(form: dict[str, str]) -> Request:
    body = urlencode({"grant_type": "client_credentials", **form}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return Request("POST", "/oauth/v2/token", "", headers, "192.0.2.1", body)


def test_no_call_climbs_while_a_request_is_approved() -> None:
    """From the page that the reviewer reads to the client."""
    registration = factories.submitted_request(timezone.now())
    url, review = view("security:review", registration.uid)
    form = {"seen": registration.content_hash, "decision": "approve", "scopes": ["address.read"]}
    browser = staff.signed_in(factories.noor())
    with walk("approval", review):
        assert browser.get(url).status_code == 200
        browser.post(url, form)
    registration.refresh_from_db()
    assert registration.status == "approved"


def test_no_call_climbs_while_the_change_log_is_verified() -> None:
    """From the auditor's button to the page with the result; the worker's part between them."""
    factories.client()
    checkpoints.sign_checkpoint(timezone.now())
    url, verify_log = view("auditor:verify_log")
    browser = staff.signed_in(factories.ada())
    task = tasks.verify_log.run
    with walk("verification", verify_log, task, view("auditor:verification", uuid4())[1]):
        page = browser.post(url)["Location"]
        task(str(Verification.objects.get().pk))
        assert "intact" in browser.get(page).content.decode()


def test_no_call_climbs_while_a_mail_is_sent() -> None:
    """From the row of the outbox to the mail server, which is Django's test outbox here."""
    factories.submitted_request(timezone.now())
    row = Mail.objects.get(kind=Mail.Kind.REQUEST_RECEIVED)
    with walk("mail", outbox.deliver):
        assert outbox.deliver(mail_id=row.pk, now=timezone.now())
