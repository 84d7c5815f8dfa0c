"""`manage.py check_key`: one JSON line per file, and never a traceback."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command

from tests.clients.keymaterial.support.making import NOW, certificate, chain, der, ec_jwk, ed_jwk, pem
from tests.clients.keymaterial.support.x5c import x5t


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def check(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, Any]]]:
    status = 0
    try:
        call_command("check_key", *arguments)
    except SystemExit as end:
        status = int(str(end.code))
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_good_file_is_one_line_with_the_facts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = certificate()
    file = tmp_path / "client.pem"
    file.write_bytes(pem(made))
    status, (line,) = check(str(file), "--json", capsys=capsys)
    assert status == 0
    assert (line["file"], line["accepted"], line["kid"], line["alg"]) == (str(file), True, x5t(der(made)), "ES256")
    assert len(line["thumbprint"]) == 43
    assert line["certificate"]["subject"] == "CN=api.leiestroom.example"


def test_the_keys_of_a_set_are_all_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [ec_jwk(kid="one"), ed_jwk(kid="two")]}))
    status, (line,) = check(str(file), capsys=capsys)
    assert (status, line["kid"], [key["kid"] for key in line["keys"]]) == (0, "one", ["one", "two"])


def test_one_bad_file_among_good_ones_sets_the_exit_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, private = tmp_path / "good.pem", tmp_path / "private.json"
    good.write_bytes(pem(*chain()))
    private.write_text(json.dumps(ec_jwk(d="AAECAwQFBgcICQoLDA0ODw")))
    status, lines = check(str(private), str(good), capsys=capsys)
    assert status == 1
    assert [line["accepted"] for line in lines] == [False, True]
    assert (lines[0]["reason"], lines[0]["compromised"]) == ("private_key_material", True)
    assert "treat that key as leaked" in lines[0]["message"]


def test_a_file_that_cannot_be_read_is_a_line_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, lines = check(str(tmp_path / "missing"), str(tmp_path), capsys=capsys)
    assert status == 1
    assert [line["reason"] for line in lines] == ["unreadable"] * 2


def test_the_kind_can_be_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "key"
    file.write_text(json.dumps(ec_jwk()))
    assert check(str(file), "--kind", "jwk", capsys=capsys)[0] == 0
    status, (line,) = check(str(file), "--kind", "certificate", capsys=capsys)
    assert (status, line["reason"]) == (1, "jwk_not_certificate")


def test_a_private_key_is_found_behind_more_certificates_than_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bundle.pem"
    file.write_bytes(pem(certificate()) * 200 + b"-----BEGIN PRIVATE KEY-----\n")
    assert file.stat().st_size > 64 * 1024
    _status, (line,) = check(str(file), capsys=capsys)
    assert (line["reason"], line["compromised"]) == ("private_key_material", True)


def test_a_file_without_end_is_too_large(capsys: pytest.CaptureFixture[str]) -> None:
    _status, (line,) = check("/dev/zero", capsys=capsys)
    assert line["reason"] == "too_large"


def test_it_works_without_a_database_and_prints_nothing_but_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "bad.pem"
    file.write_bytes(bytes(range(256)) * 300)
    done = subprocess.run(
        [sys.executable, "manage.py", "check_key", str(file), os.fsdecode(b"/no\xffname")],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert [json.loads(line)["accepted"] for line in done.stdout.splitlines()] == [False, False]
