"""Staff sign in with a passkey, or through an OpenID provider, in a real browser: what no test client can do."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.support.live import Live
from tests.e2e.support.people import PASSWORD, StaffMember, address
from tests.support.oidc import CLIENT_ID, CLIENT_SECRET, running_provider

LAPTOP = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def noor(live: Live, new_page: Callable[..., Page], axe: Callable[[Page], None]) -> StaffMember:
    return StaffMember(live, new_page(), address("noor"), axe)


def test_a_passkey_is_added_and_from_then_on_signs_in_alone(noor: StaffMember) -> None:
    noor.set_up("security")
    noor.signs_in()
    devtools = noor.page.context.new_cdp_session(noor.page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": LAPTOP})

    noor.goes_to("/accounts/2fa/webauthn/add/")
    noor.page.get_by_label("Password").fill(PASSWORD)  # a change of one's sign-in asks who it is, once more
    noor.clicks("Confirm")
    noor.page.get_by_label("Name of the passkey").fill("Laptop")
    noor.page.get_by_role("button", name="Add the passkey").click()
    expect(noor.page.get_by_role("heading", name="Your sign-in")).to_be_visible()
    noor.goes_to("/accounts/2fa/webauthn/")
    noor.sees("Laptop")

    noor.page.context.clear_cookies()
    noor.goes_to("/accounts/sign-in/")
    noor.page.get_by_role("button", name="Sign in with a passkey").click()
    expect(noor.page.get_by_role("heading", name="Dashboard")).to_be_visible()
    logged = "SELECT note FROM audit_entry WHERE action = 'staff.signed_in' AND actor_label LIKE %s ORDER BY seq"
    ways = [note for (note,) in noor.live.sql(logged, f"%{noor.email}%")]
    assert ways == ["password and authenticator app", "passkey"]


def test_single_sign_on_leads_to_the_provider_and_back(live: Live, noor: StaffMember) -> None:
    invited = live.manage("invite_staff", "--by", "Piet", noor.email, "--name", "Noor", "--role", "security")
    assert invited.returncode == 0, invited.stdout + invited.stderr
    with running_provider() as provider:
        provider.person = {"sub": noor.email, "email": noor.email, "email_verified": True}
        web = live.another_web(
            OIDC_SERVER_URL=provider.issuer, OIDC_NAME="Example account",
            OIDC_CLIENT_ID=CLIENT_ID, OIDC_CLIENT_SECRET=CLIENT_SECRET,
        )  # fmt: skip
        noor.goes_to(f"{web}/accounts/sign-in/")
        noor.page.get_by_role("link", name="Sign in with Example account").click()
        expect(noor.page.get_by_role("heading", name="Dashboard")).to_be_visible()
