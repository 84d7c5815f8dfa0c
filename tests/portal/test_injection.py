"""Text of others stays text: in pages, mails, spreadsheets and log lines; and nothing in a log opens anything."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from django.test import Client as Browser
from django.urls import reverse

from audit.actions import Action
from audit.models import Entry
from clients import keymaterial
from clients.access import management_links
from clients.acts.credentials import keys
from clients.models import Mail
from foundation.log_lines import LineHandler
from foundation.secret_format import generate
from portal.web import csv_download
from tests.portal.support import browsers, staff
from tests.support import factories
from tests.support.factories import SYSTEM, lotte, noor
from tests.support.keys import new_ec
from tests.tokens.support.wire import Clock, basic, process
from tokens.protocol import token_format

pytestmark = pytest.mark.django_db

NASTY = "<svg onload=alert(1)>\r\nBcc: x@evil.example\u202e{{ 7|add:7 }}\x1b[31m%s"
ASSERTION = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl"
FORGED = '\r\n{"event": "forged", "level": "info"}\x1b[2K'


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Return what the process logs, by the handler of production."""
    (handler,) = [found for found in logging.getLogger().handlers if isinstance(found, LineHandler)]
    written, usual = io.StringIO(), handler.stream
    handler.setStream(written)
    yield written
    handler.setStream(usual)


def lines(log: io.StringIO) -> list[dict[str, object]]:
    """Each line is one JSON object, or this fails."""
    text = log.getvalue()
    assert text.isascii()
    assert not [character for character in text if not character.isprintable() and character != "\n"]
    return [json.loads(line) for line in text.splitlines()]


def certificate_of(name: str) -> bytes:
    private, now = new_ec(), datetime.now(UTC)
    names = x509.Name(
        [x509.NameAttribute(kind, name[:60]) for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)]
    )
    built = (
        x509.CertificateBuilder().subject_name(names).issuer_name(names).public_key(private.public_key())
        .serial_number(7).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=365))
    )  # fmt: skip
    return built.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_the_names_in_a_certificate_are_text_on_every_page_with_them() -> None:
    client, _secret = factories.client()
    (key,) = keymaterial.read(certificate_of(NASTY), now=datetime.now(UTC))
    browser = browsers.of(lotte())
    shown = browser.post(
        reverse("contact:add_key", args=[client.uid]),
        {"way": "paste", "pasted": certificate_of(NASTY).decode()},
        follow=True,
    )
    assert "What we understood" in shown.text
    row = keys.add(client=client, key=key, by=SYSTEM, now=datetime.now(UTC))
    pages = [
        shown,
        browser.get(reverse("contact:key", args=[client.uid, row.uid])),
        browser.get(reverse("contact:client", args=[client.uid])),
    ]
    pages += [staff.signed_in(noor()).get(reverse("security:client", args=[client.uid]))]
    for page in pages:
        assert "<svg onload" not in page.text
        assert not set(page.text) & {"\u202e", "\x1b"}
    assert "svg onload" in "".join(page.text for page in pages)


def test_a_name_is_text_on_the_pages_of_staff_and_contacts() -> None:
    client, _secret = factories.client()
    client.name = client.organisation = client.purpose = NASTY[:100]
    client.save()
    person = lotte()
    person.name = NASTY[:100]
    person.save()
    security = staff.signed_in(noor())
    for browser, name, args in (
        (browsers.of(person), "contact:client", [client.uid]), (browsers.of(person), "contact:clients", []),
        (browsers.of(person), "contact:contacts", [client.uid]), (security, "security:client", [client.uid]),
        (security, "security:clients", []), (security, "auditor:change_log", []), (security,
        "auditor:client_at", [client.uid]),
    ):  # fmt: skip
        text = browser.get(reverse(name, args=args)).text
        assert "<svg onload" not in text, name
        assert "14" not in text.partition("add:7")[0][-8:], name


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "＋1", "－1", "＠SUM(A1)"])
def test_a_spreadsheet_reads_no_cell_as_a_formula(cell: str) -> None:
    (line,) = csv_download.lines([[cell]])
    assert line.lstrip('"').startswith("'")


