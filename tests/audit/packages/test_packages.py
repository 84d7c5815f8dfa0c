"""Evidence packages: what is in one, and that whatever is done to it is found without Keydesk."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

import audit
from audit import canonical, checkpoints, merkle, signed_notes
from audit.actions import Action
from audit.models import Checkpoint, Entry
from audit.packages import making, sampling, writing
from tests.audit.conftest import Person, Thing
from tests.audit.forging import KEY, ORIGIN, OTHER_SEED, SEED, rehashed
from tests.support import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing_keys")]

OTHER_CLIENT = Thing("client:13", "Somebody else's", "c-13")


def made(*, sample: making.Sample | None = None, since=None, **filters: str):
    entries = Entry.objects.filter(**filters or {"client_ref": "c-12"})
    return making.make(
        entries=entries, filters="client=12", since=since, sample=sample, purpose="Yearly audit", by=Person()
    )


def packed(package) -> bytes:
    checkpoints.sign_checkpoint(factories.NOW)
    covering = making.signed_by(package)
    assert covering is not None
    return b"".join(writing.archive(package, covering, b"<!doctype html>"))


@pytest.fixture
def archive(write) -> bytes:
    """A package of the 30 entries of one client, between 40 of another one, over two checkpoints."""
    for number in range(30):
        write(note=f"entry of ours {number}")
        write(subject=OTHER_CLIENT, note="entry of theirs")
        if number == 9:
            checkpoints.sign_checkpoint(factories.NOW)
    write(10, subject=OTHER_CLIENT, note="entry of theirs")
    return packed(made())


def files_of(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as package:
        return {name: package.read(name) for name in package.namelist()}


def archive_of(files: dict[str, bytes], *, fitting: bool = False) -> bytes:
    """A package of these files; `fitting`: the forger also puts the right sums into the manifest."""
    if fitting:
        manifest = json.loads(files["manifest.json"])
        manifest["files"] = {name: sha256(files[name]).hexdigest() for name in files if name != "manifest.json"}
        lines = files["entries.jsonl"].splitlines()
        manifest["numbers"] = [json.loads(line)["seq"] for line in lines[:-1]]
        files = {**files, "manifest.json": canonical.encode(manifest)}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return out.getvalue()


@pytest.fixture
def verify(tmp_path):
    """Run the script alone: the folder audit/, a package, and a Django that is broken on purpose."""
    source = Path(audit.__file__).parent
    unneeded = shutil.ignore_patterns("migrations", "management", "__pycache__")
    shutil.copytree(source, tmp_path / "audit", ignore=unneeded)
    (tmp_path / "django.py").write_text("raise ImportError('no Django on this machine')")

    def verify(archive: bytes, key: str = str(KEY)) -> tuple[int, str]:
        (tmp_path / "package.zip").write_bytes(archive)
        command = [sys.executable, "audit/offline.py", "package.zip", "--key", key]
        done = subprocess.run(command, cwd=tmp_path, env={"LC_ALL": "C"}, capture_output=True, text=True, timeout=60)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    return verify


def test_a_package_is_verified_alone(archive, verify) -> None:
    status, sentence = verify(archive)
    assert status == 0
    assert sentence.startswith("The package is intact: its 30 entries stand in the change log as they are here")
    assert "not rewritten between its first 20 and its first 71 entries" in sentence


def test_it_holds_no_entry_of_another_client(archive) -> None:
    files = files_of(archive)
    assert b"theirs" not in b"".join(files.values())
    assert b"Somebody else" not in b"".join(files.values())
    entries = [json.loads(line) for line in files["entries.jsonl"].splitlines()]
    assert {entry["client_ref"] for entry in entries[:-1]} == {"c-12"}
    assert [entry["action"] for entry in entries].count(Action.PACKAGE_MADE) == 1


def test_making_it_is_an_entry_that_names_the_selection(archive) -> None:
    own = Entry.objects.get(action=Action.PACKAGE_MADE)
    assert (own.actor_label, own.note) == ("Zoë", "Yearly audit")
    chosen = Entry.objects.filter(client_ref="c-12").order_by("seq").values_list("leaf_hash", flat=True)
    tree = merkle.Tree()
    for leaf in chosen:
        tree.append(bytes(leaf))
    assert own.changes["selection"] == [None, tree.root().hex()]
    assert own.changes["entries"] == [None, 30]


# --- Tampering --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["read-me-first.html", "entries.jsonl", "inclusion.jsonl", "checkpoints.txt"])
def test_an_altered_byte_is_found_in_every_file(archive, verify, name) -> None:
    files = files_of(archive)
    files[name] = files[name][:10] + bytes([files[name][10] ^ 1]) + files[name][11:]
    status, sentence = verify(archive_of(files))
    assert (status, sentence) == (1, f"The file {name} was changed after the package was made.\n")


def test_an_altered_entry_is_named_also_when_the_sums_fit(archive, verify) -> None:
    files = files_of(archive)
    files["entries.jsonl"] = files["entries.jsonl"].replace(b"entry of ours 7", b"entry of ours 8")
    status, sentence = verify(archive_of(files, fitting=True))
    assert (status, sentence.partition(":")[0]) == (1, "Entry 15 is not what was written")


def test_an_entry_rewritten_with_its_hash_is_not_in_the_signed_log(archive, verify) -> None:
    files = files_of(archive)
    lines = files["entries.jsonl"].splitlines()
    lines[7] = canonical.encode(rehashed({**json.loads(lines[7]), "note": "never happened"}))
    files["entries.jsonl"] = b"\n".join([*lines, b""])
    status, sentence = verify(archive_of(files, fitting=True))
    assert status == 1
    assert sentence.startswith("Entry 15 is not in the change log that was signed")


def test_a_dropped_entry_is_missed_also_when_its_proof_went_with_it(archive, verify) -> None:
    files = files_of(archive)
    for name in ("entries.jsonl", "inclusion.jsonl"):
        lines = files[name].splitlines()
        files[name] = b"\n".join([*lines[:7], *lines[8:], b""])
    status, sentence = verify(archive_of(files, fitting=True))
    assert status == 1
    assert "entry 71 of the change log says 30 entries, here are 29" in sentence


def test_a_package_without_its_own_entry_does_not_pass(archive, verify) -> None:
    files = files_of(archive)
    for name in ("entries.jsonl", "inclusion.jsonl"):
        files[name] = b"\n".join([*files[name].splitlines()[:-1], b""])
    status, sentence = verify(archive_of(files, fitting=True))
    assert status == 1
    assert sentence.startswith("The last entry is not the change log's own entry")


def test_a_checkpoint_of_another_log_does_not_pass(archive, verify) -> None:
    files = files_of(archive)
    size, root = Checkpoint.objects.latest("size").size, sha256(b"another log").digest()
    foreign = signed_notes.sign(signed_notes.Checkpoint(ORIGIN, size, root), OTHER_SEED)
    files["checkpoints.txt"] = foreign.encode()
    files["keys.txt"] = f"{signed_notes.verifier_key(ORIGIN, OTHER_SEED)}\n".encode()
    status, sentence = verify(archive_of(files, fitting=True))
    assert status == 1
    assert sentence.startswith("A checkpoint in the package cannot be trusted (not signed by a known key)")
    other_log = str(signed_notes.verifier_key("other.example/log", SEED))
    assert verify(archive, key=other_log)[0] == 1


def test_two_histories_under_one_key_are_found(archive, verify) -> None:
    files = files_of(archive)
    later = signed_notes.split(files["checkpoints.txt"].decode())[-1]
    rewritten = signed_notes.sign(signed_notes.Checkpoint(ORIGIN, 20, bytes(32)), SEED)
    files["checkpoints.txt"] = f"{rewritten}\n{later}".encode()
    status, sentence = verify(archive_of(files, fitting=True))
    assert status == 1
    assert "its first 20 entries are not the beginning of its first 71 entries" in sentence


def test_without_a_checkpoint_nothing_is_proven(archive, verify) -> None:
    files = files_of(archive)
    files["checkpoints.txt"] = b""
    status, sentence = verify(archive_of(files, fitting=True))
    assert (status, sentence.partition(":")[0]) == (3, "Nothing is proven")


@pytest.mark.parametrize("kept", [0.05, 0.5, 0.99])
def test_a_truncated_file_is_not_whole(archive, verify, kept) -> None:
    status, sentence = verify(archive[: int(len(archive) * kept)])
    assert (status, sentence.partition(":")[0]) == (1, "The package is not whole")


def test_a_bit_flipped_in_the_packed_bytes_never_passes(archive, verify) -> None:
    at = len(archive) // 2
    assert verify(archive[:at] + bytes([archive[at] ^ 8]) + archive[at + 1 :])[0] == 1


def test_a_file_more_or_less_is_named(archive, verify) -> None:
    files = files_of(archive)
    assert "extra.txt" in verify(archive_of({**files, "extra.txt": b"x"}))[1]
    del files["keys.txt"]
    status, sentence = verify(archive_of(files))
    assert (status, "keys.txt" in sentence) == (1, True)


def test_a_proof_of_the_wrong_shape_is_no_crash(archive, verify) -> None:
    files = files_of(archive)
    lines = files["inclusion.jsonl"].splitlines()
    for path in (["%"], [b64encode(bytes(31)).decode()], "x", None):
        lines[3] = canonical.encode({"seq": 7, "path": path})
        forged = {**files, "inclusion.jsonl": b"\n".join([*lines, b""])}
        assert verify(archive_of(forged, fitting=True))[0] == 1


# --- Selections -------------------------------------------------------------------------------------------------------


def test_a_selection_without_entries_or_with_too_many_is_refused(write, monkeypatch) -> None:
    with pytest.raises(making.SelectionRefused):
        made()
    monkeypatch.setattr(making, "MAX_ENTRIES", 2)
    write(3)
    with pytest.raises(making.SelectionRefused):
        made()
    assert not Entry.objects.filter(action=Action.PACKAGE_MADE).exists()


def test_a_sample_is_the_same_for_whoever_has_the_seed(write, verify) -> None:
    write(40)
    package = made(sample=making.Sample(5, "2026-ada"))
    ranked = sorted(range(1, 41), key=lambda number: sha256(f"2026-ada:{number}".encode()).hexdigest())
    assert package.numbers == sorted(ranked[:5])
    assert sampling.draw(range(1, 41), size=5, seed="2026-ada") == package.numbers
    assert sampling.draw(range(1, 41), size=5, seed="2026-bram") != package.numbers
    assert {name: pair[1] for name, pair in package.entry.changes.items()}.items() >= {
        "found": 40, "entries": 5, "seed": "2026-ada",
    }.items()  # fmt: skip
    assert verify(packed(package))[0] == 0


def test_what_is_written_later_changes_no_package(write, verify) -> None:
    write(3)
    package = made()
    before = packed(package)
    write(5)
    checkpoints.sign_checkpoint(factories.NOW)
    covering = making.signed_by(package)
    assert covering is not None
    assert b"".join(writing.archive(package, covering, b"<!doctype html>")) == before
    assert verify(before)[0] == 0
