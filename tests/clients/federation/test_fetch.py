"""The guarded fetch against a real TLS server (PROTOCOL F-35). Every connection of the process is watched."""

from __future__ import annotations

import dataclasses
import os
import socket
import ssl
import threading
import time

import pytest

from clients.federation.fetch import MAX_BODY, MAX_SECONDS, Fetcher
from clients.refusal_codes import FetchCode
from foundation.refusals import Refusal
from tests.clients.federation.watched import Rows, connected, refused, resolver
from tests.support.key_server import KeyServer, ok


def test_the_name_is_resolved_once_and_the_connection_goes_to_that_address(server, fetcher):
    """A second question would get another answer: DNS rebinding."""
    server.answers["/keys"] = ok(b"first")
    answers = [("127.0.0.1", server.port), ("127.0.0.2", server.port)]

    def resolve(host: str, *_arguments: object, **_options: object) -> Rows:
        assert host == "keys.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", answers.pop(0))]

    name = f"keys.example:{server.port}"
    pinned = dataclasses.replace(fetcher, allowed_hosts=frozenset({name}), resolve=resolve)
    assert pinned.get(f"https://{name}/keys") == b"first"
    assert connected == [("127.0.0.1", server.port)]
    assert answers == [("127.0.0.2", server.port)]
    assert f"Host: {name}" in server.requests[0]


def test_an_unknown_name_reads_like_a_private_one(fetcher):
    def resolve(*_arguments: object, **_options: object) -> Rows:
        raise socket.gaierror

    assert (
        refused(dataclasses.replace(fetcher, resolve=resolve), "https://keys.example/") == FetchCode.ADDRESS_NOT_PUBLIC
    )


def test_only_the_very_host_and_port_is_allowed(server):
    server.answers["/"] = ok(b"{}")
    url = f"{server.url}/"

    def fetch(*hosts: str) -> bytes:
        return Fetcher(allowed_hosts=frozenset(hosts), ca_file=server.ca_file).get(url)

    assert fetch(server.host) == b"{}"
    for other in ("localhost", f"localhost:{server.port + 1}", f"127.0.0.1:{server.port}", ".localhost", "*"):
        with pytest.raises(Refusal):
            fetch(other)
    assert len(server.requests) == 1


def test_proxies_of_the_environment_are_not_asked(server, fetcher, monkeypatch):
    server.answers["/keys"] = ok(b"{}")
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:9")
    assert fetcher.get(f"{server.url}/keys") == b"{}"
    assert {port for _host, port, *_more in connected} == {server.port}


def test_nothing_that_authenticates_is_sent(server, fetcher):
    server.answers["/keys?tenant=1"] = ok(b"{}")
    fetcher.get(f"{server.url}/keys?tenant=1")
    names = {line.partition(":")[0] for line in server.requests[0].splitlines()[1:] if line}
    assert names == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}


# --- Who answers ------------------------------------------------------------------------------------------------------


def test_a_server_that_no_known_authority_vouches_for_is_refused(server, fetcher):
    assert refused(dataclasses.replace(fetcher, ca_file=""), f"{server.url}/") == FetchCode.FETCH_TLS_FAILED
    assert server.requests == []


def test_a_certificate_of_another_name_is_refused(server, fetcher):
    resolve = resolver(("127.0.0.1", server.port))
    name = f"other.example:{server.port}"
    other = dataclasses.replace(fetcher, allowed_hosts=frozenset({name}), resolve=resolve)
    assert refused(other, f"https://{name}/") == FetchCode.FETCH_TLS_FAILED
    assert server.requests == []


def test_a_server_without_tls_is_refused(fetcher):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"localhost:{listener.getsockname()[1]}"
        plain = dataclasses.replace(fetcher, allowed_hosts=frozenset({host}))
        listener.settimeout(5)

        def answer() -> None:
            connection, _address = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        thread = threading.Thread(target=answer)
        thread.start()
        assert refused(plain, f"https://{host}/") == FetchCode.FETCH_TLS_FAILED
        thread.join()


