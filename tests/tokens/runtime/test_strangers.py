"""PROTOCOL T-19: failures are limited per address, and no stranger can lock a client out.

A client's own limit is charged after it has authenticated, and by an assertion it has once that is spent.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from time import sleep

import pytest
from django.db import connection, transaction

from tests.support.parallel import at_once
from tests.tokens.runtime.test_rate_limits import GRANT, statuses, too_many
from tests.tokens.support.wire import Answer, Signer, Wire, basic
from tokens.models import JournalEntry


@pytest.fixture
def limited(start: Callable[..., Wire]) -> Wire:
    return start(client_limit=5, failure_limit=3)


def test_failures_of_an_address_are_limited(limited, client):
    wrong = basic(client.client_id, "wrong")
    assert statuses(limited, 3, wrong) == [401] * 3
    too_many(limited.token(wrong))
    too_many(limited.token(basic("nobody", "wrong")))
    assert limited.token(wrong, address="192.0.2.99").status == 401
    limited.clock.pass_by(60)
    assert limited.token(wrong).status == 401


def test_all_addresses_of_an_ipv6_network_are_limited_together(limited, client):
    """An IPv6 customer has a /64 of them to choose from."""
    wrong = basic(client.client_id, "wrong")
    answers = [limited.token(wrong, address=f"2001:db8::{number:x}").status for number in range(1, 9)]
    assert answers == [401] * 3 + [429] * 5
    assert limited.token(wrong, address="2001:db8:0:1::1").status == 401


def test_an_ipv4_address_that_comes_as_ipv6_is_itself(start, client):
    """As a socket that listens for both has it. All of these would be one network."""
    wire = start(failure_limit=1)
    wrong = basic(client.client_id, "wrong")
    addresses = ("::ffff:192.0.2.1", "::ffff:192.0.2.2", "192.0.2.1", "192.0.2.2")
    assert [wire.token(wrong, address=address).status for address in addresses] == [401, 401, 429, 429]
    wire.write_behind()
    assert set(JournalEntry.objects.values_list("address", flat=True)) == {"192.0.2.1", "192.0.2.2"}


def test_an_address_that_a_gateway_sends_with_its_port_is_itself(start, client):
    """Azure's and IIS do. All their callers would be one network, and without an address in the journal."""
    wire = start(failure_limit=1, trusted_proxies=1)
    wrong = basic(client.client_id, "wrong")
    forwarded = ("192.0.2.1:50414", "192.0.2.1:50415", "192.0.2.9, 192.0.2.2:1", "[2001:db8::1]:50414", "[2001:db8::1]")
    statuses = [wire.token(wrong, HTTP_X_FORWARDED_FOR=entries).status for entries in forwarded]
    assert statuses == [401, 429, 401, 401, 429]
    wire.write_behind()
    addresses = set(JournalEntry.objects.values_list("address", flat=True))
    assert addresses == {"192.0.2.1", "192.0.2.2", "2001:db8::1"}


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_who_comes_past_the_proxies_has_the_address_of_its_connection(start, client, proxies):
    """As from inside the network. All of them would be one network."""
    wire = start(failure_limit=1, trusted_proxies=proxies)
    wrong = basic(client.client_id, "wrong")
    addresses = ("192.0.2.1", "192.0.2.2", "192.0.2.1")
    assert [wire.token(wrong, address=address).status for address in addresses] == [401, 401, 429]


def test_failures_with_tokens_and_assertions_count_as_well(limited, signer):
    for _each in range(2):
        assert limited.get("verify", authorization="Bearer guess").status == 401
    assert limited.post("token", GRANT | signer.form(signer.assertion()[:-40])).status == 400
    too_many(limited.get("verify", authorization="Bearer guess"))
    too_many(limited.post("token", GRANT | signer.form(signer.assertion(exp=1))))


def test_a_throttled_failure_keeps_its_true_reason_in_the_journal(limited, client):
    wrong = basic(client.client_id, "wrong")
    statuses(limited, 3, wrong)
    answer = limited.token(wrong)
    too_many(answer)
    entry = limited.cause(answer)
    assert (entry.rule, entry.error) == ("secret_wrong", "temporarily_unavailable")


def test_a_stranger_at_the_same_address_does_not_lock_the_client_out(limited, client, authorization):
    statuses(limited, 50, basic(client.client_id, "wrong"))
    too_many(limited.token(basic(client.client_id, "wrong")))
    assert limited.token(authorization).status == 200


