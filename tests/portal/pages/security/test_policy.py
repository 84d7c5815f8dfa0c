"""PROTOCOL C-40 and C-42 on pages: whom a bound would stop, its proposal, and the switch of an outdated way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from audit.log import SITE
from clients.acts import proposals
from clients.acts.credentials import keys
from clients.acts.policies import Wanted
from clients.models import Client, Mail, PolicyBound, Proposal, Secret
from clients.policy.bounds import Bound
from tests.portal.support.browsers import of as opened_by
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.keys import public_key
from tokens.acts.policy import preview as policy_preview
from tokens.models import CredentialUse

pytestmark = pytest.mark.django_db

CHANGE = reverse("security:change_policy")
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    cache.clear()


def in_days(days: int) -> str:
    return (timezone.now() + days * DAY).date().isoformat()


def use(client: Client, credential: str, at: datetime) -> None:
    CredentialUse.objects.create(client=client, credential=credential, last_used_at=at, uses=1)


def forty_clients() -> list[Client]:
    """Forty clients with a secret; three of them depend on it, one had it in use long ago, the others have a key."""
    now = timezone.now()
    made = [factories.client(now=now - DAY)[0] for _ in range(40)]
    for client in made[3:]:
        key = keys.add(client=client, key=public_key(), by=factories.SYSTEM, now=now - DAY)
        use(client, key.credential, now)
    for client in made[:2]:
        use(client, client.secrets.get().credential, now)
    use(made[3], made[3].secrets.get().credential, now - 40 * DAY)
    return made


def test_the_preview_names_exactly_three_of_forty_clients_and_mails_them() -> None:
    made = forty_clients()
    noor = signed_in(factories.noor())
    asked = {"bound": "secrets_off", "existing_from": in_days(60)}
    page = noor.get(f"{CHANGE}?{urlencode(asked)}").text
    assert "3 clients, by what they used within 30 days." in page
    assert [client.name in page for client in made] == [True] * 3 + [False] * 37
    answer = noor.post(CHANGE, {**asked, "reason": "Case 4711"}, follow=True)
    assert all(client.name in answer.text for client in made[:3])
    assert not PolicyBound.objects.exists()
    proposal = Proposal.objects.get()
    address = reverse("security:proposal", args=[proposal.uid])
    signed_in(factories.bram()).post(address, {"act": "confirm", "reason": "Agreed"}, follow=True)
    mails = Mail.objects.filter(kind=Mail.Kind.POLICY_CHANGED)
    assert {mail.client for mail in mails} == set(made[:3])
    assert set(Secret.objects.values_list("expires_at", flat=True)) == {PolicyBound.objects.get().existing_from}


@pytest.mark.parametrize(
    ("bound", "value", "traits"),
    [
        (Bound.AUDIENCE, True, {"audience": "token_url"}),
        (Bound.SHA1_KID_OFF, True, {"kid": "sha1"}),
        (Bound.EDDSA_OFF, True, {"algorithm": "EdDSA"}),
        (Bound.ALGORITHMS, ["ES256"], {"algorithm": "PS256"}),
        (Bound.ASSERTION_LIFETIME, 600, {"lifetime": 3600}),
        (Bound.QUERY_OFF, True, {"token_in_query": True}),
    ],
)
def test_the_meter_of_old_ways_tells_whom_a_bound_stops(bound, value, traits) -> None:
    old, modern = factories.client()[0], factories.client()[0]
    modern_way = {"audience": "issuer", "kid": "thumbprint", "algorithm": "ES256", "lifetime": 60}
    factories.used(old, **{**modern_way, **traits})
    factories.used(modern, **modern_way)
    now = timezone.now()
    wanted = Wanted(SITE, bound, value, existing_from=now + 40 * DAY)
    (stopped,) = policy_preview.stopped(wanted, now=now)
    assert (stopped.client, stopped.at) == (old, now + 40 * DAY)


def test_a_date_that_is_too_near_or_a_wrong_value_is_refused_with_words() -> None:
    noor = signed_in(factories.noor())
    near = noor.get(f"{CHANGE}?{urlencode({'bound': 'audience', 'existing_from': in_days(10)})}").text
    assert "Existing clients keep at least 30 days." in near
    small = noor.post(CHANGE, {"bound": "rsa_bits", "value": "1024", "reason": "Case 4711"})
    assert small.status_code == 422
    assert "From 2048 to 16384." in small.text
    assert not Proposal.objects.exists()


def test_an_outdated_way_is_refused_from_a_date_counted_down_and_withdrawn() -> None:
    made, _secret = factories.client(now=timezone.now() - DAY)
    factories.used(made, audience="token_url")
    noor, way = signed_in(factories.noor()), reverse("security:outdated_way", args=["audience"])
    assert 'name="existing_from"' in noor.get(way).text
    decide({"bound": "audience", "existing_from": in_days(40)})
    page = noor.get(way).text
    assert "Refused from" in page
    contact = opened_by(factories.lotte()).get(reverse("contact:client", args=[made.uid])).text
    assert "Something that this client uses stops working in" in contact
    decide({"bound": "audience", "withdraw": "on"})
    assert not PolicyBound.objects.exists()
    mails = Mail.objects.filter(kind=Mail.Kind.POLICY_CHANGED).order_by("created_at")
    assert [mail.facts["withdrawn"] for mail in mails] == [False, True]
    assert "Something that this client" not in opened_by(factories.lotte()).get(
        reverse("contact:client", args=[made.uid])
    ).text  # fmt: skip


def decide(asked: dict[str, str]) -> None:
    """Let Noor propose on the page and Bram confirm."""
    signed_in(factories.noor()).post(CHANGE, {**asked, "reason": "Case 4711"})
    proposal = Proposal.objects.latest("proposed_at")
    proposals.confirm(proposal=proposal, by=factories.by(factories.bram()), now=datetime.now(UTC), reason="Agreed")


def test_the_policies_are_listed_with_their_place() -> None:
    decide({"bound": "rsa_bits", "value": "3072", "api": factories.api().identifier})
    page = signed_in(factories.noor()).get(reverse("security:policy")).text
    assert "Smallest RSA key, in bits: 3072" in page
    assert "Clients of the API Addresses" in page
    assert "withdraw=on" in page
