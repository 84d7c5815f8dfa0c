"""`make audit`: known vulnerabilities of the lock files, and licences of the parts.

A check that was impossible is named, because silence would look like a success.

Exit status: 0, all was checked and is well; 1, something was found; 3, nothing was found and not all could be checked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dev.release.parts import exported, not_allowed, parts, uv
from dev.servers.stack import ROOT

PIP_AUDIT = "pip-audit==2.10.1"
SOURCES = ("pypi", "osv")  # of advisories, the first that answers
TIMEOUT_S = 120
NODE_LOCKS = ("portal/theme", "bench/peers/oidc-provider", "tests/e2e/node", "tests/portal/sign_in/provider")

FOUND, UNCHECKED = 1, 3


def main() -> int:
    """Print what was found and what was not checked."""
    found = not_allowed(parts())
    unchecked: list[str] = []
    vulnerable, reason = python_advisories(exported("requirements.txt"))
    found += vulnerable
    unchecked += [f"uv.lock: {reason}"] if reason else []
    for directory in NODE_LOCKS:
        vulnerable, reason = node_advisories(ROOT / directory)
        found += vulnerable
        unchecked += [f"{directory}/package-lock.json: {reason}"] if reason else []
    print("\n".join(found) or "No licence outside the list, and no known vulnerability in what could be checked.")
    for each in unchecked:
        print(f"NOT CHECKED for vulnerabilities: {each}", file=sys.stderr)
    return FOUND if found else UNCHECKED if unchecked else 0


def python_advisories(requirements: str) -> tuple[list[str], str]:
    """Return the vulnerabilities of pinned requirements, and why some were not looked up ("" if all were)."""
    reasons = []
    for source in SOURCES:
        answer = _pip_audit(requirements, source)
        if isinstance(answer, str):
            reasons.append(f"{source} does not answer ({answer})")
            continue
        skipped = [each["name"] for each in answer if "skip_reason" in each]
        found = [_sentence(part, flaw) for part in answer for flaw in part.get("vulns", [])]
        if not skipped:
            return found, ""
        # An index without advisories skips what it does not know, and calls that a success.
        reasons.append(f"{source} knows nothing of {len(skipped)} of {len(answer)} parts")
        if found:
            return found, reasons[-1]
    return [], "; ".join(reasons)


def _sentence(part: dict[str, Any], flaw: dict[str, Any]) -> str:
    fixed = ", ".join(flaw["fix_versions"]) or "nothing yet"
    return f"{part['name']} {part['version']}: {flaw['id']}, fixed in {fixed}"


def _pip_audit(requirements: str, source: str) -> list[dict[str, Any]] | str:
    """Return what pip-audit says of each part, or why it could not."""
    with TemporaryDirectory() as directory:
        file = Path(directory) / "requirements.txt"
        file.write_text(requirements, encoding="utf-8")
        command = [uv(), "tool", "run", "--from", PIP_AUDIT, "pip-audit", "--require-hashes", "--disable-pip"]
        command += ["--requirement", str(file), "--vulnerability-service", source, "--timeout", "5", "--format", "json"]
        try:
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return f"no answer in {TIMEOUT_S} s"
    try:
        return list(json.loads(done.stdout)["dependencies"])
    except (ValueError, KeyError):
        return (done.stderr.strip().splitlines() or ["no reason given"])[-1][:200]


def node_advisories(directory: Path) -> tuple[list[str], str]:
    """Return the vulnerabilities of a package-lock.json, and why it was not looked up ("" if it was)."""
    command = ["npm", "audit", "--package-lock-only", "--json"]
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=TIMEOUT_S)
        answer = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return [], str(error)[:200]
    if "vulnerabilities" not in answer:
        return [], str(answer.get("message", "npm gave no answer"))[:200]
    return [f"{name}: {flaw['severity']}" for name, flaw in answer["vulnerabilities"].items()], ""


if __name__ == "__main__":
    sys.exit(main())
