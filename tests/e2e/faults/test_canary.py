"""No secret where it does not belong: canaries go through every path, then all that any process kept is searched.

(docs/security.md, secrets: no secret, link token, assertion, code or private key in any log, trace, error page, Celery
message, result, mail but its own, or the database outside its columns.)
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote

import redis
import requests
from cryptography.hazmat.primitives import serialization
from joserfc.jwk import ECKey

from portal.sign_in.allauth_internals import TOTP_PERIOD_S, totp_code
from tests.e2e.faults.conftest import Traced
from tests.e2e.faults.programs import as_a_program
from tests.e2e.support.canaries import Canaries, Visitor
from tests.e2e.support.live import Live
from tests.e2e.support.people import PASSWORD, address
from tests.e2e.support.waiting import wait_for
from tests.support.keys import jwk_of, new_ec
from tests.support.otlp import attributes
from tests.tokens.support.wire import JWT_BEARER, sign
from tokens.serving.span_export import ATTRIBUTES


@contextmanager
def everything_said_to_valkey(live: Live) -> Iterator[list[str]]:
    """Every command of every process: Celery's messages and results, the cache, the counters."""
    said, end = [""], f"end-{uuid.uuid4().hex}"
    client = redis.from_url(live.env["CACHE_URL"], socket_timeout=None)  # there may be nothing to hear for long
    monitor = client.monitor()

    def listen() -> None:
        with monitor as commands:
            while end not in said[-1]:
                said.append(str(commands.next_command()["command"]))

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    wait_for(lambda: client.echo("ready") and any("ready" in line for line in said))
    try:
        yield said
    finally:
        client.echo(end)
        listener.join(timeout=10)
    assert end in said[-1], "not all of it was heard"


