"""Two server processes on one database, during acts (PROTOCOL A-14, T-19 and I-23; docs/security.md, faults).

A revocation holds at both from the act's answer on, and a limit is one limit.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from dev.servers import stack
from dev.servers.processes import Process, start
from dev.servers.sockets import free_port
from tests.e2e.support import registering
from tests.e2e.support.live import Live, Part
from tests.e2e.support.racing import Acts, Answer, Caller, going_on, race
from tests.tokens.support.wire import Signer, ec_key, public_jwk
from tokens.endpoints import example_api
from tokens.runtime.rate_limits import WINDOW_S

MANY = "1000000"  # requests a minute: what is not about limits must not meet one


@pytest.fixture(scope="module")
def acts(live: Live) -> Iterator[Acts]:
    registering.make_scopes(live)
    acts = Acts(live)
    yield acts
    acts.close()


@pytest.fixture(scope="module")
def processes(live: Live) -> Iterator[list[str]]:
    """The addresses of two: the portal with its OAuth paths, and the one that serves nothing else."""
    others = len(live.more)
    limits = {"CLIENT_RATE_LIMIT": MANY, "FAILURE_RATE_LIMIT": MANY}
    with ThreadPoolExecutor() as starting:
        urls = [starting.submit(live.another_web, **limits), starting.submit(tokens_only, live, **limits)]
        yield [url.result() for url in urls]
    for part in live.more[others:]:
        part.stop()
    del live.more[others:]


def tokens_only(live: Live, **settings: str) -> str:
    port, operations_port = free_port(), free_port()
    settings["OPERATIONS_PORT"] = str(operations_port)
    command = [sys.executable, "-m", "tokens.serving.cli", "--host", stack.HOST, "--port", str(port)]

    def launch() -> Process:
        log = live.directory / f"tokens-{port}.log"
        process = start("tokens", command, env={**live.env, **settings}, cwd=stack.ROOT, log=log)
        stack.wait_until_ready(process, port=port, operations_port=operations_port)
        return process

    part = Part(launch)
    part.start()
    live.more.append(part)
    return f"http://localhost:{port}"


@pytest.fixture(scope="module")
def resource_servers(acts: Acts, processes: list[str]) -> list[Caller]:
    """An API's own eyes, at each process."""
    credentials = tuple(acts("create_resource_server", "example"))
    return [Caller(url, credentials) for url in processes]


@pytest.fixture
def client(acts: Acts) -> tuple[str, str]:
    client_id, secret = acts("create", example_api.SCOPE, None, None)
    return client_id, secret


def asking_for_tokens(processes: list[str], client: tuple[str, str]) -> list[Callable[[], Answer]]:
    """Two connections to each."""
    return [Caller(url, client).ask_for_token for url in processes * 2]


def active(resource_servers: list[Caller], answers: list[Answer]) -> set[bool]:
    """Return the processes' verdicts on the tokens in these answers."""
    return {server.sees_active(answer.token) for server in resource_servers for answer in answers}


def statuses(answers: list[Answer]) -> dict[str, set[int]]:
    return {url: {answer.status for answer in answers if answer.url == url} for url in {a.url for a in answers}}


# --- One assertion ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoints", [["token"], ["token", "introspect", "revoke"]])
def test_twenty_copies_of_one_assertion_are_accepted_once(
    live: Live, acts: Acts, processes: list[str], endpoints: list[str]
) -> None:
    key = ec_key()
    client_id, _secret = acts("create", example_api.SCOPE, None, public_jwk(key))
    signer = Signer(client_id, key, clock=time.time)  # type: ignore[arg-type]
    together = threading.Barrier(20)

    def send(number: int, form: dict[str, str]) -> Answer:
        caller = Caller(processes[number % 2])
        together.wait()
        return caller.post(endpoints[number % len(endpoints)], **form)

    for _round in range(3):
        assertion = signer.assertion(aud=f"{live.url}/oauth/v2/token")
        form = signer.form(assertion, grant_type="client_credentials", token="unknown")
        with ThreadPoolExecutor(20) as senders:
            answers = list(senders.map(send, range(20), [form] * 20))
        refused = [answer for answer in answers if answer.status != 200]
        assert len(refused) == 19, [answer.status for answer in answers]
        assert {answer.json["error"] for answer in refused} == {"invalid_client"}


