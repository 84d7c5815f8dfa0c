"""Acts of contacts that need a real browser: making a key pair, using a passkey."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable

import pytest
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey, RSAKey
from playwright.sync_api import Page, expect

from tests.e2e.support import registering
from tests.e2e.support.live import Live
from tests.e2e.support.people import Person, address
from tokens.endpoints import example_api

LAPTOP = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture
def lotte(live: Live, new_page: Callable[..., Page], axe: Callable[[Page], None]) -> Person:
    """A contact who has come in with a mailed link, and looks after one client."""
    lotte = Person(live, new_page(), address("lotte"), axe)
    registering.make_scopes(live)
    name = f"Meterstanden {uuid.uuid4().hex[:6]}"
    made = live.manage(
        "create_client", "--name", name, "--contact", lotte.email, "--scope", example_api.SCOPE, "--json"
    )
    assert made.returncode == 0, made.stdout + made.stderr
    lotte.client_id = json.loads(made.stdout)["client_id"]  # type: ignore[attr-defined]
    comes_in_with_a_mailed_link(lotte)
    lotte.clicks(name, role="link")
    return lotte


def comes_in_with_a_mailed_link(person: Person) -> None:
    person.goes_to("/link/")
    person.page.get_by_role("textbox").fill(person.email)
    person.clicks("Send me a link")
    person.opens_the_mailed_link("sign-in link")


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_key_pair_made_in_the_browser_gets_a_token_and_stays_private(
    live: Live, lotte: Person, algorithm: str
) -> None:
    sent: list[str] = []
    client_page = lotte.page.url
    lotte.page.on("request", lambda request: sent.append(request.post_data or ""))
    lotte.goes_to(f"{lotte.page.url}keys/add/")
    lotte.page.locator("label[for=way-make]").click()
    lotte.page.locator(f"label[for=alg-{algorithm[:2].lower()}]").click()
    with lotte.page.expect_download() as download:
        lotte.page.locator("#make-key").click()
    private_pem = download.value.path().read_text()
    lotte.clicks("Check this key")
    lotte.sees("Your browser signed with it")
    lotte.clicks("Add this key")
    lotte.steps_up()
    lotte.goes_to(f"{client_page}credentials/")
    lotte.sees("Possession proven on")

    token_url = f"{live.url}/oauth/v2/token"
    method = PrivateKeyJWT(token_url, alg=algorithm)
    private = (ECKey if algorithm == "ES256" else RSAKey).import_key(private_pem)
    session = OAuth2Session(lotte.client_id, private, token_endpoint_auth_method=method)  # type: ignore[attr-defined]
    assert session.fetch_token(token_url, grant_type="client_credentials", scope=example_api.SCOPE)["access_token"]
    assert sent
    for secret in ("PRIVATE KEY", private_pem.splitlines()[2], private.as_dict(private=True)["d"]):
        assert not any(secret in body for body in sent)


def test_a_passkey_signs_a_contact_in_and_takes_the_place_of_the_code(live: Live, lotte: Person) -> None:
    devtools = lotte.page.context.new_cdp_session(lotte.page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": LAPTOP})
    client_page = lotte.page.url

    lotte.goes_to("/passkeys/")
    lotte.clicks("Add a passkey")
    lotte.steps_up()
    lotte.page.get_by_label("Name of the passkey").fill("Laptop")
    lotte.page.get_by_role("button", name="Add the passkey").click()
    expect(lotte.page.get_by_role("rowheader", name="Laptop")).to_be_visible()
    lotte.look(lotte.page)
    assert lotte.reads(r"(added the passkey Laptop)")

    # Signing in with it needs no mail, leads to the page that was wanted, and needs no code right after.
    lotte.page.context.clear_cookies()
    lotte.goes_to(client_page)
    lotte.clicks("Or use your passkey", role="link")
    lotte.page.get_by_role("button", name="Sign in with a passkey").click()
    lotte.page.wait_for_url(client_page)
    lotte.clicks("Credentials", role="link")
    lotte.clicks("Reveal Client secret")
    expect(lotte.page.locator("#secret")).to_be_visible()

    # A link that was mailed a moment ago shows the secret, too. For the rest the passkey stands in for the code.
    lotte.page.context.clear_cookies()
    comes_in_with_a_mailed_link(lotte)
    lotte.goes_to(client_page)
    lotte.clicks("Credentials", role="link")
    lotte.clicks("Reveal Client secret")
    expect(lotte.page.locator("#secret")).to_be_visible()
    lotte.goes_to("/passkeys/")
    lotte.clicks(re.compile("^Remove"), role="link")
    lotte.clicks("Remove this passkey")
    lotte.sees("Confirm that it is you")
    lotte.page.get_by_role("button", name="Use your passkey").click()
    lotte.sees("You have none")


def test_a_button_that_is_clicked_twice_sends_once(lotte: Person) -> None:
    lotte.page.goto("/link/")
    refused = lotte.page.evaluate("""() => {
        const refused = [], button = document.querySelector('main form[method=post] button');
        addEventListener('submit', (event) => { refused.push(event.defaultPrevented); event.preventDefault(); });
        button.click(); button.click();
        return refused;
    }""")
    assert refused == [False, True]