@pytest.mark.parametrize("inside", ["x;=1+1", "x;y;@SUM(1)", 'x;"=1+1"', "one\n=1+1", "one\r\n-1", "a;\t+1", "x;＝1"])
def test_nor_does_one_that_takes_the_semicolon_for_the_end_of_a_cell(inside: str) -> None:
    (line,) = csv_download.lines([["first", inside]])
    assert not [cell for cell in re.split(r"[;\t\r\n]", line) if cell.lstrip('" ').startswith(tuple("=+-@＝＋－＠"))]
    assert csv_download.safe_cell("from 2 to 3; a-b, c@d; e = f") == "from 2 to 3; a-b, c@d; e = f"


def test_the_exported_list_of_clients_prefixes_names_of_others() -> None:
    client, _secret = factories.client()
    client.name = '=HYPERLINK("http://evil.example")'
    client.save()
    sheet = b"".join(staff.signed_in(noor()).post(reverse("security:export_clients")).streaming_content).decode()
    assert "'=HYPERLINK" in sheet
    assert ",=HYPERLINK" not in sheet


# --- The log ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/nothing" + FORGED, "/security/queue" + FORGED + "/", "/open/bbb" + FORGED + "/", '/open/x"\\' + FORGED + "/"],
)
def test_no_address_or_header_forges_a_line_of_the_log(log: io.StringIO, path: str) -> None:
    browser = Browser(
        HTTP_USER_AGENT=FORGED, HTTP_X_REQUEST_ID=FORGED, HTTP_X_FORWARDED_FOR=FORGED, HTTP_REFERER=FORGED
    )
    assert browser.get(quote(path)).status_code == 404
    Browser(HTTP_HOST=f"evil{FORGED}").get("/")
    logging.getLogger("some.library").warning("it said %s", FORGED)
    written = lines(log)
    assert len(written) >= 3
    assert "forged" not in {line["event"] for line in written}


def test_the_address_of_a_link_is_in_no_line_of_the_log(log: io.StringIO) -> None:
    link = management_links.issue(user=lotte(), now=datetime.now(UTC))
    management_links.activate(link)
    token = management_links.token(link)
    url = reverse("public:open_link", args=[token])
    Browser(enforce_csrf_checks=True).post(url)  # 403: a browser without cookies; the link still works
    Browser().put(url)  # 405
    Browser().get(url[:-2] + "/")  # 404: cut off by a mail program
    Browser().get(f"/OPEN/{token}/x")  # 404
    Browser().post(url)
    Browser().post(url)  # 404: used
    assert len(lines(log)) >= 5
    assert token[:20].lower() not in log.getvalue().lower()


def test_a_secret_or_token_that_a_library_logs_is_taken_out(log: io.StringIO) -> None:
    secret, token = generate(), token_format.generate()
    logging.getLogger("some.library").error("answered %s", {"client_secret": secret, "t": token})
    try:
        raise ValueError(f"cannot read {secret}?access_token=abcdef&x=1")
    except ValueError:
        logging.getLogger("some.library").exception("failed")
    text = log.getvalue()
    assert len(lines(log)) == 2
    assert secret not in text
    assert token not in text
    assert "abcdef" not in text
    assert "x=1" in text


