"""A broker that takes connections and says nothing: pages neither wait for it nor tell by it whom we know."""

import socket
from collections.abc import Iterator
from time import monotonic

import pytest
from celery import Celery, current_app
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from clients.models import ClientContact, Mail
from foundation import dispatch
from tests.portal.support import browsers
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 0.8  # seconds, for a page; the broker's timeout is five


@pytest.fixture
def silent_broker(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> Iterator[socket.socket]:
    dispatch._sender.submit(int).result()  # what an earlier test sent to its own broker has failed by now
    monkeypatch.setattr(dispatch, "_away_until", 0.0)
    usual = current_app._get_current_object()
    with socket.create_server(("127.0.0.1", 0)) as broker:
        broker.settimeout(5)
        # Celery reads it before anything else.
        monkeypatch.setenv("CELERY_BROKER_URL", f"redis://127.0.0.1:{broker.getsockname()[1]}/0")
        Celery("alone").config_from_object("django.conf:settings", namespace="CELERY")
        Client().get(reverse("public:ask_link"))  # what the first page of a process imports is not measured
        yield broker
    usual.set_current()


def seconds(browser: Client, path: str, form: dict[str, str] | None = None) -> float:
    began = monotonic()
    assert browser.post(path, form or {}).status_code < 400
    return monotonic() - began


def test_asking_for_a_link_takes_no_longer_for_who_is_known(silent_broker: socket.socket) -> None:
    factories.client()
    known = seconds(Client(), reverse("public:ask_link"), {"email": factories.lotte().email})
    assert Mail.objects.count() == 1
    silent_broker.accept()  # the broker was asked
    unknown = seconds(Client(), reverse("public:ask_link"), {"email": "nobody@leiestroom.example"})
    assert known < PATIENCE
    assert abs(known - unknown) < 0.2


def test_an_act_that_mails_many_does_not_wait(silent_broker: socket.socket) -> None:
    client, _secret = factories.client()
    for number in range(3):
        person = factories.person(f"c{number}@leiestroom.example", "C")
        ClientContact.objects.create(client=client, user=person, role="editor")
    path = reverse("contact:invalidate_tokens", args=[client.uid])
    assert seconds(browsers.of(factories.lotte()), path) < PATIENCE
    assert Mail.objects.count() == 4
    silent_broker.accept()


def test_a_broker_that_failed_is_left_alone_for_a_while(
    silent_broker: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    silent_broker.close()
    for _ in range(3):
        dispatch.wake("clients.tasks.send_pending_mail")
    dispatch._sender.submit(lambda: None).result(timeout=5)
    assert len([line for line in caplog.messages if "waits for beat" in line]) == 1
