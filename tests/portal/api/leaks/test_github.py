"""API M-15: GitHub's form. Only what GitHub signed counts, each item is answered, and no broken one saves another."""

import hashlib
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.core import mail as django_mail
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clients.mail import outbox
from clients.models import Client, Mail, Secret
from foundation import secret_format
from tests.portal.api.support.callers import PATH, token_for
from tests.portal.api.support.reports import KEY_ID, URL, GitHub, item
from tests.portal.support import browsers
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.parallel import at_once
from tests.tokens.support.wire import Clock, basic, process
from tokens.models import Token
from tokens.protocol import token_format

pytestmark = pytest.mark.django_db

# The test vector of GitHub's documentation ("Sample HTTP POST sent to verify endpoint").
GITHUBS_BODY = b'[{"token":"some_token","type":"some_type","url":"some_url","source":"some_source"}]'
GITHUBS_KEY_ID = "f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d"
GITHUBS_SIGNATURE = "MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTXu6iwKKcFGCrvAiEAhHN2kDOhy2I6eGkOFmxNkOJ+L2y8oQ9A2T9GGJo6WJY="
GITHUBS_KEY = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP
HzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==
-----END PUBLIC KEY-----
"""


@pytest.fixture
def leaked() -> tuple[Client, str]:
    return factories.client()


def is_dead(secret: str) -> bool:
    return Secret.objects.get(digest=secret_format.digest(secret)).ends_at is not None


def test_the_sample_of_githubs_documentation_is_accepted(github: GitHub) -> None:
    github.publish({GITHUBS_KEY_ID: load_pem_public_key(GITHUBS_KEY)})
    signed = {
        "Github-Public-Key-Identifier": GITHUBS_KEY_ID,
        "Github-Public-Key-Signature": GITHUBS_SIGNATURE,
    }
    answer = github.post(GITHUBS_BODY, **signed)
    assert (answer.status_code, answer.json()) == (
        200,
        [
            {
                "token_hash": hashlib.sha256(b"some_token").hexdigest(),
                "token_type": "some_type",
                "label": "false_positive",
            }
        ],
    )
    assert github.post(GITHUBS_BODY + b" ", **signed).status_code == 401


def test_what_is_ours_is_told_from_what_is_not_in_the_order_of_the_items(
    github: GitHub, leaked: tuple[Client, str]
) -> None:
    client, secret = leaked
    token, foreign = token_for(client), secret_format.generate()
    answer = github.post([item(foreign), item(secret), item("kds_x"), item(token, type="keydesk_access_token")])
    assert [each["label"] for each in answer.json()] == [
        "false_positive", "true_positive", "false_positive", "true_positive",
    ]  # fmt: skip
    assert answer.json()[1] == {
        "token_hash": hashlib.sha256(secret.encode()).hexdigest(),
        "token_type": "keydesk_client_secret",
        "label": "true_positive",
    }
    assert is_dead(secret)
    assert Token.objects.get(digest=token_format.digest(token)).revoked_at
    again = github.post([item(secret), item(token)])
    assert [each["label"] for each in again.json()] == ["true_positive"] * 2, "also when it has ended"


@pytest.mark.parametrize(
    "headers",
    [
        {"Github-Public-Key-Signature": ""},
        {"Github-Public-Key-Signature": "x"},
        {"Github-Public-Key-Signature": "MEUCIQ=="},
        {"Github-Public-Key-Identifier": "another"},
        {"Github-Public-Key-Identifier": ""},
    ],
)
def test_nothing_ends_without_githubs_signature(
    github: GitHub, leaked: tuple[Client, str], headers: dict[str, str]
) -> None:
    answer = github.post([item(leaked[1])], **headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
    assert "WWW-Authenticate" in answer
    assert not is_dead(leaked[1])


def test_the_signature_of_another_key_or_body_is_refused(github: GitHub, leaked: tuple[Client, str]) -> None:
    body = json.dumps([item(leaked[1])]).encode()
    of_another = github.sign(body)
    github.private = ec.generate_private_key(ec.SECP256R1())
    assert github.post(body).status_code == 401
    assert (
        github.post(body.replace(b"content", b"commit"), **{"Github-Public-Key-Signature": of_another}).status_code
        == 401
    )
    assert not is_dead(leaked[1])
    assert github.post(body, **{"Github-Public-Key-Signature": of_another}).status_code == 200


def test_a_key_that_is_not_current_any_more_still_counts(github: GitHub, leaked: tuple[Client, str]) -> None:
    newer = ec.generate_private_key(ec.SECP256R1()).public_key()
    github.publish({"newer": newer, KEY_ID: github.private.public_key()})
    assert github.post([item(leaked[1])]).status_code == 200


@pytest.mark.parametrize("content", ["", "{}", '{"public_keys": []}', '{"public_keys": [{"key_identifier": "1"}]}'])
def test_a_broken_list_of_keys_is_a_fault_of_the_site(github: GitHub, content: str) -> None:
    github.file.write_text(content)
    assert github.post([]).status_code == 503
    github.file.unlink()
    assert github.post([]).status_code == 503


def test_without_a_list_of_keys_there_is_no_such_address(github: GitHub, settings: Any) -> None:
    settings.LEAK_GITHUB_KEYS = ""
    assert github.post([]).status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [(b" ", "broken_json"), (b"[", "broken_json"), (b"{}", "not_an_array"), (b"\xff", "broken_json"),
     (b"[" * 100_000, "broken_json")],
)  # fmt: skip
def test_a_body_that_is_no_array_is_refused(github: GitHub, body: bytes, code: str) -> None:
    answer = github.post(body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


BROKEN: list[Any] = [
    None, 7, "x", [], {}, {"token": 5}, {"token": None}, {"token": ["x"]}, item(""), item("\ud800"), item("kds_\0"),
    item("x" * 10_000), item("kdt_" + "\ud83d" * 49), item("y", type="\udfff", url=7, source={}),
]  # fmt: skip


def test_no_broken_item_keeps_another_alive(github: GitHub, leaked: tuple[Client, str]) -> None:
    _client, secret = leaked
    found = item(secret, url="https://x.example/\0\ud800\u202e", source=9)
    answer = github.post([*BROKEN, found, *BROKEN])
    assert answer.status_code == 200
    labels = [each["label"] for each in answer.json()]
    assert (len(labels), labels.index("true_positive"), labels.count("true_positive")) == (29, 14, 1)
    assert is_dead(secret)


def test_a_thousand_items_of_a_megabyte_are_answered_in_time(github: GitHub) -> None:
    """A third is ours: secrets of twenty clients, and tokens of one."""
    made = [factories.client() for _ in range(20)]
    tokens = [token_for(made[0][0]) for _ in range(313)]
    found = [item(value) for _client, secret in made for value in (secret,)] + [item(token) for token in tokens]
    found += [item(secret_format.generate()) for _ in range(1000 - len(found) - len(BROKEN))] + BROKEN
    padding = "x" * ((1024 * 1024 - len(json.dumps(found))) // 400 - 20)
    body = json.dumps([{**each, "more": padding} if number < 400 else each for number, each in enumerate(found)])
    assert 1024 * 1024 - 10_000 < len(body) <= 1024 * 1024
    began = time.monotonic()
    answer = github.post(body.encode())
    assert time.monotonic() - began < 15
    assert [each["label"] for each in answer.json()].count("true_positive") == 333
    assert not Token.objects.filter(revoked_at=None).exists()
    assert not Secret.objects.filter(ends_at=None).exists()


def test_more_than_a_megabyte_is_refused(github: GitHub) -> None:
    answer = github.post(b"[" + b" " * (1024 * 1024) + b"]")
    assert (answer.status_code, answer.json()["facts"]) == (413, {"max_bytes": 1024 * 1024})


def test_a_network_that_guesses_signatures_is_stopped(github: GitHub, settings: Any) -> None:
    settings.FAILURE_RATE_LIMIT = 3
    statuses = [github.post([], **{"Github-Public-Key-Signature": "x"}).status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


def test_a_network_has_a_limit_of_reports(github: GitHub, settings: Any) -> None:
    settings.CLIENT_RATE_LIMIT = 2
    assert [github.post([]).status_code for _ in range(3)] == [200, 200, 429]


def test_no_session_and_no_token_of_keydesk_opens_it(github: GitHub, made: Client) -> None:
    answer = Browser().post(
        f"{PATH}leaks", b"[]", content_type="application/json", headers={"Authorization": f"Bearer {token_for(made)}"}
    )
    assert answer.status_code == 401


@pytest.mark.django_db(transaction=True)
def test_a_secret_in_a_commit_is_dead_in_a_second_and_its_contacts_know(github: GitHub) -> None:
    """The token endpoint, a resource server and the mailbox, each as it is."""
    factories.noor()
    client, secret = factories.client(now=timezone.now())
    with process(clock := Clock(at=timezone.now().timestamp())) as wire:
        token = wire.token(basic(client.client_id, secret)).json["access_token"]
        body, began = json.dumps([item(secret)]).encode(), time.monotonic()
        assert github.post(body).json()[0]["label"] == "true_positive"
        clock.at = timezone.now().timestamp()
        assert wire.token(basic(client.client_id, secret)).error == "invalid_client"
        assert wire.get("verify", authorization=f"Bearer {token}").error == "invalid_token"
        assert time.monotonic() - began < 1
    Mail.objects.exclude(kind__in=["leak_revoked", "leak_reported"]).delete()
    outbox.sweep(clock=timezone.now)
    told = {mail.to[0]: mail for mail in django_mail.outbox}
    assert set(told) == {"lotte@leiestroom.example", "noor@keydesk.example"}
    for mail in told.values():
        assert URL in mail.body
        assert secret[4:] not in f"{mail.subject} {mail.body} {mail.alternatives}"


@pytest.mark.django_db(transaction=True)
def test_the_same_report_twice_at_once_is_answered_twice_and_entered_once(github: GitHub) -> None:
    client, secret = factories.client(now=timezone.now())
    body = json.dumps([item(secret), item(token_for(client))]).encode()
    answers = at_once(4, lambda _number: github.post(body).json())
    assert [[each["label"] for each in answer] for answer in answers] == [["true_positive"] * 2] * 4
    assert Entry.objects.filter(action="incident.revoked").count() == 2


def test_the_place_never_holds_what_leaked(github: GitHub, leaked: tuple[Client, str]) -> None:
    """Neither as it is, nor without its prefix, nor the value of another item."""
    client, secret = leaked
    token = token_for(client)
    github.post([item(secret, url=f"https://x.example/{secret}/{secret[4:]}?t={token}", source=secret), item(token)])
    kept = str([*Entry.objects.values_list("changes"), *Mail.objects.values_list("facts")])
    assert "https://x.example/kds_***/***?t=***" in kept
    assert secret[4:] not in kept
    assert token not in kept


def test_the_history_says_keydesk_and_the_log_whose_report_it_was(github: GitHub, leaked: tuple[Client, str]) -> None:
    github.post([item(leaked[1])])
    history = browsers.of(factories.lotte()).get(reverse("contact:client_history", args=[leaked[0].uid])).text
    assert "Keydesk revoked a leaked value" in history
    log = signed_in(factories.ada()).get(reverse("auditor:change_log"), {"actor": "leak report (GitHub)"}).text
    assert "leak report (GitHub) revoked a leaked value" in log
