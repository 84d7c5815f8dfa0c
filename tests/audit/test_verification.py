"""The auditor's result: intact, or the first bad entry."""

import pytest

from audit import merkle, signed_notes
from audit.verification import Problem, verify
from tests.audit.forging import KEY, ORIGIN, OTHER_SEED, checkpoint, exported_entry, exported_log, rehashed, tree_of

SIZE = 20


@pytest.fixture
def entries():
    return exported_log(SIZE)


@pytest.fixture
def checkpoints(entries):
    return [checkpoint(entries[:size]) for size in (5, 12, SIZE)]


def assert_found(report, problem, seq):
    assert not report.ok
    assert (report.problem, report.first_bad_seq) == (problem, seq)
    assert report.intact == seq - 1
    assert report.root == ""
    assert str(seq) in report.sentence


def test_an_untouched_log_is_intact(entries, checkpoints):
    report = verify(entries, checkpoints, [KEY], head=SIZE)
    assert report.ok
    assert (report.entries, report.intact, report.signed, report.checkpoints) == (SIZE, SIZE, SIZE, 3)
    assert report.root == tree_of(bytes.fromhex(entry["leaf_hash"]) for entry in entries).root().hex()
    assert report.sentence == (
        "The change log is intact: every entry from 1 to 20 is as it was written. "
        "Signed checkpoints confirm it up to entry 20."
    )


def test_an_empty_log_has_no_bad_entry_and_proves_nothing():
    report = verify([], [], [KEY], head=0)
    assert report.ok
    assert report.root == merkle.EMPTY_ROOT.hex()
    assert (report.proven, report.exit_status) == (False, 3)
    assert "On any other, every entry was removed." in report.sentence


def test_a_log_without_a_checkpoint_is_not_called_proven(entries):
    report = verify(entries, [], [KEY], head=SIZE)
    assert (report.ok, report.signed) == (True, 0)
    assert "no signed checkpoint" in report.sentence


def test_entries_after_the_last_checkpoint_are_told_apart(entries, checkpoints):
    report = verify(entries, checkpoints[:2], [KEY], head=SIZE)
    assert (report.ok, report.intact, report.signed) == (True, SIZE, 12)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("at", "2026-11-24T09:30:08.000001Z"),
        ("action", "secret.viewed"),
        ("actor_id", "user:4"),
        ("actor_label", "Zoe"),
        ("subject_id", "secret:9"),
        ("subject_label", "…9"),
        ("client_ref", ""),
        ("changes", {"hint": ["a", "b"]}),
        ("note", " "),
        ("address", "192.0.2.8"),
        ("request_id", "r-9"),
        ("leaf_hash", "00" * 32),
        ("leaf_hash", None),
    ],
)
def test_a_change_of_any_column_is_found(entries, checkpoints, field, value):
    entries[7] = {**entries[7], field: value}
    assert_found(verify(entries, checkpoints, [KEY], head=SIZE), Problem.CHANGED, 8)


def test_a_deleted_entry_is_found(entries, checkpoints):
    del entries[7]
    report = verify(entries, checkpoints, [KEY], head=SIZE)
    assert_found(report, Problem.MISSING, 8)
    assert report.entries == SIZE - 1
    assert report.signed == 5


def test_a_deleted_entry_is_found_when_the_others_were_renumbered(entries, checkpoints):
    entries = [*entries[:7], *({**entry, "seq": entry["seq"] - 1} for entry in entries[8:])]
    assert_found(verify(entries, checkpoints, [KEY]), Problem.MOVED, 8)


def test_swapped_lines_are_found(entries, checkpoints):
    entries[7], entries[8] = entries[8], entries[7]
    assert_found(verify(entries, checkpoints, [KEY], head=SIZE), Problem.MISSING, 8)


def test_entries_that_swapped_their_numbers_are_found(entries, checkpoints):
    entries[7], entries[9] = {**entries[9], "seq": 8}, {**entries[7], "seq": 10}
    report = verify(entries, checkpoints, [KEY], head=SIZE)
    assert_found(report, Problem.MOVED, 8)
    assert "Entry 8 was written as entry 10" in report.sentence


def test_an_entry_that_was_put_in_a_second_time_is_found(entries, checkpoints):
    entries.insert(8, entries[7])
    assert_found(verify(entries, checkpoints, [KEY]), Problem.INSERTED, 9)


def test_an_inserted_entry_is_found_when_the_others_were_renumbered(entries, checkpoints):
    forged = exported_entry(8, note="never happened", at=entries[6]["at"])
    entries = [*entries[:7], forged, *({**entry, "seq": entry["seq"] + 1} for entry in entries[7:])]
    assert_found(verify(entries, checkpoints, [KEY]), Problem.MOVED, 8)


def test_an_entry_beyond_the_head_is_found(entries, checkpoints):
    entries.append(exported_entry(SIZE + 1))
    assert_found(verify(entries, checkpoints, [KEY], head=SIZE), Problem.INSERTED, SIZE + 1)


def test_an_entry_rewritten_with_its_hash_is_found_at_the_next_checkpoint(entries, checkpoints):
    entries[7] = rehashed({**entries[7], "note": "nothing to see"})
    report = verify(entries, checkpoints, [KEY], head=SIZE)
    assert_found(report, Problem.REWRITTEN, 6)
    assert "between 6 and 12" in report.sentence
    assert report.signed == 5


