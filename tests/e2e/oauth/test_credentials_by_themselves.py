"""The story of credentials that look after themselves, on a running Keydesk.

Each step is what one of its readers would do: a workload, a cron job, the Security team, GitHub.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey

from tests.e2e.support import command_line, registering
from tests.e2e.support.live import Live
from tests.e2e.support.waiting import wait_for

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ISSUER, SUBJECT = "https://ci.story.example", "repo:leiestroom/facturen:ref:refs/heads/main"
LOAD = 4  # clients that ask at the same time


@pytest.fixture(scope="module")
def scope(live: Live) -> str:
    registering.create(live, "create_api", "story", "--name", "Story")
    registering.create(live, "create_scope", "story.read", "--api", "story")
    return "story.read"


def client(live: Live, scope: str, name: str, *options: str) -> dict[str, str]:
    named = ("--name", name, "--organisation", "Story", "--contact", f"{name.split()[0].lower()}@story.example")
    return registering.create(live, "create_client", *named, "--scope", scope, *options)


MAKE_MANY = """
import json, sys
from pathlib import Path
from django.utils import timezone
from clients import keymaterial
from clients.actors import COMMAND_LINE
from clients.acts import lifecycle
from clients.models import Scope, User

now, made = timezone.now(), {{}}
contact = User.objects.contact(email="many@story.example", name="Many")
scopes = list(Scope.objects.filter(name={scope!r}))
for name, jwk in json.loads(Path({file!r}).read_text()).items():
    (key,) = keymaterial.read(json.dumps(jwk).encode(), now=now, kind="jwk")
    client, _secret = lifecycle.create(
        name=name, organisation="Story", contact=contact, scopes=scopes, key=key, by=COMMAND_LINE, now=now
    )
    client.secrets.update(ends_at=now)
    made[name] = client.client_id
