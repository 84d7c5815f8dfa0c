"""`manage.py check_key`: the verdict on key files, by the same code as the upload."""

import json
import sys
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.utils import timezone

from clients import keymaterial
from clients.keymaterial.formats import MAX_SCANNED_BYTES
from clients.refusal_codes import CommandCode
from foundation.commands import RefusingCommand
from foundation.refusals import Refusal
from portal.explanations.keys import explain_key, notes_on_key
from portal.explanations.sentences import in_words


class Command(RefusingCommand):
    help = "Check public keys and certificates as an upload does: one JSON line per file; status 1 if any is refused."
    requires_system_checks = ()  # the verdict needs no database and no working site

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--kind", choices=["jwk", "certificate"], help="guessed when left out")
        parser.add_argument("--json", action="store_true", help="for uniformity: the output is always JSON")

    def handle(self, *args: Any, files: list[str], kind: str | None, **options: Any) -> None:
        now = timezone.now()
        accepted = True
        for file in files:
            verdict = verdict_on(file, kind=kind, now=now)
            accepted = accepted and verdict["accepted"]
            self.stdout.write(json.dumps({"file": file, **verdict}))
        if not accepted:
            sys.exit(1)


def verdict_on(file: str, *, kind: str | None, now: datetime) -> dict[str, Any]:
    """Return the facts of the key in a file (the first of a set, all in `keys`), or why it is refused."""
    try:
        with open(file, "rb") as stream:
            data = stream.read(MAX_SCANNED_BYTES)
        keys = [_facts(key) for key in keymaterial.read(data, now=now, kind=kind)]
    except OSError as error:
        message = str(in_words(Refusal(CommandCode.FILE_UNREADABLE, file=file, cause=error.strerror)))
        return {"accepted": False, "reason": "unreadable", "message": message, "compromised": False}
    except keymaterial.KeyRefused as refusal:
        return {
            "accepted": False,
            "reason": refusal.code,
            "message": str(explain_key(refusal)),
            "compromised": refusal.compromised,
        }
    verdict = {"accepted": True, **keys[0]}
    if len(keys) > 1:
        verdict["keys"] = keys
    return verdict


def _facts(key: keymaterial.PublicKey) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "kid": key.kid,
        "thumbprint": key.thumbprint,
        "alg": key.algorithms[0],
        "algorithms": key.algorithms,
        "kind": key.kind,
        "description": key.description,
        "accepted_names": sorted(keymaterial.accepted_names(key.jwk)),
        "notes": notes_on_key(key.notes),
        "jwk": key.jwk,
    }
    if key.certificate:
        facts["certificate"] = {
            "subject": key.certificate.subject,
            "issuer": key.certificate.issuer,
            "serial": key.certificate.serial,
            "not_before": key.certificate.not_before.isoformat(),
            "not_after": key.certificate.not_after.isoformat(),
            "self_signed": key.certificate.self_signed,
            "signature_algorithm": key.certificate.signature_algorithm,
        }
    return facts
