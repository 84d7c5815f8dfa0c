"""API M-17: the rules for scanners find every value of Keydesk and, with the checksum, nothing else.

gitleaks and TruffleHog read RE2, which Python reads the same way for what these expressions use. No value stands in
this file: all are made here.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from foundation import secret_format
from portal.api.leaks import gitlab
from tokens.protocol import token_format

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "secret-scanning"
CHECKSUM = FOLDER / "keydesk_checksum.py"
SURROUNDED = [
    'SECRET="{}"',
    "curl -u id:{} https://x.example",
    "{}",
    "  key: {}\r\n",
    "a={},b",
    "https://x.example/?t={}&b=1",
]


def gitleaks() -> dict[str, str]:
    rules = tomllib.loads((FOLDER / "gitleaks.toml").read_text())["rules"]
    return {rule["id"]: rule["regex"] for rule in rules}


def trufflehog() -> list[str]:
    return re.findall(r"value: '(.+)'", (FOLDER / "trufflehog.yaml").read_text())


def found(text: str) -> set[str]:
    return {value for regex in gitleaks().values() for value in re.findall(regex, text)}


def real(number: int = 200) -> list[str]:
    return [made.generate() for _ in range(number) for made in (secret_format, token_format)]


def near() -> dict[str, str]:
    value = secret_format.generate()
    return {
        "another prefix": "kdx_" + value[4:],
        "upper case": value.upper(),
        "cut off": value[:-1],
        "longer": value + "A",
        "a part of a word": "x" + value,
        "an impossible last character": value[:46] + "B" + value[47:],
        "an impossible checksum": value[:47] + "Z" + value[48:],
        "a blank in it": value[:20] + " " + value[20:],
        "a placeholder": "kds_" + "x" * 49,
    }


def test_every_value_is_found_whatever_stands_around_it() -> None:
    for value in real():
        for around in SURROUNDED:
            assert found(around.format(value)) == {value}
    some = real(5)
    assert found("\n".join(some)) == set(some)


@pytest.mark.parametrize("name", near())
def test_a_near_value_is_not_found(name: str) -> None:
    assert not found(near()[name])


def test_both_scanners_have_the_same_expressions() -> None:
    assert trufflehog() == list(gitleaks().values())


def test_gitlab_names_the_types_after_the_rules() -> None:
    """GitLab: "gitleaks_rule_id_" and the id of the rule, in lower case, with underscores for blanks."""
    assert [f"gitleaks_rule_id_{name}" for name in gitleaks()] == gitlab.TYPES


# --- With the checksum ------------------------------------------------------------------------------------------------
def forged() -> str:
    """A value that fits the expressions, but for its checksum."""
    while found(value := secret_format.generate()[:-1] + "0") != {value} or secret_format.is_well_formed(value):
        pass
    return value


def test_the_checksum_leaves_no_false_alarm(tmp_path: Path) -> None:
    values, false_alarm = real(50), forged()
    report = [
        {"RuleID": "keydesk", "File": "deploy.sh", "StartLine": line, "Secret": value}
        for line, value in enumerate([*values, false_alarm, *near().values()], start=1)
    ]
    (tmp_path / "found.json").write_text(json.dumps(report))
    done = subprocess.run(
        [sys.executable, "-I", CHECKSUM, tmp_path / "found.json"], capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines), lines[0]) == (1, 100, "deploy.sh:1: keydesk")
    assert not [value for value in values if value[10:40] in done.stdout + done.stderr]
    (tmp_path / "found.json").write_text("[]")
    assert subprocess.run([sys.executable, "-I", CHECKSUM, tmp_path / "found.json"], check=False).returncode == 0


@pytest.fixture
def verifier() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-I", CHECKSUM, "--serve", str(port)])
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}/"
    process.kill()
    process.wait()


def verified(address: str, body: bytes) -> int:
    try:
        with urlopen(Request(address, body), timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_trufflehog_verifies_by_the_checksum(verifier: str) -> None:
    """TruffleHog posts {"Detector": {"regex": [match, group]}} and takes 200 for verified."""
    for value, status in ((real(1)[0], 200), (forged(), 404), ("é" * 53, 404)):
        body = json.dumps({"KeydeskClientSecret": {"value": [f"{value} ", value]}}).encode()
        assert verified(verifier, body) == status
    for broken in (b"", b"[]", b'{"x": 5}', b"\xff"):
        assert verified(verifier, broken) == 404


def test_no_value_of_the_rules_is_live() -> None:
    texts = "\n".join(path.read_text() for path in FOLDER.iterdir())
    assert not found(texts)
