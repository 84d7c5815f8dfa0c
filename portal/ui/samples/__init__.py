"""The samples of the documentation: real files in templates/docs/samples/, filled in with the reader's own client.

A sample gets every value as a literal of its own language, quotes included, so that a copied sample is correct for any
key id or scope. Samples read a secret from the environment; only the commands of a first token can have it in them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath

from django.conf import settings
from django.template import Context, Engine, Template

from portal.ui.samples.values import ALGORITHMS, PLACEHOLDER_SECRET, Values
from tokens.policy import METHODS


@dataclass(frozen=True)
class Sample:
    label: str  # the name of a product or programming language, not translated
    filename: str


def shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def php(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quoted(text: str) -> str:
    """Quote as JSON, which is a string literal in all the other languages, too."""
    return json.dumps(text, ensure_ascii=False)


def ascii_only(text: str) -> str:
    """Quote in ASCII, because Java before 18 reads source files in the system's charset."""
    return json.dumps(text)


def hcl(text: str) -> str:
    """Quote for Terraform, whose strings have templates."""
    return quoted(text).replace("${", "$${").replace("%{", "%%{")


def raw(text: str) -> str:
    """Return the text unchanged, for samples of the wire, which are no code."""
    return text


LITERALS: Mapping[str, Callable[[str], str]] = {
    ".sh": shell,
    ".cron": shell,
    ".tf": hcl,
    ".php": php,
    ".java": ascii_only,
    ".env": raw,
    ".http": raw,
    ".json": raw,
}


def _in_seven_languages(kebab: str, snake: str, pascal: str) -> tuple[Sample, ...]:
    return (
        Sample("curl", f"{kebab}.sh"),
        Sample("Python", f"{snake}.py"),
        Sample("Java", f"{pascal}.java"),
        Sample("C#", f"{pascal}.cs"),
        Sample("JavaScript (Node)", f"{kebab}.mjs"),
        Sample("Go", f"{kebab}.go"),
        Sample("PHP", f"{kebab}.php"),
    )


GET_TOKEN = _in_seven_languages("get-token", "get_token", "GetToken")
TOPICS: Mapping[str, tuple[Sample, ...]] = {
    **dict.fromkeys(METHODS, GET_TOKEN),
    "first_token": (
        Sample("curl", "first-token.sh"),
        Sample("Shell", "first-token-export.sh"),
        Sample(".env", "keydesk.env"),
    ),
    "call_api": _in_seven_languages("call-api", "call_api", "CallApi"),
    "resource_server": (
        Sample("curl", "introspect.sh"),
        Sample("Python", "keydesk_introspection.py"),
        Sample("WSGI", "keydesk_wsgi.py"),
        Sample("ASGI", "keydesk_asgi.py"),
        Sample("Django", "keydesk_django.py"),
        Sample("nginx", "nginx.conf"),
        Sample("nginx: keydesk_gate.py", "keydesk_gate.py"),
    ),
    "make_certificate": (
        Sample("OpenSSL", "make-key.sh"),
        Sample("Windows (PowerShell)", "make-key.ps1"),
        Sample("Java (keytool)", "make-key-with-keytool.sh"),
    ),
    "make_jwk": (Sample("JavaScript (Node)", "make-jwk.mjs"), Sample("Python", "make_jwk.py")),
    "renew_on_a_machine": (Sample("cron", "keydesk.cron"), Sample("certbot", "keydesk-deploy-hook.sh")),
    "renew_in_kubernetes": (
        Sample("cert-manager", "cert-manager.yaml"),
        Sample("External Secrets", "external-secrets.yaml"),
    ),
    "renew_by_tools": (
        Sample("Ansible", "keydesk-secret.yml"),
        Sample("Terraform", "keydesk.tf"),
        Sample("Terraform: keydesk-proof.sh", "keydesk-proof.sh"),
    ),
    "federated_token": (
        Sample("GitHub Actions", "github-actions.yml"),
        Sample("GitLab", "gitlab-ci.yml"),
        Sample("Kubernetes", "kubernetes.yaml"),
        Sample("Entra", "entra.sh"),
        Sample("SPIRE", "spire.sh"),
    ),
    "verify_log": (Sample("verify-log.sh", "verify-log.sh"),),
    "verify_package": (Sample("verify-package.sh", "verify-package.sh"),),
    "check_key": (Sample("openssl x509, openssl pkey", "check-key.sh"),),
}
# .NET has no Ed25519 of its own, and PHP's openssl extension only in the newest versions.
WITHOUT_ED25519 = frozenset({".cs", ".php"})


def offered(topic: str, values: Values) -> list[Sample]:
    """Return the samples of a topic that work with the reader's key; none for an unknown topic."""
    signs = topic == "private_key_jwt" or (topic == "call_api" and values.signs)
    left_out = WITHOUT_ED25519 if signs and values.algorithm == "Ed25519" else frozenset()
    return [sample for sample in TOPICS.get(topic, ()) if PurePath(sample.filename).suffix not in left_out]


def shown(topic: str, values: Values, *, secret: str = PLACEHOLDER_SECRET) -> list[dict[str, str]]:
    """Return the samples of a topic as components/code_tabs.html wants them."""
    return [
        {"label": sample.label, "code": render(topic, sample.filename, values, secret=secret)}
        for sample in offered(topic, values)
    ]


def render(topic: str, filename: str, values: Values, *, secret: str = PLACEHOLDER_SECRET) -> str:
    literal = LITERALS.get(PurePath(filename).suffix, quoted)
    algorithm = ALGORITHMS[values.algorithm]
    literals = {name: literal(text) for name, text in values.texts().items()}
    literals |= {"secret": literal(secret)}
    literals |= {f"{name}_json": quoted(text) for name, text in values.texts().items()}
    literals |= {"java_signature": quoted(algorithm.java_signature), "java_key": quoted(algorithm.java_key)}
    return _template(f"{topic}/{filename}.txt").render(
        # Code is not HTML: the page escapes it, and a download is text/plain.
        Context({**algorithm.words(), "signs": values.signs, **literals}, autoescape=False)
    )


@cache
def _template(path: str) -> Template:
    return Engine(dirs=[str(settings.BASE_DIR / "templates" / "docs" / "samples")]).get_template(path)