# --- What is taken away -----------------------------------------------------------------------------------------------


def test_a_regenerated_secret_stops_at_every_process_at_once(
    acts: Acts, processes: list[str], resource_servers: list[Caller], client: tuple[str, str]
) -> None:
    client_id, _old = client
    seen = race(lambda: acts("regenerate", client_id), asking_for_tokens(processes, client))
    first = [Caller(url, (client_id, seen.result)).ask_for_token() for url in processes]
    assert statuses(seen.before) == {url: {200} for url in processes}
    assert statuses(seen.after) == {url: {401} for url in processes}
    assert statuses(first) == {url: {200} for url in processes}
    assert active(resource_servers, [*seen.before, *first]) == {True}, "a secret is replaced, not what it got"


def test_of_a_suspended_client_nothing_works_at_any_process(
    acts: Acts, processes: list[str], resource_servers: list[Caller], client: tuple[str, str]
) -> None:
    client_id, _secret = client
    seen = race(lambda: acts("suspend", client_id), asking_for_tokens(processes, client))
    assert statuses(seen.before) == {url: {200} for url in processes}
    assert statuses(seen.after) == {url: {401} for url in processes}
    # Those that were on their way as well: whoever got one before the suspension has a dead one now.
    got = [answer for answer in seen.before + seen.during if answer.status == 200]
    assert active(resource_servers, got) == {False}
    acts("reactivate", client_id)
    again = [Caller(url, client).ask_for_token() for url in processes]
    assert active(resource_servers, again) == {True}
    assert active(resource_servers, got) == {False}


@pytest.mark.parametrize("act", ["invalidate_all", "invalidate_issued_to"])
def test_invalidated_tokens_are_dead_and_later_ones_work_under_load(
    acts: Acts, processes: list[str], resource_servers: list[Caller], client: tuple[str, str], act: str
) -> None:
    client_id, _secret = client
    seen = race(lambda: acts(act, client_id), asking_for_tokens(processes, client))
    assert statuses(seen.before + seen.during + seen.after) == {url: {200} for url in processes}
    assert active(resource_servers, seen.before) == {False}
    assert active(resource_servers, seen.after) == {True}
    for answer in seen.during:  # either, but not one thing here and another there
        assert len(active(resource_servers, [answer])) == 1


@pytest.mark.parametrize("by_its_owner", [False, True])
def test_a_revoked_token_is_inactive_at_every_process_at_once(
    acts: Acts, processes: list[str], resource_servers: list[Caller], client: tuple[str, str], by_its_owner: bool
) -> None:
    owner = Caller(processes[0], client)
    token, sibling = owner.ask_for_token().token, owner.ask_for_token()
    watchers = [Caller(url, client) for url in processes]
    asking = [partial(watcher.post, "introspect", token=token) for watcher in watchers]
    take = (lambda: owner.post("revoke", token=token)) if by_its_owner else (lambda: acts("revoke", token))
    seen = race(take, asking)
    assert {answer.json["active"] for answer in seen.before} == {True}
    assert {answer.json["active"] for answer in seen.after} == {False}
    assert {answer.url for answer in seen.after} == set(processes)
    assert active(resource_servers, [sibling]) == {True}


# --- Limits -----------------------------------------------------------------------------------------------------------


def in_one_window(scenario: Callable[[], bool]) -> None:
    """Counting begins anew with every minute of the clock: what met that is tried once more, with a new client."""
    while True:
        began = time.time() // WINDOW_S
        passed = scenario()
        if time.time() // WINDOW_S == began:
            assert passed
            return


def accepted(caller: Caller, *, at_most: int, pause: float = 0) -> int:
    """How many requests are granted before one is refused for their number, or the minute is over."""
    began = time.time() // WINDOW_S
    for number in range(at_most):
        answer = caller.ask_for_token()
        if answer.status == 429:
            assert 0 < int(answer.headers["Retry-After"]) <= WINDOW_S
            return number
        assert answer.status == 200, answer
        if time.time() // WINDOW_S != began:
            return number
        time.sleep(pause)
    return at_most