@pytest.mark.django_db(transaction=True)
def test_the_access_log_for_machines_has_no_credential_and_no_forged_line(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, secret = factories.client()
    odd = {"HTTP_USER_AGENT": FORGED, "HTTP_X_REQUEST_ID": FORGED, "HTTP_X_FORWARDED_FOR": FORGED}
    with process(Clock(datetime.now(UTC).timestamp())) as wire:
        token = wire.token(basic(client.client_id, secret), **odd).json["access_token"]
        wire.get("verify", query=f"access_token={token}", **odd)
        wire.post(
            "token", {"client_id": client.client_id + FORGED, "client_secret": secret, "grant_type": FORGED}, **odd
        )
        wire.get("/oauth/v2/nothing" + FORGED, query=FORGED, **odd)
        wire.post("introspect", {"token": token}, authorization="Basic " + FORGED, address=FORGED)
    written = [json.loads(line) for line in wire.log.getvalue().splitlines()]
    assert len(written) == 5
    assert {line["event"] for line in written} == {"answered"}
    everything = wire.log.getvalue() + log.getvalue()
    for kept in (token, secret, basic(client.client_id, secret).removeprefix("Basic ")):
        assert kept not in everything


@pytest.mark.django_db
def test_what_a_page_logs_has_the_trace_of_a_trusted_proxy(settings: Any) -> None:
    """Only W3C's form is taken, so no caller puts a text of theirs there."""
    settings.TRUSTED_PROXY_COUNT = 1
    for traceparent, expected in (("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", 32), (FORGED, 0)):
        Browser().get("/", HTTP_TRACEPARENT=traceparent)
        assert len(structlog.contextvars.get_contextvars().get("trace_id", "")) == expected


@pytest.mark.parametrize("kind", ["secret", "token", "assertion", "private key"])
def test_a_credential_in_a_text_for_others_is_refused_and_kept_nowhere(kind: str) -> None:
    """The change log would keep it for good, and mails would carry it to each contact."""
    private_key = "-----BEGIN PRIVATE KEY-----"
    text = {"secret": generate(), "token": token_format.generate(), "assertion": ASSERTION}.get(kind, private_key)
    made, asked = factories.client()[0], factories.submitted_request()
    people = {"team": staff.signed_in(noor()), "owner": browsers.of(lotte()), "asker": browsers.of(factories.wim())}
    scope = factories.scope("person.read", sensitive=True)
    decision = {"seen": asked.content_hash, "decision": "reject"}
    described = {"api": scope.api.pk, "name": "x.read"}
    content = {"organisation": "O", "client_name": "C", "purpose": "P", "scopes": scope.name}
    places: list[tuple[str, str, list[object], dict[str, object], str]] = [
        ("team", "security:change_client_status", [made.uid, "suspend"], {}, "reason"),
        ("team", "security:review", [asked.uid], decision, "message"),
        ("team", "security:write_message", [asked.uid], {}, "text"),
        ("team", "security:ease_scope", [scope.pk], {"act": "ask"}, "reason"),
        ("team", "security:create_scope", [], described, "description_en"),
        ("asker", "contact:request", [asked.uid], {}, "text"),
        ("owner", "contact:propose_change", [made.uid], content, "purpose"),
        ("owner", "contact:propose_change", [made.uid], content, "client_name"),
        ("owner", "contact:contacts", [made.uid], {"email": "an@example.org", "role": "editor"}, "name"),
    ]
    entries, mails = Entry.objects.count(), Mail.objects.count()
    for person, name, arguments, form, field in places:
        page = people[person].post(reverse(name, args=arguments), {**form, field: f"It was {text} that leaked"})
        assert page.status_code == 422, name
        assert "There is a secret, a token or a private key in this text" in page.text, name
    assert (Entry.objects.count(), Mail.objects.count()) == (entries, mails)


def test_an_exported_filter_keeps_no_credential_in_the_change_log() -> None:
    secret = generate()
    staff.signed_in(noor()).post(f"{reverse('auditor:log_export')}?{urlencode({'who': secret})}")
    entry = Entry.objects.with_action(Action.LOG_EXPORTED).get()
    assert entry.changes["filters"] == [None, "who=***"]


def test_a_mail_to_an_address_with_a_line_break_is_never_queued() -> None:
    form = {
        "organisation": "O", "client_name": "C", "purpose": "P", "scopes": factories.scope().name, "contact_name": "N",
        "contact_email": "x@example.org\r\nBcc: y@evil.example", "scenario": "client_credentials",
    }  # fmt: skip
    assert Browser().post(reverse("public:request_client"), form).status_code == 422
    assert not Mail.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("field", ["scope", "grant_type", "client_assertion_type"])
def test_a_credential_in_the_wrong_field_is_not_kept_in_the_journal(field: str) -> None:
    client, secret = factories.client()
    assertion = ASSERTION
    form = {"grant_type": "client_credentials", field: f"{secret} {assertion}"}
    if field == "client_assertion_type":
        form |= {"client_id": client.client_id, "client_assertion": assertion}
    with process(Clock(datetime.now(UTC).timestamp())) as wire:
        authorization = "" if "assertion" in field else basic(client.client_id, secret)
        kept = wire.cause(wire.post("token", form, authorization=authorization))
    assert kept is not None
    assert "***" in kept.facts["sent"]
    assert secret[:20] not in str(kept.facts)
    assert assertion[:20] not in str(kept.facts)
