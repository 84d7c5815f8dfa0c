"""Trace ids of W3C Trace Context, from a trusted proxy only."""

from __future__ import annotations

import pytest

from foundation.request_ids import proxy_trace_id

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@pytest.mark.parametrize("given", [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00", f"01-{TRACE}-{SPAN}-01-later"])
def test_a_trusted_proxy_gives_the_trace_id(given):
    assert proxy_trace_id(given, 1) == TRACE
    assert proxy_trace_id(given, 0) == ""


@pytest.mark.parametrize(
    "given",
    ["", TRACE, f"00-{TRACE}-{SPAN}", f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01",
     f"00-{TRACE.upper()}-{SPAN}-01", f'00-{TRACE}-{SPAN}-01"\n', f"00-{TRACE}, 00-{TRACE}-{SPAN}-01"],
)  # fmt: skip
def test_anything_else_gives_none(given):
    assert proxy_trace_id(given, 1) == ""
