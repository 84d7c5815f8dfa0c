"""The whole story with nothing made up: browser, worker, broker, database, SMTP, and an unmodified OAuth client."""

from __future__ import annotations

import json
import re
import urllib.request
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from playwright.sync_api import Page

from tests.e2e.support.live import Live
from tests.e2e.support.people import Person, StaffMember, address
from tests.support import keys


def scopes_of(live: Live) -> tuple[str, str]:
    """An API of this test's own, with two scopes."""
    name = f"story{uuid.uuid4().hex[:6]}"
    for command in (
        ["create_api", name, "--name", "Meter readings"],
        ["create_scope", f"{name}.read", "--api", name, "--description", "Read meters"],
        ["create_scope", f"{name}.write", "--api", name, "--description", "Write meters"],
    ):
        done = live.manage(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    return f"{name}.read", f"{name}.write"


def resource_server(live: Live, scope: str) -> tuple[str, str]:
    done = live.manage(
        "create_client", "--name", "Meter API", "--contact", address("rs"), "--json",
        "--serves-api", scope.partition(".")[0],
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    made = json.loads(done.stdout)
    return made["client_id"], made["client_secret"]


def token_by_secret(live: Live, client_id: str, secret: str) -> dict:
    return OAuth2Session(client_id, secret).fetch_token(f"{live.url}/oauth/v2/token", grant_type="client_credentials")


def introspected(live: Live, server: tuple[str, str], token: str) -> dict:
    answer = requests.post(f"{live.url}/oauth/v2/introspect", data={"token": token}, auth=server, timeout=10)
    assert answer.status_code == 200
    return answer.json()


def test_the_whole_story(live: Live, new_page: Callable[..., Page], axe: Callable[[Page], None], tmp_path: Path):
    read, write = scopes_of(live)
    wim = Person(live, new_page(), address("wim"), axe)
    noor = StaffMember(live, new_page(), address("noor"), axe)
    ada = StaffMember(live, new_page(), address("ada"), axe)

    # 1. Wim asks for a client; the mailed code puts his request in the queue.
    wim.goes_to("/")
    wim.goes_to("/request/")
    name = f"Meterstanden {uuid.uuid4().hex[:6]}"
    wim.page.get_by_label("Organisation").fill("Waterbedrijf Leiestroom")
    wim.page.get_by_label("Your name").fill("Wim Goossens")
    wim.page.get_by_label("Name of the client").fill(name)
    wim.page.get_by_label("What does it do").fill("It sends the meter readings of the night.")
    wim.page.locator(f"input[value='{read}']").check()
    wim.page.locator(f"input[value='{write}']").check()
    wim.page.locator("form.govuk-form, main form").first.locator("button").last.click()
    wim.look(wim.page)
    wim.sees("Enter an e-mail address")  # nothing typed is lost
    assert wim.page.get_by_label("Name of the client").input_value() == name
    wim.page.get_by_label("Your work e-mail address").fill(wim.email)
    wim.page.locator("main form").first.locator("button").last.click()
    wim.page.wait_for_url("**/confirm/")
    wim.page.get_by_label("Code", exact=True).fill(wim.code_from_mail())
    wim.page.locator("main form").first.locator("button").first.click()
    wim.page.wait_for_url(re.compile(r"/requests/[0-9a-f-]{36}/$"))
    wim.look(wim.page)
    wim.sees(re.compile("[Ww]aiting for review"))

    # 2. Noor is invited, sets up her second factor, and approves less than was asked.
    noor.set_up("security")
    noor.signs_in()
    noor.goes_to("/security/queue/")
    noor.page.get_by_role("row").filter(has_text=name).get_by_role("link").first.click()
    noor.look(noor.page)
    noor.page.locator(f"input[name=scopes][value='{write}']").uncheck()
    noor.page.locator(f"input[name=defaults][value='{read}']").check()
    noor.page.locator("input[name=decision][value=approve]").check()
    noor.page.get_by_label("Message to the contact").fill("Writing is not needed for this.")
    noor.clicks("Record decision")

    # 3. The link arrives; looking at it changes nothing, the button signs in.
    link = wim.link_from_mail("is approved")
    for method in ("HEAD", "GET", "GET"):
        request = urllib.request.Request(link, method=method)
        assert urllib.request.urlopen(request, timeout=10).status == 200
    wim.page.context.clear_cookies()
    wim.goes_to(link)
    wim.clicks(re.compile("^Open "))
    wim.page.wait_for_url(re.compile(r"/clients/[\w-]+/$"))
    wim.sees(name)

    # 4. The secret is behind a mailed code, and gets a token on the wire.
    wim.clicks("Reveal Client secret")
    wim.steps_up()
    secret = wim.page.locator("#secret").input_value()
    client_id = wim.page.locator("dd.kd-mono").last.inner_text().strip()
    token = token_by_secret(live, client_id, secret)
    assert token["scope"] == read
    assert token["token_type"] == "bearer"
    assert token["expires_in"] == 3600
    wim.clicks("Back to the client", role="link")
    assert secret not in wim.page.content()

    wim.clicks(re.compile("^Regenerate Client secret"), role="link")
    wim.page.locator("input[name=overlap][value='24h']").check()
    wim.clicks("Regenerate secret")
    wim.steps_up()
    new_secret = wim.page.locator("#secret").input_value()
    assert new_secret != secret
    for working in (secret, new_secret):
        assert token_by_secret(live, client_id, working)["access_token"]
    wim.clicks("Back to the client", role="link")

    # A certificate is read, explained and added; its key signs assertions from then on.
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = keys.certificate_pem(private, days=200, now=datetime.now(UTC)).decode()
    wim.page.locator("textarea[name=pasted]").fill(pem)
    wim.clicks("Check this key")
    wim.sees("RSA 2048")
    kid = wim.page.locator("#kid").inner_text().strip()
    assert re.fullmatch(r"[A-Za-z0-9_-]{27}", kid)  # x5t: base64url SHA-1
    wim.clicks("Add this key")
    wim.steps_up()
    private_pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    token_url = f"{live.url}/oauth/v2/token"
    session = OAuth2Session(client_id, private_pem, token_endpoint_auth_method=PrivateKeyJWT(token_url))
    by_key = session.fetch_token(token_url, grant_type="client_credentials")
    assert by_key["scope"] == read

    # 5. A resource server and the bearer see the token; Wim sees it too, and invalidates all.
    server = resource_server(live, read)
    seen = introspected(live, server, by_key["access_token"])
    assert (seen["active"], seen["client_id"], seen["scope"]) == (True, client_id, read)
    verify = f"{live.url}/oauth/v2/verify"
    bearer = {"Authorization": f"Bearer {by_key['access_token']}"}
    assert requests.get(verify, headers=bearer, timeout=10).json()["audience"] == client_id
    by_query = requests.get(verify, params={"access_token": by_key["access_token"]}, timeout=10)
    assert by_query.json()["audience"] == client_id

    wim.goes_to("/clients/")
    wim.clicks(name, role="link")
    client_page = wim.page.url
    wim.sees(kid)
    wim.clicks("Invalidate all tokens", role="link")
    wim.clicks(re.compile("Invalidate all"))
    wim.steps_up()
    for dead in (token, by_key):
        assert introspected(live, server, dead["access_token"]) == {"active": False}
    again = session.fetch_token(token_url, grant_type="client_credentials")
    assert introspected(live, server, again["access_token"])["active"]

    # Secrets off, then a new client id: the old one stops at once.
    wim.goes_to(client_page)
    wim.clicks("Turn secrets off for this client", role="link")
    wim.page.locator("main form button").first.click()
    wim.steps_up()
    refused = requests.post(
        token_url, data={"grant_type": "client_credentials"}, auth=(client_id, new_secret), timeout=10
    )
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    wim.goes_to(client_page + "client-id/")
    wim.page.locator("main form button").first.click()
    wim.page.wait_for_load_state()
    wim.steps_up()
    wim.goes_to(client_page)
    new_id = wim.page.locator("#client-id").inner_text().strip()
    assert new_id != client_id
    by_new_id = OAuth2Session(new_id, private_pem, token_endpoint_auth_method=PrivateKeyJWT(token_url))
    assert by_new_id.fetch_token(token_url, grant_type="client_credentials")["access_token"]

    # The journal knows why the secret was refused.
    wim.goes_to("/journal/")
    wim.sees(name)

    # 6. Every step is in the log, which the auditor reads and proves.
    ada.set_up("auditor")
    ada.signs_in()
    ada.goes_to("/log/")
    ada.sees("regenerated the client id")
    exported = live.manage("export_log", str(tmp_path))  # signs what beat would sign within five minutes
    assert exported.returncode == 0, exported.stderr
    ada.goes_to("/log/verify/")
    ada.page.get_by_role("button", name="Verify now").click()
    ada.sees("The change log is intact")  # the worker did it, and the page found out
    ada.look(ada.page)
    proven = live.manage("verify_log", "--json")
    assert proven.returncode == 0, proven.stdout
    assert json.loads(proven.stdout)["ok"] is True
