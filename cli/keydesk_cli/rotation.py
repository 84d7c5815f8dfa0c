"""Renewal of a key in steps that can be killed anywhere and run again.

    FILE.lock   held for the whole run
    FILE.next   the new private key, from before it is registered until it takes the place of FILE
    FILE        always a key that works, or that worked until its overlap ended

The steps: make FILE.next; register its public half with a proof; get a token with it, the first use, from which on the
overlap of the old key runs; rename FILE.next to FILE. A run that finds a FILE.next goes on with it. Names of keys are
digests of the keys, so nothing else is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from keydesk_cli import files
from keydesk_cli.credentials import ByKey, Credential
from keydesk_cli.errors import Misused, Refused, Unexpected
from keydesk_cli.keys import jose, keyfile
from keydesk_cli.keys.keyfile import KeyFile
from keydesk_cli.server import Keydesk

DEFAULT_ALGORITHM = "ES256"
ENDED = ("invalid_client",)  # what a key that has ended is refused with: then another way in may be left


@dataclass(frozen=True)
class Plan:
    """Order to renew: which file, with what, and when. `wanted`: a key and certificate that were renewed elsewhere."""

    file: Path
    overlap_s: int
    label: str | None = None
    algorithm: str | None = None
    wanted: KeyFile | None = None
    older_than: timedelta | None = None
    ends_within: timedelta | None = None
    otherwise: Credential | None = None  # where FILE is not there yet, or its key has ended

    @property
    def next(self) -> Path:
        return self.file.with_name(self.file.name + ".next")

    @property
    def lock(self) -> Path:
        return self.file.with_name(self.file.name + ".lock")


@dataclass(frozen=True)
class Outcome:
    """`why`: renewed, resumed, not_due, or renewed_meanwhile by another run."""

    rotated: bool
    why: str
    kid: str
    overlap_s: int | None = None


def rotate(keydesk: Keydesk, plan: Plan, *, wait: float) -> Outcome:
    """Renew the key of the file, if it is due. Raises Failure; another run then goes on where this one ended."""
    before = _read(plan.file, "--key")
    with files.locked(plan.lock, wait=wait) as contended:
        current = _read(plan.file, "--key")
        if contended and current and (before is None or before.kids != current.kids):
            return Outcome(False, "renewed_meanwhile", current.kid)
        return _Run(keydesk, plan).go(current)


@dataclass
class _Run:
    keydesk: Keydesk
    plan: Plan

    def go(self, current: KeyFile | None) -> Outcome:
        pending = _read(self.plan.next, "--key (.next)")
        token, by = self._sign_in(current, pending)
        listed = self._listed(token)
        if pending and self._is_other(pending) and not _find(listed, pending):
            pending = None  # of a certificate that was renewed again before it was registered
        if pending is None:
            if not self._due(listed, current):
                return Outcome(False, "not_due", current.kid if current else "")
            return self._renew(token, by, current)
        if not _find(listed, pending):
            try:
                self._register(token, by, pending)
            except Refused:
                if self.plan.wanted:
                    raise
                return self._renew(token, by, current)  # it was dropped, or ended, since that run
        outcome = self._take_over(pending, "resumed")
        return self.go(pending) if self._is_other(pending) else outcome

    def _renew(self, token: str, by: Credential, current: KeyFile | None) -> Outcome:
        made = self.plan.wanted or KeyFile(jose.generate(self._algorithm(current)))
        files.write_private(self.plan.next, made.to_bytes(), owner=self.plan.file)
        self._register(token, by, made)
        return self._take_over(made, "renewed")

    def _take_over(self, new: KeyFile, why: str) -> Outcome:
        """Use the new key once, then put it in the place of the old one."""
        self.keydesk.self_token(ByKey(new, self._fitting(new)))
        files.move(self.plan.next, self.plan.file)
        return Outcome(True, why, new.kid, self.plan.overlap_s)

    def _sign_in(self, current: KeyFile | None, pending: KeyFile | None) -> tuple[str, Credential]:
        """Return a token, and what got it: the key in use, else the new one of a killed run, else the other way."""
        keys = [ByKey(key, self._fitting(key)) for key in (current, pending) if key]
        ways: list[Credential] = [*keys, *([self.plan.otherwise] if self.plan.otherwise else [])]
        first: Refused | None = None
        for way in ways:
            try:
                return self.keydesk.self_token(way), way
            except Refused as refused:
                if refused.code not in ENDED:
                    raise
                first = first or refused
        if first is None:
            message = f"{self.plan.file} is not there yet: the first key needs --secret-file or --token-file."
            raise Misused("missing_credential", message)
        raise first

    def _listed(self, token: str) -> list[Mapping[str, Any]]:
        found = self.keydesk.call(token, "GET", "self").get("credentials")
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise Unexpected("unexpected_answer", "The answer of GET self has no credentials.")
        return found

    def _register(self, token: str, by: Credential, new: KeyFile) -> None:
        """Register the public half with a proof. The key that got the token ends some time after its first use."""
        signing = ByKey(new, self._fitting(new))
        issuer, algorithms = self.keydesk.metadata.issuer, self.keydesk.metadata.algorithms
        public = {"certificate": new.chain_pem()} if new.certificates else {"jwk": jose.public_jwk(new.public)}
        asked: dict[str, Any] = {"start": "first_use", "previous": "keep"}
        if isinstance(by, ByKey):
            asked |= {"previous": "retire", "overlap": self.plan.overlap_s}
        if self.plan.label is not None:
            asked["label"] = self.plan.label
        proof = signing.proof(self.keydesk.client_id, issuer, algorithms)
        self.keydesk.call(token, "POST", "self/keys", {**public, **asked, "proof": proof})

    def _is_other(self, pending: KeyFile) -> bool:
        wanted = self.plan.wanted
        return wanted is not None and wanted.registered_as != pending.registered_as

    def _due(self, listed: list[Mapping[str, Any]], current: KeyFile | None) -> bool:
        plan = self.plan
        if current is None:
            return True
        if plan.wanted:
            return plan.wanted.registered_as != current.registered_as
        if plan.older_than is None and plan.ends_within is None:
            return True
        row, now = _find(listed, current) or _only_key(listed), datetime.now(UTC)
        added, ends = _moment(row.get("added_at")), _moment(row.get("ends_at"))
        old = plan.older_than is not None and added is not None and now - added >= plan.older_than
        return old or (plan.ends_within is not None and ends is not None and ends - now <= plan.ends_within)

    def _algorithm(self, current: KeyFile | None) -> str:
        """Return the algorithm of a new key: as asked for, else of the kind of the key in use."""
        return self.plan.algorithm or (jose.algorithms_of(current.private)[0] if current else DEFAULT_ALGORITHM)

    def _fitting(self, key: KeyFile) -> str | None:
        """Return the algorithm that was asked for, if this key can do it: the old one may be of another kind."""
        return self.plan.algorithm if self.plan.algorithm in jose.algorithms_of(key.private) else None


def _read(path: Path, option: str) -> KeyFile | None:
    return keyfile.read(path, option) if path.exists() else None


def _find(listed: list[Mapping[str, Any]], key: KeyFile) -> Mapping[str, Any] | None:
    return next((row for row in listed if row.get("kid") == key.registered_as), None)


def _only_key(listed: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    keys = [row for row in listed if row.get("type") in ("jwk", "certificate")]
    if len(keys) != 1:
        message = "Keydesk lists several keys and none by this key's digest, so its age is not known."
        raise Misused("age_unknown", f"{message} Leave out --if-older-than and --if-ends-within once.")
    return keys[0]


def _moment(text: object) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise Unexpected("unexpected_answer", "GET self answered with a date that is none.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
