"""Entries as bytes: RFC 8785."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from audit import canonical
from audit.actions import FIELDS
from tests.audit.forging import exported_entry

# The values of an entry: every text PostgreSQL can store, and the values that audit.log.record accepts.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), texts, st.lists(texts))
entries = st.fixed_dictionaries(
    {
        **dict.fromkeys(canonical.COLUMNS, texts),
        "seq": st.integers(1, 2**53 - 1),
        "changes": st.dictionaries(st.sampled_from(sorted(FIELDS)), st.tuples(values, values).map(list)),
    }
)


@given(entries)
def test_the_canonical_form_is_that_of_rfc_8785(entry):
    assert canonical.encode(entry) == rfc8785.dumps(entry)


@given(entries)
def test_a_canonical_line_reads_back_as_the_same_entry(entry):
    assert canonical.parse_line(canonical.encode(entry)) == entry


def test_the_hash_of_a_known_entry_stays_what_it_is():
    """A change of the format would make every log that exists look forged."""
    entry = exported_entry(7, changes={"hint": ["4f2a", "c07e"], "ends_at": [None, "2026-11-25T14:41:07.000000Z"]})
    assert canonical.encode({name: entry[name] for name in canonical.COLUMNS}) == (
        b'{"action":"secret.regenerated","actor_id":"user:3","actor_label":"Zo\xc3\xab","address":"192.0.2.7",'
        b'"at":"2026-11-24T09:30:07.000000Z","changes":{"ends_at":[null,"2026-11-25T14:41:07.000000Z"],'
        b'"hint":["4f2a","c07e"]},"client_ref":"c-1","note":"","request_id":"r-7","seq":7,"subject_id":"secret:7",'
        b'"subject_label":"\xe2\x80\xa67"}'
    )
    assert entry["leaf_hash"] == "02172e4773e81710b5605906d8f5b5aeaa507d97a9e25ac0071fc83159c71d7b"


def test_times_are_utc_with_microseconds_so_text_order_is_time_order():
    assert canonical.moment(datetime(2026, 11, 24, 9, 30, tzinfo=UTC)) == "2026-11-24T09:30:00.000000Z"
    brussels = timezone(timedelta(hours=1))
    assert canonical.moment(datetime(2026, 11, 24, 9, 30, 0, 5, tzinfo=brussels)) == "2026-11-24T08:30:00.000005Z"


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": 1}',  # a space
        b'{"b":1,"a":2}',  # not sorted
        b'{"a":1,"a":1}',  # a name twice
        b'{"a":"\\u0041"}',  # an escape that is not needed
        b'{"a":1}x',
        b'{"a":1',
        b'{"a":NaN}',
        b'{"a":"\\ud800"}',  # half a character
        b'["a"]',
        b"\xff",
        b"",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' + b"9" * 10_000 + b"}",
    ],
    ids=lambda line: line[:20],
)
def test_a_line_that_is_not_canonical_is_refused(line):
    with pytest.raises(ValueError, match=r"."):
        canonical.parse_line(line)
