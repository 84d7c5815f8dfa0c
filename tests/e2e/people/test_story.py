"""The whole story with nothing made up: browser, worker, broker, database, SMTP, and an unmodified OAuth client.

The test tells it; each step is a function below, in the same order.
"""

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
from playwright.sync_api import Locator, Page

from tests.e2e.support.live import Live
from tests.e2e.support.people import Person, StaffMember, address
from tests.support import keys


def test_the_whole_story(live: Live, new_page: Callable[..., Page], axe: Callable[[Page], None], tmp_path: Path):
    read, write = make_scopes(live)
    wim = Person(live, new_page(), address("wim"), axe)
    noor = StaffMember(live, new_page(), address("noor"), axe)
    ada = StaffMember(live, new_page(), address("ada"), axe)

    # Wim asks for a client; Noor approves less than was asked; the mailed link opens it.
    name = ask_for_client(wim, [read, write])
    confirm_request(wim)
    approve_without(noor, name, approved=read, refused=write)
    open_approved_client(wim, name)

    # Credentials: the secret, a second one beside it, a certificate. Each gets a token.
    client_id, secret = reveal_secret(wim)
    token = token_by_secret(live, client_id, secret)
    assert (token["scope"], token["token_type"], token["expires_in"]) == (read, "bearer", 3600)
    new_secret = regenerate_secret(wim)
    assert new_secret != secret
    for working in (secret, new_secret):
        assert token_by_secret(live, client_id, working)["access_token"]
    private_pem, kid = add_certificate(wim)
    by_key = token_by_key(live, client_id, private_pem)
    assert by_key["scope"] == read

    # Tokens: a resource server and the bearer see one; Wim invalidates all of them, and gets a new one.
    server = create_resource_server(live, read)
    assert_seen_by_resource_server_and_bearer(live, server, by_key["access_token"], client_id, read)
    client_page = invalidate_all_tokens(wim, name, kid)
    for dead in (token, by_key):
        assert introspected(live, server, dead["access_token"]) == {"active": False}
    assert introspected(live, server, token_by_key(live, client_id, private_pem)["access_token"])["active"]

    # The secret is turned off, then the client id is replaced. The journal and the change log have it.
    turn_secrets_off(wim, client_page)
    assert_secret_refused(live, client_id, new_secret)
    new_id = change_client_id(wim, client_page)
    assert new_id != client_id
    assert token_by_key(live, new_id, private_pem)["access_token"]
    assert_in_journal(wim, name)
    verify_change_log(live, ada, tmp_path)


# --- A client is asked for, approved and opened -----------------------------------------------------------------------