def test_failures_in_a_clients_name_are_not_charged_to_it(limited, client, authorization):
    for number in range(20):
        answer = limited.token(basic(client.client_id, "wrong"), address=f"203.0.113.{number}")
        assert answer.status == 401
        assert "RateLimit" not in answer.headers  # which would tell strangers how busy the client is
    answer = limited.token(authorization)
    assert (answer.status, answer.headers["RateLimit"]) == (200, '"client";r=4;t=60')


def test_forged_unsigned_and_malformed_requests_are_not_charged(limited, client, authorization, signer: Signer):
    for number in range(20):
        address = f"203.0.113.{number}"
        limited.post("token", GRANT | signer.form(signer.assertion()[:-40]), address=address)
        limited.post("token", GRANT | signer.form(signer.assertion(aud="x")), address=address)
        limited.post("token", {}, authorization=authorization, address=address)
    assert limited.token(authorization).headers["RateLimit"].startswith('"client";r=4;')


@pytest.mark.parametrize("endpoint", ["token", "introspect", "revoke"])
def test_a_stranger_with_a_used_assertion_does_not_use_the_limit_up(limited, signer: Signer, endpoint):
    seen = GRANT | {"token": "x"} | signer.form()
    assert limited.post(endpoint, seen).status == 200
    for number in range(20):
        copy = limited.post(endpoint, seen, address=f"203.0.113.{number}")
        assert copy.error == "invalid_client"
        assert "RateLimit" not in copy.headers
    own = limited.post(endpoint, GRANT | {"token": "x"} | signer.form())
    assert (own.status, own.headers["RateLimit"]) == (200, '"client";r=3;t=60')


def test_copies_of_a_used_assertion_under_way_do_not_use_up_the_limit(limited, signer: Signer):
    """Held up by a lock: whether they are copies is not known yet when the client asks."""
    seen = GRANT | signer.form()
    assert limited.post("token", seen).status == 200
    copies: list[Answer] = []
    threads = [
        Thread(target=lambda n=number: copies.append(limited.post("token", seen, address=f"203.0.113.{n}")))
        for number in range(20)
    ]
    own: list[Answer] = []
    threads.append(Thread(target=lambda: own.append(limited.post("token", GRANT | signer.form()))))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE tokens_usedassertion IN EXCLUSIVE MODE")
        for thread in threads[:-1]:
            thread.start()
        sleep(0.3)
        threads[-1].start()
        sleep(0.1)
    for thread in threads:
        thread.join(timeout=30)
    assert [answer.error for answer in copies] == ["invalid_client"] * 20
    assert [(answer.status, answer.headers["RateLimit"]) for answer in own] == [(200, '"client";r=3;t=60')]


def test_a_request_refused_before_its_assertion_is_spent_is_not_charged(limited, signer: Signer):
    """An assertion is spent with the token (PROTOCOL A-14). Until then a refused request may be a stranger's."""
    seen = GRANT | signer.form(scope="no.such.scope")
    assert limited.post("token", seen).error == "invalid_scope"
    for number in range(20):
        copy = limited.post("token", seen, address=f"203.0.113.{number}")
        assert copy.error == "invalid_scope"
        assert "RateLimit" not in copy.headers
    own = limited.post("token", GRANT | signer.form())
    assert (own.status, own.headers["RateLimit"]) == (200, '"client";r=4;t=60')


def test_assertions_are_limited_like_secrets(limited, signer: Signer):
    answers = [limited.post("token", GRANT | signer.form()) for _each in range(6)]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    assert [answer.headers["RateLimit"] for answer in answers] == [
        f'"client";r={left};t=60' for left in (4, 3, 2, 1, 0, 0)
    ]
    refused = [limited.post("introspect", signer.form()) for _each in range(6)]  # without a token, but spent
    assert [answer.error for answer in refused] == ["invalid_request"] * 5 + ["temporarily_unavailable"]


def test_assertions_under_way_at_once_may_exceed_the_limit_but_count(limited, signer: Signer):
    answered = at_once(10, lambda _number: limited.post("token", GRANT | signer.form()).status)
    assert set(answered) <= {200, 429}
    assert answered.count(200) >= 5
    too_many(limited.post("token", GRANT | signer.form()))


def test_so_many_addresses_fail_that_they_share_a_counter(limited, client, authorization, monkeypatch):
    monkeypatch.setattr("tokens.runtime.rate_limits.MAX_ADDRESSES", 10)
    wrong = basic(client.client_id, "wrong")
    answers = [limited.token(wrong, address=f"203.0.113.{number}").status for number in range(20)]
    assert answers == [401] * 13 + [429] * 7
    assert len(limited.application.services.rate_limits._counters) == 11
    assert limited.token(authorization, address="203.0.113.19").status == 200
