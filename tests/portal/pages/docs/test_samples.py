"""Samples that need no server: the commands that make and check keys, and how values become literals."""

import ast
import json
import os
import shutil
import subprocess
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clients import keymaterial
from portal.ui import samples
from portal.ui.samples.values import Values

RUNNERS = {
    ".sh": "sh",
    ".py": sys.executable,
    ".java": "java",
    ".mjs": "node",
    ".go": "go",
    ".php": "php",
}  # those for .NET need a project around them
LACKS = {  # topic: method, the variable that a sample names when it is not set
    "client_secret_basic": ("client_secret_basic", "KEYDESK_CLIENT_SECRET"),
    "client_secret_post": ("client_secret_post", "KEYDESK_CLIENT_SECRET"),
    "private_key_jwt": ("private_key_jwt", "KEYDESK_PRIVATE_KEY"),
    "call_api": ("client_secret_basic", "KEYDESK_CLIENT_SECRET"),
    "call_api with a key": ("private_key_jwt", "KEYDESK_PRIVATE_KEY"),
    "resource_server": ("client_secret_basic", "KEYDESK_CLIENT_SECRET"),
}
HOSTILE = 'o\'hara "1" $(id) `id` \\ é'


def run(topic: str, filename: str, *command: str, tool: str, directory: Path) -> str | None:
    """Return the sample's output; None, and a warning in pytest's summary, without its tool on this machine."""
    if shutil.which(tool) is None:
        warnings.warn(f"{tool} is not installed here: {topic}/{filename} was not run", stacklevel=2)
        return None
    (directory / filename).write_text(samples.render(topic, filename, Values()))
    env = {**os.environ, "KEYSTORE_PASSWORD": "for a test"}
    done = subprocess.run([*command, filename], cwd=directory, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def uploaded(file: Path) -> keymaterial.PublicKey:
    (key,) = keymaterial.read(file.read_bytes(), now=datetime.now(UTC))
    return key


@pytest.mark.parametrize(
    ("filename", "tool", "description"),
    [("make-key.sh", "openssl", "EC P-256"), ("make-key-with-keytool.sh", "keytool", "RSA 3072")],
)
def test_a_made_certificate_is_one_that_we_accept(filename: str, tool: str, description: str, tmp_path: Path) -> None:
    if run("make_certificate", filename, "sh", "-e", tool=tool, directory=tmp_path) is None:
        return
    key = uploaded(tmp_path / "certificate.pem")
    assert key.description == description
    assert (tmp_path / "private.pem").stat().st_mode & 0o077 == 0, "others can read the private key"

    printed = run("check_key", "check-key.sh", "sh", "-e", tool="openssl", directory=tmp_path)
    assert printed is not None
    assert key.kid in printed
    assert len(set(printed.splitlines()[-2:])) == 1, "the private key does not belong to the certificate"


@pytest.mark.parametrize(("filename", "tool"), [("make-jwk.mjs", "node"), ("make_jwk.py", sys.executable)])
def test_a_made_json_web_key_is_one_that_we_accept(filename: str, tool: str, tmp_path: Path) -> None:
    if run("make_jwk", filename, tool, tool=tool, directory=tmp_path) is None:
        return
    assert uploaded(tmp_path / "public.json").description == "EC P-256"
    assert (tmp_path / "private.pem").stat().st_mode & 0o077 == 0, "others can read the private key"


def test_a_value_cannot_break_out_of_its_literal() -> None:
    shell = subprocess.run(
        ["sh", "-c", f"printf %s {samples.shell(HOSTILE)}"], capture_output=True, env=dict(os.environ)
    )
    assert shell.stdout.decode() == HOSTILE
    assert ast.literal_eval(samples.quoted(HOSTILE)) == HOSTILE
    assert json.loads(samples.ascii_only(HOSTILE)) == HOSTILE
    assert samples.ascii_only(HOSTILE).isascii()
    assert samples.php(HOSTILE) == "'o\\'hara \"1\" $(id) `id` \\\\ é'"


@pytest.mark.parametrize("case", LACKS)
def test_a_sample_without_its_variable_stops_with_one_line_that_names_it(case: str, tmp_path: Path) -> None:
    method, variable = LACKS[case]
    topic = case.partition(" ")[0]
    values = Values(method=method, algorithm="ES256")
    for sample in samples.offered(topic, values):
        if Path(sample.filename).suffix not in RUNNERS or "keydesk_" in sample.filename:
            continue
        named = "KEYDESK_TOKEN" if sample.filename == "call-api.sh" else variable
        done = without_variables(topic, sample.filename, values, tmp_path)
        if done is not None:
            assert done.returncode in (1, 2), sample.filename
            assert done.stdout == ""
            [line, *rest] = done.stderr.strip().splitlines()
            assert named in line
            assert rest in ([], ["exit status 1"]), "the second line is that of `go run`"


def without_variables(
    topic: str, filename: str, values: Values, directory: Path
) -> subprocess.CompletedProcess[str] | None:
    """Return the finished sample; None, and a warning in pytest's summary, without its tool on this machine."""
    tool = RUNNERS[Path(filename).suffix]
    if shutil.which(tool) is None:
        warnings.warn(f"{tool} is not installed here: {topic}/{filename} was not run", stacklevel=2)
        return None
    (directory / filename).write_text(samples.render(topic, filename, values))
    env = {name: value for name, value in os.environ.items() if not name.startswith("KEYDESK_")}
    command = [tool, "run", filename] if tool == "go" else [tool, filename]
    return subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, timeout=60)
