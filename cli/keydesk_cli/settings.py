"""Options and variables that all commands share. Secrets come from files or the environment, never from arguments."""

from __future__ import annotations

import os
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import dataclass, field
from pathlib import Path

from keydesk_cli.credentials import ByFederatedToken, ByKey, BySecret, Credential
from keydesk_cli.errors import Misused
from keydesk_cli.keys import jose, keyfile
from keydesk_cli.server import Keydesk
from keydesk_cli.transport import checked_url

UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_API_PATH = re.compile(r"/(?:[\w.-]+/)*")


def add_options(parser: ArgumentParser) -> None:
    """Add the options that say where Keydesk is, who asks, and with what."""
    group = parser.add_argument_group("client")
    group.add_argument("--url", help="address of Keydesk (KEYDESK_URL)")
    group.add_argument("--client-id", help="KEYDESK_CLIENT_ID")
    group.add_argument("--api-path", help="path of the API: /api/v1/ (KEYDESK_API_PATH)")
    group.add_argument("--key", metavar="FILE", help="private key in PEM (KEYDESK_PRIVATE_KEY names the file)")
    group.add_argument("--secret-file", metavar="FILE", help="client secret (KEYDESK_CLIENT_SECRET_FILE)")
    group.add_argument("--token-file", metavar="FILE", help="token of a trusted issuer (KEYDESK_TOKEN_FILE)")
    group.add_argument("--alg", choices=jose.ALGORITHMS, help="algorithm of signatures (KEYDESK_ALG)")


def duration(text: str) -> int:
    """Return seconds for 3600, 90s, 15m, 12h or 7d."""
    found = re.fullmatch(r"(\d{1,9})([smhd]?)", text)
    if found is None:
        raise ArgumentTypeError("a duration is a number with s, m, h or d, such as 7d")
    return int(found[1]) * UNITS_S[found[2]]


@dataclass(frozen=True)
class Settings:
    """Options in force; the environment stands in for those that were not given."""

    url: str | None
    client_id: str | None
    api_path: str
    key: Path | None
    algorithm: str | None
    secret_file: Path | None = field(repr=False)
    token_file: Path | None
    secret: str | None = field(repr=False)

    @classmethod
    def of(cls, given: Namespace, *, beside_key: bool = False) -> Settings:
        """Return the settings. A credential among the options leaves those of the environment aside.

        `beside_key`: the key is what is renewed, and another credential may stand beside it.
        """
        by_option = any((given.key and not beside_key, given.secret_file, given.token_file))

        def path(option: str | None, variable: str, *, aside: bool = by_option) -> Path | None:
            text = option or (None if aside else os.environ.get(variable))
            return Path(text) if text else None

        algorithm = given.alg or os.environ.get("KEYDESK_ALG") or None
        if algorithm not in (None, *jose.ALGORITHMS):
            raise Misused("bad_algorithm", f"KEYDESK_ALG is one of {', '.join(jose.ALGORITHMS)}.")
        return cls(
            url=given.url or os.environ.get("KEYDESK_URL"),
            client_id=given.client_id or os.environ.get("KEYDESK_CLIENT_ID"),
            api_path=given.api_path or os.environ.get("KEYDESK_API_PATH") or "/api/v1/",
            key=path(given.key, "KEYDESK_PRIVATE_KEY", aside=by_option and not beside_key),
            algorithm=algorithm,
            secret_file=path(given.secret_file, "KEYDESK_CLIENT_SECRET_FILE"),
            token_file=path(given.token_file, "KEYDESK_TOKEN_FILE"),
            secret=None if by_option else os.environ.get("KEYDESK_CLIENT_SECRET"),
        )

    def keydesk(self) -> Keydesk:
        """Return the Keydesk of the options. Raises Misused."""
        if not self.url:
            raise _missing("url", "--url or KEYDESK_URL")
        if not self.client_id:
            raise _missing("client_id", "--client-id or KEYDESK_CLIENT_ID")
        if not _API_PATH.fullmatch(self.api_path):
            raise Misused("bad_api_path", "--api-path begins and ends with a slash, as /api/v1/ does.")
        return Keydesk(checked_url(self.url), self.client_id, self.api_path)

    def credential(self) -> Credential:
        """Return the one credential that was given. Raises Misused."""
        given = [self._by_key(), self._by_secret(), self._by_token()]
        found = [each for each in given if each is not None]
        if len(found) != 1:
            raise _how_many(len(found))
        return found[0]

    def other_credential(self) -> Credential | None:
        """Return the secret or the issuer's token, if one was given. Raises Misused."""
        found = [each for each in (self._by_secret(), self._by_token()) if each is not None]
        if len(found) > 1:
            raise _how_many(len(found))
        return found[0] if found else None

    def _by_key(self) -> ByKey | None:
        return ByKey(keyfile.read(self.key, "--key"), self.algorithm) if self.key else None

    def _by_secret(self) -> BySecret | None:
        if self.secret_file is None:
            return BySecret(self.secret) if self.secret else None
        return BySecret(_text(self.secret_file, "--secret-file"))

    def _by_token(self) -> ByFederatedToken | None:
        return ByFederatedToken(_text(self.token_file, "--token-file")) if self.token_file else None


def _text(path: Path, option: str) -> str:
    try:
        text = keyfile.read_bytes(path, option).decode().strip()
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isprintable():
        raise Misused("file_unusable", f"The file of {option} must hold one line of text.", option=option)
    return text


def _missing(name: str, how: str) -> Misused:
    return Misused(f"missing_{name}", f"{how} is needed.")


def _how_many(count: int) -> Misused:
    ways = "--key, --secret-file or --token-file (or a variable: see --help)"
    if count:
        return Misused("several_credentials", f"Give one of {ways}, not {count}.")
    return Misused("missing_credential", f"One of {ways} is needed.")