print(json.dumps(made))
"""


def many(live: Live, scope: str, keys: dict[str, Key], directory: Path) -> dict[str, str]:
    """Make clients by name, each with its public key alone, in one process; return their ids."""
    file = directory / "keys.json"
    file.write_text(json.dumps({name: key.as_dict(private=False) for name, key in keys.items()}))
    done = live.manage("shell", "--no-imports", "--command", MAKE_MANY.format(scope=scope, file=str(file)))
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def end_secret(live: Live, made: dict[str, str]) -> None:
    named = ("--client", made["client_id"], "--hint", made["client_secret"][-4:])
    registering.create(live, "end_secret", *named, "--reason", "No secret is carried")


def ask(live: Live, form: dict[str, str], path: str = "token", **more: Any) -> requests.Response:
    return requests.post(f"{live.url}/oauth/v2/{path}", data=form, timeout=20, **more)


def by_assertion(client_id: str, assertion: str, scope: str) -> dict[str, str]:
    named = {"grant_type": "client_credentials", "client_id": client_id, "scope": scope}
    return {**named, "client_assertion_type": JWT_BEARER, "client_assertion": assertion}


def signed(key: Key, algorithm: str, **claims: Any) -> str:
    now = int(time.time())
    content = {"iat": now, "exp": now + 300, "jti": uuid.uuid4().hex, **claims}
    return jwt.encode({"alg": algorithm, "kid": key.kid}, content, key, algorithms=[algorithm])


# --- A workload without a key -----------------------------------------------------------------------------------------


def test_a_workload_gets_a_token_with_what_its_platform_gives_it(live: Live, scope: str, tmp_path: Path) -> None:
    platform = ECKey.generate_key("P-256", {"kid": "ci-1", "use": "sig", "alg": "ES256"})
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [platform.as_dict(private=False)]}))
    registering.create(live, "create_issuer", "Story CI", "--issuer", ISSUER, "--jwks", str(tmp_path / "jwks.json"))
    made = client(live, scope, "Workload")
    trust = ("--client", made["client_id"], "--issuer", "Story CI", "--subject", SUBJECT)
    registering.create(live, "add_trust", *trust, "--claim", "repository_id=742213905")
    end_secret(live, made)
    claims = {"iss": ISSUER, "sub": SUBJECT, "aud": live.url, "repository_id": "742213905"}
    given = signed(platform, "ES256", **claims)
    answers = [ask(live, by_assertion(made["client_id"], given, scope)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text  # a platform hands it out again
    assert answers[0].json()["expires_in"] <= 300 + 600
    for stranger in ({"sub": SUBJECT.replace("facturen", "facturen2")}, {"repository_id": "1"}, {"iss": ISSUER + "/"}):
        refused = ask(live, by_assertion(made["client_id"], signed(platform, "ES256", **claims | stranger), scope))
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client"), stranger
    registering.create(live, "disable_issuer", "Story CI")
    assert ask(live, by_assertion(made["client_id"], given, scope)).status_code == 400
    verify = {"Authorization": f"Bearer {answers[0].json()['access_token']}"}
    assert requests.get(f"{live.url}/oauth/v2/verify", headers=verify, timeout=20).status_code == 401


# --- A cron job -------------------------------------------------------------------------------------------------------


@contextmanager
def load(keydesk: command_line.CommandLine) -> Iterator[list[str]]:
    """Tokens, asked for all the time with the key that is in the file, by several at once."""
    tokens: list[str] = []
    over = threading.Event()

    def ask_on() -> None:
        while not over.is_set():
            tokens.append(keydesk.token_in_process())

    with ThreadPoolExecutor(LOAD) as pool:
        running = [pool.submit(ask_on) for _ in range(LOAD)]
        try:
            yield tokens
        finally:
            over.set()
    for each in running:
        each.result()  # raises what was refused


def test_a_cron_job_renews_the_key_while_a_load_runs(live: Live, tmp_path: Path) -> None:
    keydesk = command_line.with_key(live, tmp_path)
    with load(keydesk) as tokens:
        wait_for(lambda: len(tokens) > LOAD)
        kids = [keydesk.said("rotate-key", "--overlap", "1h")["kid"] for _ in range(3)]
        so_far = len(tokens)
        wait_for(lambda: len(tokens) > so_far + LOAD)
    assert len(set(kids)) == 3
    refused = (
        "SELECT count(*) FROM tokens_journalentry j JOIN clients_client c ON c.id = j.client_id "
        "WHERE c.client_id = %s AND error <> ''"
    )
    assert live.sql(refused, keydesk.client_id) == [(0,)]


# --- The Security team ------------------------------------------------------------------------------------------------


def test_the_preview_of_a_policy_names_3_of_40_clients(live: Live, scope: str, tmp_path: Path) -> None:
    registering.create(live, "create_api", "preview", "--name", "Preview")
    registering.create(live, "create_scope", "preview.read", "--api", "preview")
    keys: dict[str, Key] = {f"Strong {number}": ECKey.generate_key("P-256") for number in range(37)}
    keys |= {f"Weak {number}": RSAKey.generate_key(2048) for number in range(3)}
    made = many(live, "preview.read", keys, tmp_path)
    assert len(made) == 40
    live.manage("invite_staff", "noor@story.example", "--name", "Noor", "--role", "security", "--by", "Story")
    proposed = registering.create(
        live, "policy", "--propose", "rsa_bits", "--value", "3072", "--api", "preview", "--existing-from", "2027-06-01",
        "--reason", "BSI TR-02102", "--by", "noor@story.example",
    )  # fmt: skip
    assert {each["client_id"] for each in proposed["stops"]} == {made[f"Weak {number}"] for number in range(3)}  # type: ignore[index]
    assert proposed["mails_contacts_of"] == 3


def old_audience(live: Live, name: str) -> int:
    """Clients of this name that the page of outdated ways counts for the old audience."""
    asked = (
        "from django.utils import timezone; from clients.outdated_ways import OutdatedWay; "
        "from tokens.acts.policy import outdated; "
        "found = outdated.users(OutdatedWay.AUDIENCE, now=timezone.now(), at_most=100_000); "
        f"print(sum(each.client.name.startswith({name!r}) for each in found))"
    )
    done = live.manage("shell", "--no-imports", "--command", asked)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_the_meter_of_the_old_audience_goes_from_12_to_0(live: Live, scope: str, tmp_path: Path) -> None:
    named: dict[str, Key] = {
        f"Meter {number}": ECKey.generate_key("P-256", {"kid": f"meter-{number}"}) for number in range(12)
    }
    made = many(live, scope, named, tmp_path)
    keys = {made[name]: key for name, key in named.items()}
    for client_id, key in keys.items():
        old = signed(key, "ES256", iss=client_id, sub=client_id, aud=f"{live.url}/oauth/v2/token")
        assert ask(live, by_assertion(client_id, old, scope)).status_code == 200
    wait_for(lambda: old_audience(live, "Meter") == 12)
    # A month later, in which each has sent the issuer instead.
    live.sql(
        "UPDATE tokens_usagedetail SET day = day - 31, first_at = first_at - interval '31 days', "
        "last_at = last_at - interval '31 days' WHERE client_id IN "
        "(SELECT id FROM clients_client WHERE name LIKE 'Meter %%')"
    )
    for client_id, key in keys.items():
        new = signed(key, "ES256", iss=client_id, sub=client_id, aud=live.url)
        assert ask(live, by_assertion(client_id, new, scope)).status_code == 200
    assert old_audience(live, "Meter") == 0


# --- GitHub -----------------------------------------------------------------------------------------------------------


def test_a_secret_that_github_finds_is_dead_in_under_a_second(live: Live, scope: str, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    published = {"public_keys": [{"key_identifier": "story", "key": pem.decode(), "is_current": True}]}
    (tmp_path / "github.json").write_text(json.dumps(published))
    url = live.another_web(LEAK_GITHUB_KEYS=str(tmp_path / "github.json"))
    made = client(live, scope, "Leaky")
    form, basic = {"grant_type": "client_credentials", "scope": scope}, (made["client_id"], made["client_secret"])
    assert ask(live, form, auth=basic).status_code == 200
    place = "https://github.com/leiestroom/facturen/blob/main/.env"
    found = {"token": made["client_secret"], "type": "keydesk_client_secret", "url": place, "source": "content"}
    body = json.dumps([found]).encode()
    signature = b64encode(key.sign(body, ec.ECDSA(hashes.SHA256()))).decode()
    headers = {"Github-Public-Key-Identifier": "story", "Github-Public-Key-Signature": signature}
    headers["Content-Type"] = "application/json"
    requests.get(f"{url}/api/v1/openapi.json", timeout=20)  # the process has just started
    began = time.monotonic()
    answer = requests.post(f"{url}/api/v1/leaks", data=body, headers=headers, timeout=20)
    assert ask(live, form, auth=basic).status_code == 401
    took = time.monotonic() - began
    assert (answer.status_code, answer.json()[0]["label"]) == (200, "true_positive")
    assert took < 1
    mail = wait_for(lambda: _mails(live, "leaky@story.example", place))
    assert made["client_secret"] not in mail[0].get_body(("plain",)).get_content()


def _mails(live: Live, to: str, text: str) -> list[Any]:
    sent = [each for each in live.inbox.messages if each["To"] == to]
    return [each for each in sent if text in each.get_body(("plain",)).get_content()]
