"""API M-18: answers that Keydesk never gives, and none at all; the exit code tells which."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ran
from tests.cli.support.stranger import TOKEN as TOKEN_ANSWER
from tests.cli.support.stranger import Said, Stranger
from tests.support.keys import new_ec, pem_of

METADATA = "/.well-known/oauth-authorization-server"
TOKEN = "/oauth/v2/token"
SELF = "/api/v1/self"
KEYS = "/api/v1/self/keys"
STRANGE: dict[str, tuple[str, Said]] = {
    "a redirect": (METADATA, Said(status=302, headers={"Location": "http://127.0.0.1:9/"})),
    "a page": (METADATA, Said(b"<!doctype html><title>Sign in</title>")),
    "nothing there": (METADATA, Said(status=404)),
    "another issuer": (METADATA, Said({"issuer": "https://evil.example", "token_endpoint": "https://evil.example/t"})),
    "no issuer": (METADATA, Said({"issuer": 1, "token_endpoint": []})),
    "a list": (METADATA, Said([1, 2])),
    "deep JSON": (METADATA, Said(b"[" * 100_000)),
    "no HTTP": (METADATA, Said(raw=b"SSH-2.0-OpenSSH_9.6\r\n")),
    "a token with a line end": (TOKEN, Said({"access_token": "a\nb", "token_type": "bearer"})),
    "another kind of token": (TOKEN, Said({"access_token": "a", "token_type": "DPoP"})),
    "no token": (TOKEN, Said({"token_type": "bearer"})),
    "a refusal without a code": (TOKEN, Said({"error": "\x1b[2J"}, status=400)),
    "a redirected token request": (TOKEN, Said(status=307, headers={"Location": "http://127.0.0.1:9/"})),
}


@pytest.mark.parametrize("case", STRANGE)
def test_an_answer_that_keydesk_never_gives_is_named_as_such(
    stranger: Stranger, keydesk: Callable[..., Ran], case: str
) -> None:
    path, said = STRANGE[case]
    stranger.answers[path] = said
    ran = keydesk("token")
    assert ran.status == 4, ran
    assert ran.error["exit"] == 4
    assert "Traceback" not in ran.err
    assert "\x1b" not in ran.err + ran.out


def test_no_credential_goes_to_another_place_than_the_one_that_was_named(
    stranger: Stranger, keydesk: Callable[..., Ran]
) -> None:
    stranger.speaks(token_endpoint=stranger.url.replace("127.0.0.1", "localhost") + TOKEN)
    assert keydesk("token").error["code"] == "other_issuer"
    assert [path for _method, path, _headers, _body in stranger.seen] == [METADATA]


def test_an_answer_without_end_is_cut_off(stranger: Stranger, keydesk: Callable[..., Ran]) -> None:
    stranger.answers[TOKEN] = Said({**TOKEN_ANSWER, "padding": "a" * 2_000_000})
    assert keydesk("token").error["code"] == "answer_too_large"


LATER = {429: "too_many_requests", 500: "server_unavailable", 503: "server_unavailable"}


@pytest.mark.parametrize("status", LATER)
def test_a_server_that_is_busy_or_broken_counts_as_unreachable(
    stranger: Stranger, keydesk: Callable[..., Ran], status: int
) -> None:
    stranger.answers[TOKEN] = Said({"error": "temporarily_unavailable"}, status, {"Retry-After": "17"})
    ran = keydesk("token")
    assert (ran.status, ran.error["code"]) == (3, LATER[status])
    assert "17 seconds" in ran.err


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://127.0.0.1:9", "https://nowhere.invalid"])
def test_no_answer_is_unreachable(keydesk: Callable[..., Ran], url: str) -> None:
    assert (ran := keydesk("token", KEYDESK_URL=url)).status == 3, ran


def test_a_server_without_a_certificate_is_unreachable(stranger: Stranger, keydesk: Callable[..., Ran]) -> None:
    assert keydesk("token", KEYDESK_URL=stranger.url.replace("http:", "https:")).status == 3
    assert stranger.seen == []


@pytest.mark.parametrize(
    "url",
    ["http://keydesk.example", "ftp://localhost/", "https://u:p@host/", "keydesk.example", "https://", "https://[x"],
)
def test_an_address_to_which_no_secret_may_go_is_a_wrong_option(keydesk: Callable[..., Ran], url: str) -> None:
    assert (ran := keydesk("token", KEYDESK_URL=url)).status == 2, ran


# --- A renewal --------------------------------------------------------------------------------------------------------

BAD_SELF = {
    "no credentials": {"uid": "x"},
    "credentials that are none": {"credentials": [1]},
    "dates that are none": {"credentials": [{"type": "jwk", "kid": "x", "added_at": "yesterday"}]},
}


@pytest.mark.parametrize("case", BAD_SELF)
def test_a_renewal_stops_at_a_strange_answer_and_the_key_stays(
    stranger: Stranger, keydesk: Callable[..., Ran], key: Path, case: str
) -> None:
    before = key.read_bytes()
    stranger.answers[SELF] = Said(BAD_SELF[case])
    assert (ran := keydesk("rotate-key", "--if-older-than", "1d")).status == 4, ran
    assert key.read_bytes() == before


def test_a_refusal_leaves_the_key_and_tells_code_and_facts(
    stranger: Stranger, keydesk: Callable[..., Ran], key: Path
) -> None:
    before = key.read_bytes()
    stranger.answers[SELF] = Said({"credentials": []})
    problem = {"code": "self_service_off", "detail": "It is off.\x1b[2J", "status": 403, "facts": {"since": "today"}}
    stranger.answers[KEYS] = Said(problem, 403)
    ran = keydesk("rotate-key")
    assert (ran.status, ran.error["code"], ran.error["facts"]) == (1, "self_service_off", {"since": "today"})
    assert "\x1b" not in ran.err + ran.out
    assert key.read_bytes() == before


def test_a_new_key_that_does_not_work_does_not_take_the_place_of_the_old_one(
    stranger: Stranger, keydesk: Callable[..., Ran], key: Path
) -> None:
    """The stranger says 201 and then knows nothing of the key."""
    before = key.read_bytes()
    stranger.answers[SELF] = Said({"credentials": []})
    stranger.answers[KEYS] = Said({"id": "x", "kid": "y"}, 201)
    answers = iter([stranger.answers[TOKEN], Said({"error": "invalid_client"}, 401)])
    stranger.answers = Changing(stranger.answers, TOKEN, answers)
    assert keydesk("rotate-key").status == 1
    assert key.read_bytes() == before


class Changing(dict):  # type: ignore[type-arg]
    """Answers of which those of one path come one after the other."""

    def __init__(self, others, path, answers):
        super().__init__(others)
        self.path, self.answers = path, answers

    def get(self, path, default=None):
        return next(self.answers) if path == self.path else super().get(path, default)


def test_only_public_halves_are_sent(stranger: Stranger, keydesk: Callable[..., Ran], key: Path) -> None:
    stranger.answers[SELF] = Said({"credentials": []})
    stranger.answers[KEYS] = Said({"id": "x", "kid": "y"}, 201)
    assert keydesk("rotate-key").status == 0
    (body,) = (json.loads(body) for _method, path, _headers, body in stranger.seen if path == KEYS)
    assert set(body["jwk"]) == {"crv", "kty", "x", "y"}


# --- Files ------------------------------------------------------------------------------------------------------------

WRONG_FILES = {
    "key_encrypted": b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGj\n-----END ENCRYPTED PRIVATE KEY-----\n",
    "no_private_key": b"-----BEGIN CERTIFICATE-----\nMIGj\n-----END CERTIFICATE-----\n",
    "key_malformed": b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
    "file_too_large": pem_of(new_ec()) + b"#" * 300_000,
}


@pytest.mark.parametrize("code", WRONG_FILES)
def test_a_key_file_that_cannot_be_used_is_named_and_not_quoted(
    stranger: Stranger, keydesk: Callable[..., Ran], key: Path, code: str
) -> None:
    key.write_bytes(WRONG_FILES[code])
    ran = keydesk("token")
    assert (ran.status, ran.error["code"]) == (2, code)
    assert not [line for line in WRONG_FILES[code].decode().splitlines() if line in ran.out + ran.err]
    assert stranger.seen == []


def test_a_link_in_the_place_of_the_new_key_is_not_followed(
    stranger: Stranger, keydesk: Callable[..., Ran], key: Path, tmp_path: Path
) -> None:
    stranger.answers[SELF] = Said({"credentials": []})
    stranger.answers[KEYS] = Said({"id": "x", "kid": "y"}, 201)
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / "private.pem.next.tmp").symlink_to(victim)
    assert keydesk("rotate-key").status == 0
    assert victim.read_text() == "untouched"
    assert key.stat().st_mode & 0o777 == 0o600


def test_an_error_that_was_not_foreseen_prints_no_value(
    keydesk: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object, **_options: object) -> None:
        raise ZeroDivisionError("kds_secret")

    monkeypatch.setattr("keydesk_cli.transport.send", broken)
    ran = keydesk("token")
    assert ran.status == 70
    assert "ZeroDivisionError" in ran.err
    assert "kds_secret" not in ran.err + ran.out
