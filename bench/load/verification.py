"""The verification of a signature and nothing else: what a token by private_key_jwt cannot cost less than."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from bench.load.cells import Cell
from bench.load.generator import ServerFailed
from bench.machine import on_core
from bench.place import SERVER_CORE
from tokens.protocol import jws
from tokens.protocol.client_key import ClientKey

SERVER, TITLE = "verification", "nothing but the verification, same library"
LOAD = "64"  # beside whose cells it is measured
WARMING_UP, COUNTED = 200, 2_000


def measure(algorithm: str, jwk: Mapping[str, Any], assertions: Sequence[str], number: int) -> Cell:
    """Verify assertions in this process, on the server's core and by the call that the server makes."""
    key = ClientKey("", jwk["kid"], {}, frozenset({algorithm}), jwk)
    read = [jws.read(assertion) for assertion in assertions[: WARMING_UP + COUNTED]]
    with on_core(SERVER_CORE):
        _verify(key, read[:WARMING_UP])
        began_at, before = time.perf_counter(), time.process_time()
        _verify(key, read[WARMING_UP:])
        cpu, seconds = time.process_time() - before, time.perf_counter() - began_at
    count = len(read) - WARMING_UP
    return Cell(
        round=number, server=SERVER, work=algorithm, load=LOAD, rate=count / seconds, p50_ms=0.0, p99_ms=0.0,
        answered=count, unsent=0, server_us=cpu / count * 1e6, database_us=0.0, others=0.0,
    )  # fmt: skip


def _verify(key: ClientKey, assertions: Sequence[jws.Jws]) -> None:
    if not all(assertion.is_signed_by(key.imported, key.modulus) for assertion in assertions):
        raise ServerFailed("a signature of the benchmark is not valid")