def everything_in_the_database(live: Live) -> dict[str, str]:
    tables = [name for (name,) in live.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    rows = {name: live.sql(f'SELECT string_agg(row::text, chr(10)) FROM "{name}" row')[0][0] or "" for name in tables}
    # Sessions are packed; unpack them as the site does.
    unpack = (
        "from clients.models import Session; from clients.access.session_store import SessionStore;"
        "print([SessionStore().decode(session.session_data) for session in Session.objects.all()])"
    )
    rows["sessions"] = live.manage("shell", "--no-imports", "-c", unpack).stdout
    assert "_auth_user_id" in rows["sessions"]
    return rows


# --- The paths --------------------------------------------------------------------------------------------------------


def on_the_wire(live: Live, client_id: str, secret: str, key: ECKey, canaries: Canaries) -> None:
    """Every endpoint with every kind of credential, also where it does not belong, also wrong."""
    url, session = f"{live.url}/oauth/v2/", requests.Session()

    def post(endpoint: str, form: dict[str, str], **more: Any) -> Any:
        answer = session.post(url + endpoint, form, timeout=20, **more)
        if answer.status_code >= 400:
            canaries.refusals.append(answer.text)
        return answer.json()

    def assertion(**changes: Any) -> str:
        now = int(time.time())
        claims = {"iss": client_id, "sub": client_id, "aud": f"{live.url}/oauth/v2/token", "jti": uuid.uuid4().hex}
        return sign({"alg": "ES256"}, json.dumps({**claims, "iat": now, "exp": now + 300, **changes}).encode(), key)

    grant = {"grant_type": "client_credentials"}
    by_secret = post("token", grant, auth=(client_id, secret))["access_token"]
    good, bad = assertion(), assertion(aud="https://elsewhere.example/")
    by_key = post("token", {**grant, "client_assertion_type": JWT_BEARER, "client_assertion": good})["access_token"]
    for name, text in {"token": by_secret, "token by key": by_key, "assertion": good, "refused assertion": bad}.items():
        canaries.text[name] = text
    canaries.text["signature"] = good.rpartition(".")[2]

    post("token", {**grant, "client_assertion_type": JWT_BEARER, "client_assertion": good})  # used
    post("token", {**grant, "client_assertion_type": JWT_BEARER, "client_assertion": bad})
    post("token", {**grant, "client_id": client_id, "client_secret": secret, "scope": secret})
    post("token", {**grant, "client_id": secret, "client_secret": client_id})  # the wrong way round
    post("token", {"grant_type": secret}, auth=(client_id, secret))
    post("token", {**grant, secret: by_secret}, auth=(secret, client_id))
    post(f"token?client_secret={secret}&access_token={by_secret}", grant, headers={"Authorization": f"Bearer {secret}"})
    post("introspect", {"token": by_secret}, auth=(client_id, secret))
    post("introspect", {"token": secret}, auth=(client_id, by_secret))
    for path in (f"verify?access_token={by_secret}", f"example?access_token={by_key}", f"verify?access_token={secret}"):
        session.get(url + path, timeout=20)
    session.get(f"{url}example", headers={"Authorization": f"Bearer {by_secret}"}, timeout=20)
    session.get(f"{url}{by_secret}?client_secret={secret}", timeout=20)  # 404
    session.get(f"{live.url}/nothing/{secret}/?access_token={by_secret}", timeout=20)  # 404 of the portal
    session.get(f"{live.url}/?access_token={by_secret}", headers={"Host": secret}, timeout=20)  # a host that is none
    post("revoke", {"token": by_key, "token_type_hint": secret}, auth=(client_id, secret))


def in_the_portal(contact: Visitor, client: str, canaries: Canaries) -> None:
    """Reveal, regenerate, private keys in every field, an assertion to explain, values in the wrong field."""
    private = new_ec()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    d = str(ECKey.import_key(pem).as_dict(private=True)["d"])
    canaries.text |= {"private key": pem.splitlines()[1], "private JWK": d}

    page = contact.post(f"{client}secret/reveal/")  # the link is fresh
    assert canaries.text["secret"] in page
    replaces = re.search(r'name="replaces" value="([\w-]+)"', contact.get(f"{client}secret/regenerate/"))[1]  # type: ignore[index]
    page = contact.steps_up(f"{client}secret/regenerate/", {"replaces": replaces, "overlap": "24h"})
    canaries.text["new secret"] = re.search(r"kds_[\w-]{49}", page)[0]  # type: ignore[index]

    for way, value in (("pasted", pem), ("made", pem), ("pasted", json.dumps({**jwk_of(private), "d": d}))):
        contact.post(f"{client}keys/add/", {"way": {"pasted": "paste", "made": "make"}[way], way: value})
    file = {"file": ("key.pem", pem.encode())}
    contact.post(f"{client}keys/add/", {"way": "file"}, files=file)
    contact.post(f"{client}keys/confirm/", {"material": pem, "start": "now"})
    contact.post(f"{client}try/", {"assertion": canaries.text["assertion"]})
    contact.post(f"{client}try/", {"assertion": canaries.text["new secret"]})
    contact.get(f"/journal/?request_id={canaries.text['secret']}")
    contact.get("/journal/")
    contact.post(f"{client}tokens/invalidate/")
    contact.get(client)


def as_staff(live: Live, canaries: Canaries) -> None:
    """Authenticates with password and app, and looks up what leaked."""
    noor = Visitor(live, address("noor"), canaries)
    invited = live.manage("invite_staff", "--by", "Piet", noor.email, "--name", "Noor", "--role", "security")
    assert invited.returncode == 0
    noor.opens_the_link("noor", subject="invitation")
    canaries.text["password"] = PASSWORD
    page = noor.post("/accounts/set-up/", {"password": PASSWORD})
    secret = re.search(r'id="totp-secret"[^>]*>\s*([A-Z2-7]+)', page)[1]  # type: ignore[index]
    canaries.text["TOTP secret"] = secret
    page = noor.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    canaries.codes["recovery code"] = re.search(r"<li>(\w{8})</li>", page)[1]  # type: ignore[index]
    noor.session.cookies.clear()
    noor.post("/accounts/sign-in/", {"login": noor.email, "password": PASSWORD + "x"})
    noor.post("/accounts/sign-in/", {"login": PASSWORD, "password": noor.email})
    noor.post("/accounts/sign-in/", {"login": noor.email, "password": PASSWORD})
    noor.post("/accounts/2fa/authenticate/", {"code": code_of(secret, after=1)})
    noor.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert "Review queue" in noor.get("/security/queue/")
    for name in ("secret", "token", "new secret"):
        found = noor.post("/security/incident/", {"value": canaries.text[name]})
        assert canaries.text[name] not in found
    reference = re.search(r'name="leak" value="([^"]+)"', found)[1]  # type: ignore[index]
    told = {"leak": html.unescape(reference), "act": "revoke", "reason": "Found in a log"}
    noor.post("/security/incident/revoke/", told)
    noor.get("/log/")


def reported_as_leaked(live: Live, client_id: str, canaries: Canaries) -> None:
    """Two live tokens, one pasted on the public page and one reported by GitLab, whose place has it, too."""
    stranger = Visitor(live, "", canaries)
    for name in ("pasted token", "reported token"):
        form, own = {"grant_type": "client_credentials"}, (client_id, canaries.text["new secret"])
        canaries.text[name] = requests.post(f"{live.url}/oauth/v2/token", form, auth=own, timeout=20).json()[
            "access_token"
        ]
    assert "It has been dealt with" in stranger.post("/leaked/", {"value": canaries.text["pasted token"]})
    for name in ("pasted token", "secret", "private key", "private JWK"):  # ended before, or no proof
        stranger.post("/leaked/", {"value": canaries.text[name]})
    stranger.post("/leaked/", {"value": f"{canaries.text['reported token']} {canaries.text['secret']}"})
    token = canaries.text["reported token"]
    found = {"type": token, "token": f'export TOKEN="{token}"', "location": f"https://gitlab.example/-/{token}?line=3"}
    for authorization in (token, live.env["LEAK_GITLAB_TOKEN"]):
        address = f"{live.url}/api/v1/leaks/gitlab/v1/revoke_tokens"
        answer = requests.post(address, json=[found], headers={"Authorization": authorization}, timeout=20)
        canaries.refusals.append(answer.text)
    signed = {"Github-Public-Key-Identifier": token, "Github-Public-Key-Signature": token}
    canaries.refusals.append(requests.post(f"{live.url}/api/v1/leaks", json=[found], headers=signed, timeout=20).text)


def code_of(secret: str, *, after: int = 0) -> str:
    return totp_code(secret, time.time() + 9 * after * TOTP_PERIOD_S)


def test_no_canary_is_found_where_it_does_not_belong(traced: Traced, made: dict[str, str]) -> None:
    live = traced.live
    canaries = Canaries({"secret": made["client_secret"]})
    contact = Visitor(live, made["contact"], canaries)
    mails_before = len(live.inbox.messages)
    with everything_said_to_valkey(live) as said:
        go_through_every_path(live, made, contact, canaries)
        time.sleep(1)  # what is written behind: the journal, the counts

    database = everything_in_the_database(live)
    logs = {part.name: part.read_text() for part in live.directory.glob("*.log")}
    # The search finds what is there, or finding nothing would mean nothing.
    assert made["client_id"] in database["clients_client"]
    assert made["client_id"] in logs[f"web-{live.port}.log"]
    assert any("clients.tasks.send_mail" in command for command in said)
    assert Canaries({"x": "a canary of the test"}).found_in(
        "..." + base64.b64encode(b"it is a canary of the test!").decode()
    )
    assert len(canaries.text) > 12
    assert len(canaries.refusals) > 20

    places = {**logs, **{f"table {name}": rows for name, rows in database.items()}, "Valkey": "\n".join(said)}
    places["error pages"] = "\n".join(canaries.refusals)
    places["traces"] = wait_for(lambda: '"GET log/"' in (sent := "\n".join(traced.received.text)) and sent)
    assert made["client_id"] in places["traces"]
    sent = {name for _, span in traced.received.spans for name in attributes(span)}
    assert {"http.route", "code.function.name", "db.query.text", "keydesk.mail"} <= sent <= ATTRIBUTES
    found = {place: names for place, text in places.items() if (names := canaries.found_in(text + unquote(text)))}
    assert not found
    assert_only_links_and_codes(live.inbox.messages[mails_before:], canaries, contact.email)


def go_through_every_path(live: Live, made: dict[str, str], contact: Visitor, canaries: Canaries) -> None:
    """As a contact, as a client on the wire, as a contact again, as staff; then until every mail has gone out."""
    key = ECKey.generate_key("P-256")
    contact.post("/link/", {"email": contact.email})
    contact.opens_the_link("contact")
    client = re.search(r'href="(/clients/[\w-]{36}/)"', contact.get("/clients/"))[1]  # type: ignore[index]
    material = json.dumps(key.as_dict(private=False))
    contact.post(f"{client}keys/confirm/", {"material": material, "start": "now"})
    contact.steps_up(f"{client}tokens/invalidate/")
    canaries.codes["first step-up code"] = canaries.codes["step-up code"]
    has_a_calendar(contact, canaries)
    on_the_wire(live, made["client_id"], made["client_secret"], key, canaries)
    contact.post("/accounts/sign-out/")
    contact.post("/link/", {"email": contact.email})
    contact.opens_the_link("contact, again")
    in_the_portal(contact, client, canaries)
    as_a_program(live, made["client_id"], canaries)
    reported_as_leaked(live, made["client_id"], canaries)
    as_staff(live, canaries)
    wait_for(lambda: every_mail_has_gone_out(live))


def every_mail_has_gone_out(live: Live) -> bool:
    """Pull forward the collected ones and those of the next attempt, also of other tests on this database."""
    live.sql("UPDATE clients_mail SET next_attempt_at = now() WHERE state = 'pending' AND next_attempt_at > now()")
    return not live.sql("SELECT 1 FROM clients_mail WHERE state = 'pending'")


def has_a_calendar(contact: Visitor, canaries: Canaries) -> None:
    """Its address is read by a program without a cookie, and once cut off."""
    token = re.search(r"/calendar/([\w-]{43})\.ics", contact.steps_up("/calendar/"))[1]  # type: ignore[index]
    canaries.text["address of the calendar"] = token
    program = Visitor(contact.live, "", canaries)
    assert "BEGIN:VEVENT" in program.get(f"/calendar/{token}.ics")
    program.get(f"/calendar/{token[:-1]}.ics")
    program.get(f"/calendar/{token}/")


def assert_only_links_and_codes(mails: list[EmailMessage], canaries: Canaries, contact: str) -> None:
    own = ("link of", "code")
    for mail in mails:
        parts = "".join(part.get_content() for part in mail.walk() if not part.is_multipart())
        names = canaries.found_in(parts)
        assert all(any(word in name for word in own) for name in names), (mail["Subject"], names)
        assert not names or mail["To"] in (contact,) or mail["To"].startswith("noor"), mail["Subject"]
