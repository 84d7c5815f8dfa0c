"""PROTOCOL F-36 and C-39: a contact adds a trust from a sample token, extends one near its end, and removes one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from clients.access import one_time_codes
from clients.models import Client, Issuer, Mail, Session, Trust
from tests.portal.support import browsers
from tests.support.factories import NOW, lotte
from tests.tokens.support.issuers import FixtureIssuer, github, kubernetes
from tests.tokens.support.wire import Clock
from tokens.policy import from_settings

pytestmark = pytest.mark.django_db
PINS = {"repository_id": "742213905", "repository_owner_id": "65123"}


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def platform() -> FixtureIssuer:
    made = github(Clock())
    made.register()
    return made


def read(browser: Any, client: Client, token: str) -> Any:
    issuer = Issuer.objects.get()
    return browser.post(reverse("contact:add_trust", args=[client.uid]), {"issuer": str(issuer.uid), "token": token})


def test_a_sample_becomes_a_trust_with_the_immutable_claims(made, platform):
    """PROTOCOL F-36."""
    browser, token = browsers.of(lotte()), platform.token()
    page = read(browser, made, token)["Location"]
    shown = browser.get(page).content.decode()
    for text in ("We would accept this sample", platform.subject, "repository_visibility", "742213905"):
        assert text in shown
    answer = browser.post(page, {"pins": list(PINS), "label": " deploy ", "seen": ""})
    assert answer.status_code == 302, answer.content.decode()
    trust = Trust.objects.get()
    assert (trust.client, trust.subject, trust.claims, trust.label) == (made, platform.subject, PINS, "deploy")
    listed = browser.get(reverse("contact:credentials", args=[made.uid])).content.decode()
    assert "repository_id=742213905" in listed
    assert "deploy" in listed
    assert Mail.objects.filter(facts__action="trust.added").exists()


def test_a_trust_waits_for_the_step_up_like_a_key(made, platform):
    """The page takes a sample before, so it is not among the forms of tests/portal/guards/test_guarded_acts.py."""
    browser = browsers.of(lotte(), stepped_up=False)
    page = read(browser, made, platform.token())["Location"]
    answer = browser.post(page, {"pins": list(PINS), "label": "", "seen": ""})
    assert browsers.is_asked(answer)
    assert not Trust.objects.exists()
    code = one_time_codes.value(lotte().codes.get())
    assert browser.post(answer["Location"], {"code": code}).status_code == 302
    assert Trust.objects.get().subject == platform.subject


def test_the_token_is_neither_kept_nor_shown(made, platform):
    """PROTOCOL F-36: only its claims are, in the session."""
    browser, token = browsers.of(lotte()), platform.token()
    answer = read(browser, made, token)
    signature = token.rpartition(".")[2]
    for page in (answer.content, browser.get(answer["Location"]).content):
        assert signature.encode() not in page
    assert not any(signature in str(row.__dict__) for row in Session.objects.all())
    assert signature not in str(dict(browser.session))
    refused = read(browser, made, token[:-4] + "AAAA")
    assert refused.status_code == 422
    assert token[:-4].encode() not in refused.content


def test_a_choice_without_the_ids_is_asked_again_with_the_reason(made, platform):
    """PROTOCOL F-36: names that can be taken over."""
    browser = browsers.of(lotte())
    page = read(browser, made, platform.token())["Location"]
    again = browser.post(page, {"pins": [], "label": "", "seen": ""})
    assert again.status_code == 422
    assert "The name of a repository can be taken over" in again.content.decode()
    assert not Trust.objects.exists()
    assert 'name="seen" value="repository_without_ids"' in again.content.decode()
    assert browser.post(page, {"pins": [], "seen": "repository_without_ids"}).status_code == 302
    assert Trust.objects.get().claims == {}


def test_values_come_from_the_sample_and_not_from_the_browser(made, platform):
    browser = browsers.of(lotte())
    page = read(browser, made, platform.token())["Location"]
    for pins in (["exp"], ["aud"], ["nothing"], ["*"]):
        assert browser.post(page, {"pins": pins, "seen": ""}).status_code == 422
    assert not Trust.objects.exists()


def test_an_expired_sample_is_told_and_can_be_trusted(made, platform):
    browser = browsers.of(lotte())
    page = read(browser, made, platform.token(exp=int(NOW.timestamp()) - 60))["Location"]
    shown = browser.get(page).content.decode()
    assert "We would refuse this sample, for one reason" in shown
    assert browser.post(page, {"pins": list(PINS), "seen": ""}).status_code == 302
    assert Trust.objects.count() == 1


@pytest.mark.parametrize("changed", [{"iss": "https://gitlab.example"}, {"sub": None}, {"sub": ["x"]}])
def test_a_sample_of_another_issuer_or_without_subject_is_refused(made, platform, changed):
    answer = read(browsers.of(lotte()), made, platform.token(**changed))
    assert answer.status_code == 422
    assert "This token cannot be used as a sample" in answer.content.decode()


def test_each_issuer_says_which_tokens_it_takes(made, platform):
    Issuer.objects.update(max_lifetime=86_400)
    text = browsers.of(lotte()).get(reverse("contact:add_trust", args=[made.uid])).text
    assert f"{Issuer.objects.get().url}, audience {from_settings().issuer}, tokens of at most 86,400 seconds" in text
    Issuer.objects.update(audience="api://tenant")
    assert "audience api://tenant" in browsers.of(lotte()).get(reverse("contact:add_trust", args=[made.uid])).text


def test_a_disabled_issuer_is_not_offered(made, platform):
    Issuer.objects.update(disabled_at=NOW)
    browser = browsers.of(lotte())
    page = browser.get(reverse("contact:add_trust", args=[made.uid])).content.decode()
    assert "There is no issuer to trust yet" in page
    assert read(browser, made, platform.token()).status_code == 422


def test_the_uid_of_a_service_account_is_proposed(made):
    cluster = kubernetes(Clock())
    cluster.register()
    browser = browsers.of(lotte())
    page = read(browser, made, cluster.token())["Location"]
    name = "/kubernetes.io/serviceaccount/uid"
    assert f'value="{name}"' in browser.get(page).content.decode()
    browser.post(page, {"pins": [name], "seen": ""})
    assert Trust.objects.get().claims == cluster.pinned


def test_another_persons_sample_is_not_shown(made, platform):
    page = read(browsers.of(lotte()), made, platform.token())["Location"]
    assert browsers.of(lotte()).get(page).status_code == 302


def test_a_trust_is_removed_after_a_question(made, platform):
    trust = platform.trust(made, claims=PINS)
    browser = browsers.of(lotte())
    page = reverse("contact:remove_trust", args=[made.uid, trust.uid])
    assert "Remove this trust?" in browser.get(page).content.decode()
    assert browser.post(page).status_code == 302
    trust.refresh_from_db()
    assert trust.ends_at == NOW


def test_the_dry_run_takes_a_token_of_an_issuer(made, platform):
    """PROTOCOL F-36: all findings, as at the token endpoint."""
    platform.trust(made, claims=PINS)
    browser, url = browsers.of(lotte()), reverse("contact:dry_run", args=[made.uid])
    good = browser.post(url, {"request": platform.token()}, follow=True).content.decode()
    assert "it authenticates your" in good
    bad = browser.post(url, {"request": platform.token(repository_id="1", aud="x")}, follow=True).content.decode()
    assert "We would refuse this, for 2 reasons" in bad
    assert "repository_id" in bad


# --- The end of one (PROTOCOL C-39) -----------------------------------------------------------------------------------


def ends_in(trust: Trust, days: int) -> None:
    Trust.objects.filter(pk=trust.pk).update(expires_at=NOW + timedelta(days=days))


def pages(browser: Any, client: Client) -> tuple[str, str, str]:
    """Return the home page, the overview of the client, and its credentials."""
    names = (("contact:clients", []), ("contact:client", [client.uid]), ("contact:credentials", [client.uid]))
    return tuple(browser.get(reverse(name, args=args)).content.decode() for name, args in names)  # type: ignore[return-value]  # three


def test_a_trust_with_a_far_end_shows_it_and_asks_for_nothing(made, platform):
    ends_in(platform.trust(made), 300)
    for page in pages(browsers.of(lotte()), made):
        assert "20 September 2027" in page
        assert "Extend" not in page


def test_a_trust_near_its_end_is_extended_with_one_click(made, platform):
    trust = platform.trust(made)
    ends_in(trust, 12)
    browser, extend = browsers.of(lotte()), reverse("contact:extend_trust", args=[made.uid, trust.uid])
    home, overview, credentials = pages(browser, made)
    assert "Run by themselves" not in home
    for page in (home, overview, credentials):
        assert "A trust expires in 12 days" in page
    assert f"#trust-{trust.uid}" in overview
    for page in (home, credentials):
        assert f'action="{extend}"' in page
    assert browser.post(extend).status_code == 302
    trust.refresh_from_db()
    assert trust.expires_at == NOW + timedelta(days=730)
    again = browser.get(reverse("contact:credentials", args=[made.uid])).content.decode()
    assert "The trust is extended until 23 November 2028." in again
    assert extend not in again


def test_a_secret_that_ends_too_hides_no_trust_that_ends(made, platform):
    trust = platform.trust(made)
    ends_in(trust, 12)
    made.secrets.update(expires_at=NOW + timedelta(days=20))
    _home, overview, _credentials = pages(browsers.of(lotte()), made)
    assert "The secret expires in 20 days" in overview
    assert "A trust expires in 12 days" in overview
    assert f"#trust-{trust.uid}" in overview


def test_one_that_lapsed_is_not_among_the_ways_in_and_can_be_extended(made, platform):
    trust = platform.trust(made)
    ends_in(trust, -3)
    page = pages(browsers.of(lotte()), made)[-1]
    assert "1 way to authenticate" in page
    assert "Trusts that no longer work" in page
    assert reverse("contact:extend_trust", args=[made.uid, trust.uid]) in page
    ends_in(trust, -31)
    page = pages(browsers.of(lotte()), made)[-1]
    assert reverse("contact:remove_trust", args=[made.uid, trust.uid]) in page
    assert reverse("contact:extend_trust", args=[made.uid, trust.uid]) not in page


def test_the_dry_run_marks_the_subject_of_a_trust_that_has_ended(made, platform):
    ends_in(platform.trust(made), -3)
    browser, url = browsers.of(lotte()), reverse("contact:dry_run", args=[made.uid])
    page = browser.post(url, {"request": platform.token()}, follow=True).content.decode()
    assert "The key, secret or trust has reached its end" in page
    assert "until 21 November 2026" in page