def test_a_closed_port_is_unreachable(fetcher):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    closed = dataclasses.replace(fetcher, allowed_hosts=frozenset({f"localhost:{port}"}))
    assert refused(closed, f"https://localhost:{port}/") == FetchCode.FETCH_UNREACHABLE


# --- What is answered -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300, 304])
def test_redirects_are_not_followed(server, fetcher, status):
    server.answers["/keys"] = ok(b"", f"Location: {server.url}/inside", status=f"{status} Elsewhere")
    server.answers["/inside"] = ok(b"{}")
    assert refused(fetcher, f"{server.url}/keys") == FetchCode.FETCH_REDIRECTED
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [201, 204, 206, 400, 401, 404, 500, 503])
def test_only_200_is_an_answer(server, fetcher, status):
    server.answers["/keys"] = ok(b"", status=f"{status} Other")
    assert refused(fetcher, f"{server.url}/keys") == FetchCode.FETCH_STATUS


def test_bodies_of_every_framing_arrive_whole(server, fetcher):
    body = b"x" * MAX_BODY
    server.answers["/length"] = ok(body)
    server.answers["/chunked"] = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"%x\r\n" % MAX_BODY + body + b"\r\n0\r\n\r\n"
    )
    server.answers["/until-the-end"] = b"HTTP/1.1 200 OK\r\n\r\n" + body
    server.answers["/after-hints"] = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok(body)
    for path in server.answers:
        assert fetcher.get(server.url + path) == body


BROKEN: dict[str, bytes] = {
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.9\r\n",
    "cut": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
    "cut in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n12345",
    "cut in the header": b"HTTP/1.1 200 OK\r\nContent-Len",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "compressed": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab",
    "an upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "only hints": b"HTTP/1.1 103 Early Hints\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_is_refused(server, fetcher, name):
    server.answers["/keys"] = BROKEN[name]
    assert refused(fetcher, f"{server.url}/keys") in {FetchCode.FETCH_BROKEN, FetchCode.FETCH_STATUS}


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"x" * (MAX_BODY + 1)),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"4000\r\n" + b"x" * 0x4000 + b"\r\n" + b"20000\r\n"
        + b"x" * 0x20000 + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000,
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100_000 + b"\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10_000,
    ],
    ids=["length", "chunks", "until the end", "header", "interim answers"],
)  # fmt: skip
def test_a_huge_answer_is_refused(server, fetcher, answer):
    server.answers["/keys"] = answer
    assert refused(fetcher, f"{server.url}/keys") in {FetchCode.FETCH_TOO_LARGE, FetchCode.FETCH_BROKEN}


def drip(connection: ssl.SSLSocket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _second in range(60):
        connection.sendall(b"x")
        time.sleep(0.2)


def say_nothing(connection: ssl.SSLSocket) -> None:
    connection.recv(1)


@pytest.mark.parametrize("act", [drip, say_nothing])
def test_a_slow_answer_is_left_after_three_seconds(server: KeyServer, fetcher: Fetcher, act):
    server.answers["/keys"] = act
    began_at = time.monotonic()
    assert refused(fetcher, f"{server.url}/keys") == FetchCode.FETCH_TOO_SLOW
    assert MAX_SECONDS <= time.monotonic() - began_at < MAX_SECONDS + 1


def test_a_slow_resolver_is_left_after_three_seconds(fetcher):
    def resolve(*_arguments: object, **_options: object) -> Rows:
        time.sleep(6)
        return []

    began_at = time.monotonic()
    assert refused(dataclasses.replace(fetcher, resolve=resolve), "https://keys.example/") == FetchCode.FETCH_TOO_SLOW
    assert time.monotonic() - began_at < MAX_SECONDS + 1


def test_a_handshake_that_never_ends_is_left_after_three_seconds(fetcher):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"localhost:{listener.getsockname()[1]}"
        began_at = time.monotonic()
        silent = dataclasses.replace(fetcher, allowed_hosts=frozenset({host}))
        assert refused(silent, f"https://{host}/") == FetchCode.FETCH_TOO_SLOW
        assert time.monotonic() - began_at < MAX_SECONDS + 1