def test_a_kept_checkpoint_reveals_a_log_rewritten_from_the_start(entries, checkpoints):
    forged = [rehashed({**entry, "note": "rewritten"}) for entry in entries]
    assert verify(forged, [checkpoint(forged)], [KEY]).ok
    assert_found(verify(forged, [checkpoints[0]], [KEY]), Problem.REWRITTEN, 1)


@pytest.mark.parametrize("signed_again", [5, 12, 13, SIZE])
def test_a_key_that_signed_two_histories_is_named_whatever_their_sizes(entries, checkpoints, signed_again):
    """The worker signs every five minutes: hardly ever exactly as many entries as the checkpoint that was kept."""
    forged = [rehashed({**entry, "note": "rewritten"}) for entry in entries]
    report = verify(forged, [checkpoints[0], checkpoint(forged[:signed_again])], [KEY], head=SIZE)
    assert_found(report, Problem.TWO_HISTORIES, 1)
    assert "two different histories of the first 5 entries" in report.sentence
    assert report.entries == SIZE


def test_a_checkpoint_of_fewer_entries_speaks_for_no_second_history(entries, checkpoints):
    forged = [*entries[:5], *(rehashed({**entry, "note": "rewritten"}) for entry in entries[5:])]
    assert_found(verify(forged, checkpoints, [KEY], head=SIZE), Problem.REWRITTEN, 6)


def test_signatures_below_the_known_number_of_entries_prove_too_little(entries, checkpoints):
    assert verify(entries, checkpoints, [KEY], at_least=SIZE).exit_status == 0
    report = verify(entries, checkpoints[:2], [KEY], at_least=SIZE)
    assert (report.ok, report.proven, report.exit_status) == (True, False, 3)
    assert "intact" not in report.sentence
    assert "only up to entry 12, and 20 entries were known" in report.sentence


@pytest.mark.parametrize("left", [0, 5, 13, 19])
def test_a_log_that_was_cut_off_is_found_by_its_checkpoints(entries, checkpoints, left):
    assert_found(verify(entries[:left], checkpoints, [KEY]), Problem.CUT_OFF, left + 1)


def test_a_log_cut_off_after_the_last_checkpoint_is_found_by_its_head(entries, checkpoints):
    assert_found(verify(entries[:15], checkpoints[:2], [KEY], head=SIZE), Problem.CUT_OFF, 16)


def test_an_entry_dated_before_the_one_it_follows_is_found(entries):
    entries[7] = rehashed({**entries[7], "at": entries[5]["at"]})
    assert_found(verify(entries, [], [KEY], head=SIZE), Problem.TIME_REVERSED, 8)


@pytest.mark.parametrize(
    "item", [None, b"junk", [], {}, {"seq": 8}, exported_entry(8) | {"seq": "8"}, exported_entry(8) | {"seq": 8.0},
             exported_entry(8) | {"at": None}, exported_entry(8) | {"more": 1}, exported_entry(1) | {"seq": True}]
)  # fmt: skip
def test_what_is_no_entry_is_found(entries, checkpoints, item):
    entries[7] = item
    assert_found(verify(entries, checkpoints, [KEY], head=SIZE), Problem.UNREADABLE, 8)


@pytest.mark.parametrize("spoil", ["forged", "cut", "altered"])
def test_a_bad_checkpoint_is_named(entries, checkpoints, spoil):
    good = checkpoints[1]
    checkpoints[1] = {
        "forged": checkpoint(entries[:12], seed=OTHER_SEED),
        "cut": good[:-20],
        "altered": good.replace("\n12\n", "\n11\n"),
    }[spoil]
    report = verify(entries, checkpoints, [KEY], head=SIZE)
    assert (report.ok, report.problem, report.first_bad_seq) == (False, Problem.BAD_CHECKPOINT, None)
    assert "Checkpoint 2 of the list" in report.sentence
    assert (report.intact, report.checkpoints) == (SIZE, 2)


def test_a_bad_entry_is_reported_before_a_bad_checkpoint(entries, checkpoints):
    del entries[7]
    assert_found(verify(entries, [*checkpoints, "junk"], [KEY], head=SIZE), Problem.MISSING, 8)


def test_checkpoints_of_a_retired_key_still_count(entries):
    retired = signed_notes.verifier_key(ORIGIN, OTHER_SEED)
    signed = [checkpoint(entries[:5], seed=OTHER_SEED), checkpoint(entries)]
    assert verify(entries, signed, [KEY, retired]).checkpoints == 2
    assert verify(entries, signed, [KEY]).problem == Problem.BAD_CHECKPOINT


def test_a_verification_goes_on_from_an_earlier_tree(entries, checkpoints):
    tree = merkle.Tree()
    for entry in entries[:12]:
        tree.append(bytes.fromhex(entry["leaf_hash"]))
    report = verify(entries[12:], checkpoints[1:], [KEY], head=SIZE, tree=tree)
    assert (report.ok, report.entries, report.checkpoints) == (True, SIZE, 2)
    assert report.root == tree.root().hex()


def test_every_report_is_plain_json(entries, checkpoints):
    report = verify(entries[:3], checkpoints, [KEY]).as_dict()
    assert report == {
        "ok": False,
        "proven": False,
        "entries": 3,
        "intact": 3,
        "signed": 0,
        "checkpoints": 0,
        "root": "",
        "problem": "cut_off",
        "first_bad_seq": 4,
        "sentence": "The change log is cut off: it ends before entry 4, but entry 20 had been written.",
    }
