"""Checkpoints of the change log as signed notes: C2SP signed-note and tlog-checkpoint (Ed25519).

A checkpoint says "the first `size` entries have the tree hash `root`"; the tools of other transparency logs read it:

    <origin>
    <size, decimal>
    <root, base64>

    — <origin> <base64(key hash, 4 bytes || signature, 64 bytes)>

Written here because the format is a few lines of text, and the offline verifier (audit/offline.py) needs only the
package cryptography. A maintained library for signed notes can replace it.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.merkle import HASH_SIZE

ED25519 = b"\x01"
KEY_HASH_SIZE = 4
NAME = re.compile(r"[^\s+]+")
SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")
SIZE = re.compile(r"0|[1-9][0-9]{0,18}")

# The codes of NoteRefused, for audit/offline.py and logs; pages have their words in portal/explanations/verdicts.py.
REASONS = {
    "bad_origin": "a log's origin has no spaces and no plus sign: {name!r}",
    "not_a_key": "not an Ed25519 verifier key (name+hash+key)",
    "key_hash_differs": "the verifier key's hash does not fit its name and key",
    "not_a_note": "not a signed note",
    "not_a_checkpoint": "not a checkpoint",
    "wrong_root_length": "the root hash is not 32 bytes",
    "not_base64": "not base64",
    "unknown_key": "not signed by a known key",
    "bad_signature": "the signature does not fit the text",
}


class NoteRefused(ValueError):
    """Malformed note or key, or a note that none of the given keys signed; `code` is a key of REASONS."""

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(REASONS[code].format(**facts))
        self.code = code


@dataclass(frozen=True)
class VerifierKey:
    """Public key to check signatures with: the log's name (its origin) and the Ed25519 public key, 32 bytes."""

    name: str
    public: bytes

    @property
    def hash(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:KEY_HASH_SIZE]

    def __str__(self) -> str:
        """Return the text form: name+hash+key."""
        return f"{self.name}+{self.hash.hex()}+{_base64(ED25519 + self.public)}"


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


def verifier_key(name: str, seed: bytes) -> VerifierKey:
    """Return the public half of a signing key, given as its 32-byte seed. Raises NoteRefused for an invalid name."""
    if not NAME.fullmatch(name):
        raise NoteRefused("bad_origin", name=name)
    return VerifierKey(name, Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def parse_key(text: str) -> VerifierKey:
    """Parse a verifier key from its text form. Raises NoteRefused."""
    name, _, rest = text.strip().partition("+")
    key_hash, _, encoded = rest.partition("+")
    material = _unbase64(encoded)
    if not NAME.fullmatch(name) or len(material) != 33 or material[:1] != ED25519:
        raise NoteRefused("not_a_key")
    key = VerifierKey(name, material[1:])
    if key_hash != key.hash.hex():
        raise NoteRefused("key_hash_differs")
    return key


def sign(checkpoint: Checkpoint, seed: bytes) -> str:
    """Return the checkpoint as a signed note."""
    key = verifier_key(checkpoint.origin, seed)
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(checkpoint.text.encode())
    return f"{checkpoint.text}\n— {key.name} {_base64(key.hash + signature)}\n"


def open_checkpoint(note: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """Return the checkpoint in a note that at least one of `keys` signed. Raises NoteRefused.

    Signatures by unknown keys are ignored, as the specification wants; a wrong signature by a known key refuses the
    note.
    """
    text, blank, signatures = note.rpartition("\n\n")
    lines = signatures.removesuffix("\n").split("\n")
    matches = [SIGNATURE_LINE.fullmatch(line) for line in lines]
    if not blank or not signatures.endswith("\n") or not all(matches):
        raise NoteRefused("not_a_note")
    checkpoint = _parse_text(text + "\n")
    known = {(key.name, key.hash): key for key in keys if key.name == checkpoint.origin}
    verified = [_verified(text + "\n", match[1], _unbase64(match[2]), known) for match in matches if match]
    if not any(verified):
        raise NoteRefused("unknown_key")
    return checkpoint


def split(text: str) -> list[str]:
    """Split a file of several notes, each followed by an empty line; a truncated last one is returned as it is."""
    blocks = text.replace("\r\n", "\n").strip("\n").split("\n\n") if text.strip() else []
    return ["\n\n".join(blocks[at : at + 2]) + "\n" for at in range(0, len(blocks), 2)]


def _verified(text: str, name: str, blob: bytes, known: dict[tuple[str, bytes], VerifierKey]) -> bool:
    key = known.get((name, blob[:KEY_HASH_SIZE]))
    if key is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(blob[KEY_HASH_SIZE:], text.encode())
    except InvalidSignature as error:
        raise NoteRefused("bad_signature") from error
    return True


def _parse_text(text: str) -> Checkpoint:
    # Lines after the third are extensions in the specification. Keydesk writes none, and refuses a note with some.
    lines = text.split("\n")
    if len(lines) != 4 or not NAME.fullmatch(lines[0]) or not SIZE.fullmatch(lines[1]) or lines[3]:
        raise NoteRefused("not_a_checkpoint")
    root = _unbase64(lines[2])
    if len(root) != HASH_SIZE:
        raise NoteRefused("wrong_root_length")
    return Checkpoint(lines[0], int(lines[1]), root)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteRefused("not_base64") from error
