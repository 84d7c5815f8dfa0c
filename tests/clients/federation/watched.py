"""Helpers of the tests of the fetch: the connections of the process, and how a refusal reads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from clients.federation.fetch import Fetcher
from clients.refusal_codes import FetchCode
from foundation.refusals import Refusal

connected: list[tuple[Any, ...]] = []
Rows = Sequence[tuple[Any, ...]]


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        connected.append(arguments[1])


sys.addaudithook(_note)


def refused(fetcher: Fetcher, url: str) -> str:
    with pytest.raises(Refusal) as caught:
        fetcher.get(url)
    assert caught.value.code in list(FetchCode)
    return caught.value.code


def resolver(*answers: tuple[str, int]) -> Callable[..., Rows]:
    """A resolver that gives these addresses to whatever it is asked."""

    def resolve(*_arguments: object, **_options: object) -> Rows:
        return [(0, 1, 6, "", answer) for answer in answers]

    return resolve
