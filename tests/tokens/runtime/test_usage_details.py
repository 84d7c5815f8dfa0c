"""PROTOCOL C-41: what is counted by client and day, on rows that are written behind."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.utils import timezone
from joserfc.jwk import ECKey

from clients import keymaterial
from clients.acts.credentials import keys
from clients.models import Client
from foundation.ip_addresses import wide_network
from tests.support.factories import NOW, SYSTEM
from tests.support.keys import certificate_pem, new_ec
from tests.tokens.conftest import add_key
from tests.tokens.support.checking import key
from tests.tokens.support.wire import ISSUER, TOKEN_URL, Signer, Wire, base64url, basic
from tokens import tasks
from tokens.models import CredentialUse, UsageDay, UsageDetail
from tokens.protocol import traits
from tokens.protocol.traits import NO_TRAITS, OTHER, OTHER_TRAITS, Traits
from tokens.runtime import usage
from tokens.runtime.usage import Details, Uses

pytestmark = pytest.mark.django_db(transaction=True)

GRANT = {"grant_type": "client_credentials"}
DAY = int(NOW.timestamp() // 86_400)


def counted(wire: Wire) -> UsageDetail:
    """The only row that there is."""
    wire.write_behind()
    (row,) = UsageDetail.objects.all()
    return row


def send(wire: Wire, assertion: str, **more: str) -> None:
    form = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", **GRANT}
    answer = wire.post("token", form | {"client_assertion": assertion}, **more)
    assert answer.status == 200, answer.text


@pytest.mark.parametrize(
    ("audience", "spelling"),
    [
        (ISSUER, traits.ISSUER),
        (TOKEN_URL, traits.TOKEN_URL),
        ([ISSUER], traits.LIST),
        ([TOKEN_URL], traits.LIST),
    ],
)
def test_the_spelling_of_the_audience_is_counted(wire, signer, audience, spelling):
    send(wire, signer.assertion(aud=audience))
    assert counted(wire).audience == spelling


def test_the_token_url_in_lower_case_is_the_token_url(start, signer):
    wire = start(path="/OAuth/v2/")
    answer = wire.post("/OAuth/v2/token", signer.form(signer.assertion(), **GRANT))
    assert answer.status == 200, answer.text
    assert counted(wire).audience == traits.TOKEN_URL


@pytest.mark.parametrize(
    ("spell", "spelling"),
    [
        pytest.param(lambda der, _key: base64url(hashlib.sha1(der).digest()), "sha1", id="x5t"),
        pytest.param(lambda der, _key: hashlib.sha1(der).hexdigest(), "sha1", id="hex"),
        pytest.param(lambda der, _key: hashlib.sha1(der).hexdigest().upper(), "sha1", id="hex in capitals"),
        pytest.param(lambda der, _key: base64url(hashlib.sha256(der).digest()), "sha256", id="x5t#S256"),
        pytest.param(lambda _der, key: key.thumbprint(), "thumbprint", id="RFC 7638"),
        pytest.param(lambda _der, _key: None, "none", id="absent"),
    ],
)
def test_the_spelling_of_the_kid_of_a_certificate_is_counted(wire, client, clock, spell: Callable, spelling):
    private = new_ec()
    pem = certificate_pem(private)
    (read,) = keymaterial.read(pem, now=NOW)
    keys.add(client=client, key=read, by=SYSTEM, now=NOW)
    signing = ECKey.import_key(private)
    kid = spell(x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER), signing)
    send(wire, Signer(client.client_id, signing, clock, kid=kid).assertion())
    assert counted(wire).kid == spelling


def test_a_kid_of_its_own_is_counted_as_such(wire, client, clock):
    private = key("P-256")
    add_key(client, private, kid="payroll 2026")
    send(wire, Signer(client.client_id, private, clock, kid="payroll 2026").assertion())
    assert counted(wire).kid == "own"


@pytest.mark.parametrize(
    ("kind", "algorithm", "bits"),
    [("RSA", "RS256", 2048), ("RSA", "PS256", 2048), ("P-256", "ES256", 0), ("Ed25519", "EdDSA", 0)],
)
def test_the_algorithm_and_the_size_of_an_rsa_key_are_counted(wire, client, clock, kind, algorithm, bits):
    private = key(kind)
    row = add_key(client, private)
    send(wire, Signer(client.client_id, private, clock, algorithm, row.kid).assertion())
    found = counted(wire)
    assert (found.algorithm, found.key_bits) == (algorithm, bits)


@pytest.mark.parametrize(("seconds", "bound"), [(1, 60), (60, 60), (61, 300), (600, 600), (601, 3600), (3600, 3600)])
def test_the_lifetime_is_counted_by_its_upper_bound(wire, signer, clock, seconds, bound):
    now = int(clock())
    send(wire, signer.assertion(iat=now, exp=now + seconds))
    assert counted(wire).lifetime == bound


def test_a_lifetime_of_more_than_an_hour_is_the_longest(wire, signer, clock):
    now = int(clock())
    send(wire, signer.assertion(iat=now - 3000, exp=now + 3000))
    assert counted(wire).lifetime == traits.LONGER


def test_a_secret_has_no_traits(wire, client, authorization):
    assert wire.token(authorization).status == 200
    row = counted(wire)
    assert row.credential == client.secrets.get().credential
    assert Traits(*(getattr(row, name) for name in Traits._fields)) == NO_TRAITS


def test_a_token_in_the_query_is_counted_for_its_client(wire, client, authorization):
    token = wire.token(authorization).json["access_token"]
    assert wire.get("verify", authorization=f"Bearer {token}").status == 200
    assert wire.get("verify", query=f"access_token={token}").status == 200
    wire.write_behind()
    row = UsageDetail.objects.get(token_in_query=True)
    assert (row.client, row.credential, row.uses, row.issued) == (client, "", 1, 0)
    assert set(CredentialUse.objects.values_list("credential", flat=True)) == {client.secrets.get().credential}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("", ""),
        (OTHER, OTHER),
    ],
)
def test_a_wide_network_is_a_24_or_a_48(address, network):
    assert wide_network(address) == network


def test_an_ipv4_address_is_a_network_of_its_own(wire, authorization):
    for address in ("192.0.2.10", "192.0.2.200", "192.0.2.10"):
        wire.token(authorization, address=address)
    wire.write_behind()
    assert dict(UsageDetail.objects.values_list("network", "issued")) == {"192.0.2.10": 2, "192.0.2.200": 1}


def test_addresses_of_a_64_share_a_row_with_first_and_last_time(wire, clock, authorization):
    first = clock()
    wire.token(authorization, address="2001:db8:1:2::10")
    clock.pass_by(2)
    wire.token(authorization, address="2001:db8:1:2:3::200")
    wire.write_behind()
    clock.pass_by(3)
    wire.token(authorization, address="2001:db8:1:2::30")
    row = counted(wire)
    assert (row.network, row.uses, row.issued, row.refused) == ("2001:db8:1:2::/64", 3, 3, 0)
    assert [at.timestamp() for at in (row.first_at, row.last_at)] == [first, first + 5]
    assert row.day == datetime.fromtimestamp(first, UTC).date()


def test_refusals_are_counted_with_the_credential_that_was_proven(wire, client, authorization, signer):
    wire.token(authorization, "no.such.scope")
    assertion = signer.assertion(aud=ISSUER)
    send(wire, assertion)
    wire.post("token", signer.form(assertion, **GRANT))  # again: replayed
    wire.token(basic(client.client_id, "wrong"))
    wire.write_behind()
    rows = {(row.credential.partition(":")[0], row.audience): row for row in UsageDetail.objects.all()}
    assert {name: (row.uses, row.refused) for name, row in rows.items()} == {
        ("secret", ""): (0, 1),
        ("key", traits.ISSUER): (1, 1),
        ("", ""): (0, 1),
    }
    assert sum(UsageDay.objects.values_list("refused", flat=True)) == 3


def test_a_client_cannot_make_rows_without_end(wire, client, authorization):
    """Rows beyond the bound are counted all the same, under "other"."""
    requests = usage.MAX_DETAILS + 15
    for number in range(requests):
        assert wire.token(authorization, address=f"10.0.{number}.1").status == 200
    wire.write_behind()
    for number in range(requests):
        wire.token(authorization, address=f"10.1.{number}.1")
    wire.write_behind()
    assert UsageDetail.objects.count() == usage.MAX_DETAILS + usage.MAX_BY_WIDE_NETWORK + 1
    assert sum(UsageDetail.objects.values_list("issued", flat=True)) == 2 * requests
    assert UsageDetail.objects.get(network=OTHER).issued == 2 * requests - usage.MAX_DETAILS - usage.MAX_BY_WIDE_NETWORK


def test_addresses_beyond_the_bound_count_for_their_wide_network():
    details = Details()
    given = [(1, DAY, "key:1", f"192.0.2.{number}", NO_TRAITS) for number in range(usage.MAX_DETAILS + 30)]
    found = details.bounded({key: Uses(0.0) for key in given})
    assert len(found) == usage.MAX_DETAILS + 1
    assert (1, DAY, "key:1", "192.0.2.0/24", NO_TRAITS) in found


def test_traits_are_kept_longer_than_networks_when_there_is_no_room():
    details = Details()
    given = [(1, DAY, "key:1", f"10.0.{number}.1", NO_TRAITS) for number in range(usage.MAX_DETAILS)]
    wide, without = usage.MAX_BY_WIDE_NETWORK, usage.MAX_WITHOUT_NETWORK
    given += [(1, DAY, "key:1", "10.1.0.1", Traits(algorithm=str(n))) for n in range(wide + without + 5)]
    found = details.bounded({key: Uses(0.0) for key in given})
    assert len(found) == usage.MAX_DETAILS + wide + without + 1
    assert (1, DAY, "key:1", "10.1.0.0/24", Traits(algorithm="0")) in found
    assert (1, DAY, "key:1", OTHER, Traits(algorithm=str(wide))) in found
    assert (1, DAY, "key:1", OTHER, OTHER_TRAITS) in found


def test_strangers_do_not_take_the_room_of_the_client():
    details = Details()
    strangers = {(1, DAY, "", f"10.{n // 256}.{n % 256}.1", NO_TRAITS): Uses(0.0) for n in range(1000)}
    assert len(details.bounded(strangers)) == usage.MAX_DETAILS + usage.MAX_BY_WIDE_NETWORK + 1
    own = (1, DAY, "key:1", "192.0.2.1", NO_TRAITS)
    assert details.bounded({own: Uses(0.0)}).keys() == {own}


def test_rooms_of_earlier_days_are_forgotten():
    details = Details()
    for day in range(DAY, DAY + 5):
        details.bounded({(1, day, "key:1", "192.0.2.1", NO_TRAITS): Uses(0.0)})
    assert {day for _client, day, _proven in details._known} == {DAY + 3, DAY + 4}


def test_counts_that_could_not_be_written_are_written_later(wire, clock, authorization, monkeypatch):
    services = wire.application.services
    right = services._writing_behind
    wire.token(authorization)
    services._writing_behind = type(right)(replace(services.policy, database={"host": "/nowhere"}).database, "on")
    wire.write_behind()
    assert not UsageDetail.objects.exists()
    wire.token(authorization)
    services._writing_behind = right
    row = counted(wire)
    assert (row.network, row.issued) == ("192.0.2.10", 2)


def test_rows_are_kept_for_400_days(client: Client):
    now = timezone.now()
    for days in (399, 402):
        at = now - timedelta(days=days)
        UsageDetail.objects.create(
            client=client, day=at.date(), key_bits=0, lifetime=0, token_in_query=False,
            uses=1, issued=1, refused=0, first_at=at, last_at=at,
        )  # fmt: skip
    tasks.purge_expired()
    assert [(now.date() - row.day).days for row in UsageDetail.objects.all()] == [399]