def make_scopes(live: Live) -> tuple[str, str]:
    """Create an API of this test's own, with two scopes."""
    name = f"story{uuid.uuid4().hex[:6]}"
    for command in (
        ["create_api", name, "--name", "Meter readings"],
        ["create_scope", f"{name}.read", "--api", name, "--description", "Read meters"],
        ["create_scope", f"{name}.write", "--api", name, "--description", "Write meters"],
    ):
        done = live.manage(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    return f"{name}.read", f"{name}.write"


def ask_for_client(wim: Person, scopes: list[str], *, forgets_address: bool = True) -> str:
    """Fill in the request, at first without an e-mail address unless told otherwise; return the client's name."""
    name = f"Meterstanden {uuid.uuid4().hex[:6]}"
    wim.goes_to("/")
    wim.goes_to("/request/")
    wim.page.get_by_label("Organisation", exact=True).fill("Waterbedrijf Leiestroom")
    wim.page.get_by_label("Your name").fill("Wim Goossens")
    wim.page.get_by_label("Name of the client").fill(name)
    wim.page.get_by_label("What does it do").fill("It sends the meter readings of the night.")
    for scope in scopes:
        wim.page.locator(f"input[value='{scope}']").check()
    if forgets_address:
        buttons_of_first_form(wim).last.click()
        wim.sees("Enter an e-mail address")  # nothing typed is lost
        wim.look(wim.page)
        assert wim.page.get_by_label("Name of the client").input_value() == name
    wim.page.get_by_label("Your work e-mail address").fill(wim.email)
    buttons_of_first_form(wim).last.click()
    return name


def confirm_request(wim: Person) -> None:
    """Type the mailed code, which puts the request in the queue."""
    wim.page.wait_for_url("**/confirm/")
    wim.page.get_by_label("Code", exact=True).fill(wim.code_from_mail())
    buttons_of_first_form(wim).first.click()
    wim.page.wait_for_url(re.compile(r"/requests/[0-9a-f-]{36}/$"))
    wim.look(wim.page)
    wim.sees(re.compile("[Ww]aiting for review"))


def approve_without(noor: StaffMember, name: str, *, approved: str, refused: str) -> None:
    """Accept the invitation as a member of the Security team, and approve one scope of the two."""
    noor.set_up("security")
    noor.signs_in()
    noor.goes_to("/security/queue/")
    noor.page.get_by_role("row").filter(has_text=name).get_by_role("link").first.click()
    noor.page.wait_for_load_state()
    noor.look(noor.page)
    noor.page.locator(f"input[name=scopes][value='{refused}']").uncheck()
    noor.page.locator(f"input[name=defaults][value='{approved}']").check()
    noor.page.locator("input[name=decision][value=approve]").check()
    noor.page.get_by_label("Message to the contact").fill("Writing is not needed for this.")
    noor.clicks("Record decision")


def open_approved_client(wim: Person, name: str) -> None:
    """Follow the mailed link. Requests for it, as scanners of mail make them, change nothing; the button signs in."""
    link = wim.link_from_mail("is approved")
    for method in ("HEAD", "GET", "GET"):
        request = urllib.request.Request(link, method=method)
        assert urllib.request.urlopen(request, timeout=10).status == 200
    wim.page.context.clear_cookies()
    wim.goes_to(link)
    wim.clicks(re.compile("^Open "))
    wim.page.wait_for_url(re.compile(r"/clients/[\w-]+/first-token/$"))
    wim.clicks(name, role="link")
    wim.sees(name)


# --- Credentials ------------------------------------------------------------------------------------------------------


def reveal_secret(wim: Person) -> tuple[str, str]:
    """Return the client id and the secret, which is behind a mailed code."""
    wim.clicks("Credentials", role="link")
    wim.clicks("Reveal Client secret")
    wim.steps_up()
    secret = wim.page.locator("#secret").input_value()
    client_id = wim.page.locator("#client-id").inner_text()
    wim.clicks("Back to the client", role="link")
    assert secret not in wim.page.content()
    return client_id, secret


def regenerate_secret(wim: Person) -> str:
    """Return the new secret; the old one works for another day."""
    wim.clicks("Credentials", role="link")
    wim.clicks(re.compile("^Regenerate Client secret"), role="link")
    wim.page.locator("input[name=overlap][value='24h']").check()
    wim.clicks("Regenerate secret")
    wim.steps_up()
    secret = wim.page.locator("#secret").input_value()
    wim.clicks("Back to the client", role="link")
    return secret


def add_certificate(wim: Person) -> tuple[str, str]:
    """Have a certificate read and explained, and add it; return its private key as PEM, and its `kid`."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = keys.certificate_pem(private, days=200, now=datetime.now(UTC)).decode()
    wim.goes_to(re.sub("(/clients/[^/]+/).*", r"\1keys/add/", wim.page.url))
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
    return private_pem, kid


def token_by_secret(live: Live, client_id: str, secret: str) -> dict:
    return OAuth2Session(client_id, secret).fetch_token(token_url(live), grant_type="client_credentials")


def token_by_key(live: Live, client_id: str, private_pem: str) -> dict:
    signed = PrivateKeyJWT(token_url(live))
    session = OAuth2Session(client_id, private_pem, token_endpoint_auth_method=signed)
    return session.fetch_token(token_url(live), grant_type="client_credentials")


# --- Tokens -----------------------------------------------------------------------------------------------------------


def create_resource_server(live: Live, scope: str) -> tuple[str, str]:
    """Create a client that serves the API of this scope; return its id and secret."""
    done = live.manage(
        "create_client", "--name", "Meter API", "--contact", address("rs"), "--json",
        "--serves-api", scope.partition(".")[0],
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    made = json.loads(done.stdout)
    return made["client_id"], made["client_secret"]


def introspected(live: Live, server: tuple[str, str], token: str) -> dict:
    answer = requests.post(f"{live.url}/oauth/v2/introspect", data={"token": token}, auth=server, timeout=10)
    assert answer.status_code == 200
    return answer.json()


def assert_seen_by_resource_server_and_bearer(
    live: Live, server: tuple[str, str], token: str, client_id: str, scope: str
) -> None:
    seen = introspected(live, server, token)
    assert (seen["active"], seen["client_id"], seen["scope"]) == (True, client_id, scope)
    verify = f"{live.url}/oauth/v2/verify"
    by_header = requests.get(verify, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert by_header.json()["audience"] == client_id
    by_query = requests.get(verify, params={"access_token": token}, timeout=10)
    assert by_query.json()["audience"] == client_id


def invalidate_all_tokens(wim: Person, name: str, kid: str) -> str:
    """Find the client with its new key in the list, invalidate its tokens, and return the address of its page."""
    wim.goes_to("/clients/")
    wim.clicks(name, role="link")
    client_page = wim.page.url
    wim.clicks("Credentials", role="link")
    wim.sees(kid)
    wim.clicks("Invalidate all tokens", role="link")
    wim.clicks(re.compile("Invalidate all"))
    wim.steps_up()
    return client_page


# --- The end of a secret and of a client id, and what is kept of it ---------------------------------------------------


def turn_secrets_off(wim: Person, client_page: str) -> None:
    wim.goes_to(client_page)
    wim.clicks("Credentials", role="link")
    wim.clicks("Turn secrets off for this client", role="link")
    wim.page.locator("main form button").first.click()
    wim.steps_up()


def assert_secret_refused(live: Live, client_id: str, secret: str) -> None:
    grant = {"grant_type": "client_credentials"}
    refused = requests.post(token_url(live), data=grant, auth=(client_id, secret), timeout=10)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


def assert_in_journal(wim: Person, name: str) -> None:
    wim.goes_to("/journal/")
    wim.sees(name)


def change_client_id(wim: Person, client_page: str) -> str:
    """Return the new client id."""
    wim.goes_to(client_page + "client-id/")
    wim.page.locator("main form button").first.click()
    wim.page.wait_for_load_state()
    wim.steps_up()
    wim.goes_to(client_page)
    return wim.page.locator("#client-id").inner_text().strip()


def verify_change_log(live: Live, ada: StaffMember, folder: Path) -> None:
    """Read the change log as an auditor, have the worker prove it, and prove it on the command line."""
    ada.set_up("auditor")
    ada.signs_in()
    ada.goes_to("/log/")
    ada.sees("regenerated the client id")
    exported = live.manage("export_log", str(folder))  # signs what beat would sign within five minutes
    assert exported.returncode == 0, exported.stderr
    ada.goes_to("/log/verify/")
    ada.page.get_by_role("button", name="Verify now").click()
    ada.sees("The change log is intact")  # the worker did it, and the page found out
    ada.look(ada.page)
    proven = live.manage("verify_log", "--json")
    assert proven.returncode == 0, proven.stdout
    assert json.loads(proven.stdout)["ok"] is True


def token_url(live: Live) -> str:
    return f"{live.url}/oauth/v2/token"


def buttons_of_first_form(person: Person) -> Locator:
    return person.page.locator("main form").first.locator("button")
