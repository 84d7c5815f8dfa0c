"""`keydesk rotate-key`: a new key in the place of the old one, for cron and for hooks of certbot and cert-manager."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from keydesk_cli import rotation
from keydesk_cli.errors import Misused
from keydesk_cli.keys import keyfile
from keydesk_cli.keys.keyfile import KeyFile
from keydesk_cli.output import Output
from keydesk_cli.settings import Settings, add_options, duration

HELP = "renew the key of --key: register a new one with proof, put it in place, let the old one end"
MAX_OVERLAP_S = 30 * 86400
TEXTS = {
    "renewed": "The key was renewed.",
    "resumed": "The renewal that another run began was finished.",
    "not_due": "The key is not due yet.",
    "renewed_meanwhile": "Another run renewed the key meanwhile.",
}


def configure(parser: ArgumentParser) -> None:
    """Add the options."""
    add_options(parser)
    parser.add_argument("--new-certificate", metavar="FILE", help="renewed certificate with its chain, as of certbot")
    parser.add_argument("--new-key", metavar="FILE", help="its private key, if it is in another file")
    parser.add_argument("--overlap", type=duration, default="7d", help="how long the old key still works: 7d")
    parser.add_argument("--label", help="what contacts see beside the new key")
    parser.add_argument("--if-older-than", type=duration, metavar="AGE", help="renew only a key that is so old")
    parser.add_argument("--if-ends-within", type=duration, metavar="TIME", help="renew only a key that ends so soon")
    parser.add_argument("--wait", type=duration, default="60s", help="how long to wait for another run: 60s")


def run(given: Namespace, output: Output) -> int:
    """Renew the key, or go on with a renewal that was cut off."""
    settings = Settings.of(given, beside_key=True)
    if settings.key is None:
        raise Misused("missing_key", "--key or KEYDESK_PRIVATE_KEY is needed: the file of the key to renew.")
    if given.overlap > MAX_OVERLAP_S:
        raise Misused("overlap_too_long", "--overlap is at most 30d.")
    plan = rotation.Plan(
        file=Path(settings.key).resolve(),
        overlap_s=given.overlap,
        label=given.label,
        algorithm=settings.algorithm,
        wanted=_wanted(given),
        older_than=_span(given.if_older_than),
        ends_within=_span(given.if_ends_within),
        otherwise=settings.other_credential(),
    )
    outcome = rotation.rotate(settings.keydesk(), plan, wait=given.wait)
    output.result(asdict(outcome), f"{TEXTS[outcome.why]} kid: {outcome.kid}")
    return 0


def _wanted(given: Namespace) -> KeyFile | None:
    if given.new_certificate is None:
        if given.new_key is not None:
            raise Misused("missing_certificate", "--new-key goes with --new-certificate.")
        return None
    chain = Path(given.new_certificate)
    if given.new_key is None:
        key = keyfile.read(chain, "--new-certificate")
    else:
        key = keyfile.read(Path(given.new_key), "--new-key")
    return keyfile.with_certificate(key, keyfile.read_bytes(chain, "--new-certificate"), "--new-certificate")


def _span(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
