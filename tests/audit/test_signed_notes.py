"""Checkpoints as signed notes, so that outsiders' tools can check them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import signed_notes
from tests.audit.forging import KEY, ORIGIN, OTHER_SEED, SEED

ROOT = bytes(range(32))
CHECKPOINT = signed_notes.Checkpoint(ORIGIN, 20852163, ROOT)
NOTE = signed_notes.sign(CHECKPOINT, SEED)

# The example of the signed-note specification (also that of golang.org/x/mod/sumdb/note).
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="


def test_a_checkpoint_has_the_form_of_the_specification():
    origin, size, root, blank, signature, end = NOTE.split("\n")
    assert (origin, size, root) == (ORIGIN, "20852163", base64.b64encode(ROOT).decode())
    assert (blank, end) == ("", "")
    assert signature.startswith(f"— {ORIGIN} ")
    assert base64.b64decode(signature.split(" ")[2])[:4] == KEY.hash


def test_a_signed_checkpoint_opens_with_its_key():
    assert signed_notes.open_checkpoint(NOTE, [KEY]) == CHECKPOINT


def test_the_example_key_of_the_specification_verifies_its_signature():
    key = signed_notes.parse_key(PETER)
    assert str(key) == PETER
    blob = base64.b64decode(PETER_SIGNATURE)
    assert signed_notes._verified(PETER_TEXT, "PeterNeumann", blob, {("PeterNeumann", key.hash): key})


def test_a_checkpoint_signed_by_somebody_else_is_refused():
    with pytest.raises(signed_notes.NoteRefused, match="not signed by a known key"):
        signed_notes.open_checkpoint(signed_notes.sign(CHECKPOINT, OTHER_SEED), [KEY])


def test_a_signature_of_somebody_else_beside_ours_is_passed_over():
    witness = signed_notes.sign(CHECKPOINT, OTHER_SEED).split("\n")[-2]
    assert signed_notes.open_checkpoint(f"{NOTE}{witness}\n", [KEY]) == CHECKPOINT


def test_a_key_of_the_same_bytes_under_another_name_is_another_key():
    with pytest.raises(signed_notes.NoteRefused):
        signed_notes.open_checkpoint(NOTE, [signed_notes.verifier_key("elsewhere.example/log", SEED)])


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(1, 255))
def test_a_checkpoint_with_one_changed_byte_is_refused(at, flip):
    altered = bytearray(NOTE.encode())
    altered[at] ^= flip
    with pytest.raises(signed_notes.NoteRefused):
        signed_notes.open_checkpoint(altered.decode(errors="replace"), [KEY])


@pytest.mark.parametrize("length", range(len(NOTE)))
def test_a_truncated_checkpoint_is_refused(length):
    with pytest.raises(signed_notes.NoteRefused):
        signed_notes.open_checkpoint(NOTE[:length], [KEY])


@given(st.text())
def test_any_text_at_all_is_opened_or_refused(text):
    with pytest.raises(signed_notes.NoteRefused):
        signed_notes.open_checkpoint(text, [KEY])


@pytest.mark.parametrize(
    "text", ["", "name", "name+00000000+", f"other+{KEY.hash.hex()}+" + str(KEY).rpartition("+")[2], str(KEY)[:-4]]
)
def test_a_malformed_key_is_refused(text):
    with pytest.raises(signed_notes.NoteRefused):
        signed_notes.parse_key(text)


def test_a_log_name_that_no_note_can_carry_is_refused():
    with pytest.raises(signed_notes.NoteRefused):
        signed_notes.sign(signed_notes.Checkpoint("my log", 1, ROOT), SEED)


def test_a_file_of_checkpoints_is_read_whole_whatever_its_line_ends():
    other = signed_notes.sign(signed_notes.Checkpoint(ORIGIN, 3, ROOT), SEED)
    assert signed_notes.split("\n".join([NOTE, other])) == [NOTE, other]
    assert signed_notes.split("\r\n".join([NOTE, other]).replace("\n", "\r\n").replace("\r\r", "\r")) == [NOTE, other]
    assert signed_notes.split("\n") == []


def test_a_cut_off_file_ends_in_a_bad_checkpoint():
    *whole, cut = signed_notes.split("\n".join([NOTE, NOTE])[:-100])
    assert whole == [NOTE]
    with pytest.raises(signed_notes.NoteRefused):
        signed_notes.open_checkpoint(cut, [KEY])