def shares_one_limit(acts: Acts, processes: list[str]) -> bool:
    """Return whether a limit used up at one process is used up at the other half a second later.

    But for a twentieth, and for what is asked before the other process has heard of it.
    """
    limit = 100
    client = tuple(acts("create", example_api.SCOPE, limit, None))
    first, second = (Caller(url, client) for url in processes)
    if accepted(first, at_most=2 * limit) != limit:
        return False
    twentieth = accepted(second, at_most=limit // 20)
    return twentieth + accepted(second, at_most=limit // 2 - twentieth, pause=0.25) < limit // 2


def test_a_limit_holds_over_all_processes(acts: Acts, processes: list[str]) -> None:
    in_one_window(lambda: shares_one_limit(acts, processes))


def test_without_valkey_each_process_limits_for_itself_until_it_is_back(
    live: Live, acts: Acts, processes: list[str]
) -> None:
    limit = 20
    clients = [tuple(acts("create", example_api.SCOPE, limit, None)) for _attempt in range(2)]
    live.broker.stop()

    def each_limits_for_itself() -> bool:
        client = clients.pop()
        return [accepted(Caller(url, client), at_most=2 * limit) for url in processes] == [limit, limit]

    in_one_window(each_limits_for_itself)
    live.broker.start()
    in_one_window(lambda: shares_one_limit(acts, processes))


# --- One that asks too much -------------------------------------------------------------------------------------------


QUIET, DISTURBED = False, True
MAX_SLOWDOWN = 1.5  # times as slow, at most, for the others


def quantiles(answers: list[Answer]) -> tuple[float, float]:
    """The median and the 99th percentile of how long they took, in seconds."""
    took = sorted(answer.ended - answer.began for answer in answers)
    return took[len(took) // 2], took[len(took) * 99 // 100]


def slowed_down(by_whom: dict[bool, list[Answer]]) -> float:
    """So many times longer took the others' requests, in the middle or at the end."""
    pairs = zip(quantiles(by_whom[DISTURBED]), quantiles(by_whom[QUIET]), strict=True)
    return max(disturbed / quiet for disturbed, quiet in pairs)


def refused(answers: list[Answer]) -> bool:
    """Return whether the client has reached its limit."""
    return any(answer.status == 429 for answer in answers)


def test_a_client_at_ten_times_its_limit_does_not_slow_the_others(acts: Acts, processes: list[str]) -> None:
    """A hundred requests a second are ten times what the site allows a client; this one may have sixty a minute.

    Other things run on the machine of a test. So it is quiet and disturbed by turns, each for a moment, that both meet
    the same weather, and there are more turns while the answer is no: what does slow the others does so in all of them.
    """
    url, limit = processes[1], 60
    greedy = Caller(url, tuple(acts("create", example_api.SCOPE, limit, None)))
    others = [Caller(url, tuple(acts("create", example_api.SCOPE, None, None))) for _other in range(2)]
    by_whom: dict[bool, list[Answer]] = {QUIET: [], DISTURBED: []}
    got: list[Answer] = []
    began, turns = time.time(), 0
    while turns < 10 or (turns < 40 and (slowed_down(by_whom) > MAX_SLOWDOWN or not refused(got))):
        by_whom[QUIET] += [other.ask_for_token() for other in others * 15]
        with going_on([greedy.ask_for_token], pause=0.01) as (answers,):
            by_whom[DISTURBED] += [other.ask_for_token() for other in others * 15]
        got += answers
        turns += 1
    assert {answer.status for answer in by_whom[QUIET] + by_whom[DISTURBED]} == {200}
    windows = time.time() // WINDOW_S - began // WINDOW_S + 1
    assert sum(answer.status == 200 for answer in got) <= limit * windows
    assert {answer.status for answer in got} == {200, 429}
    assert slowed_down(by_whom) <= MAX_SLOWDOWN
