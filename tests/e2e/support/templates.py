"""Templates of other programs' samples, filled in as these programs would, for what the samples use of them."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

Secrets = Mapping[str, Mapping[str, str]]


def go_template(text: str, secrets: Secrets) -> str:
    """Fill in `{{ .name.key }}` and `{{ printf "%s:%s" .name.key .name.key | b64enc }}` (External Secrets)."""

    def value(path: str) -> str:
        name, key = path.lstrip(".").split(".")
        return secrets[name][key]

    def filled(found: re.Match[str]) -> str:
        words = found[1].split()
        if words[:2] == ["printf", '"%s:%s"'] and words[-2:] == ["|", "b64enc"]:
            return base64.b64encode(":".join(map(value, words[2:4])).encode()).decode()
        (path,) = words
        return value(path)

    return re.sub(r"\{\{(.*?)\}\}", filled, text)


def webhook(manifest: Mapping[str, Any], secrets: Secrets) -> tuple[str, str, dict[str, str], str]:
    """Method, URL, header fields and body of a Webhook generator, whose secrets are named by their Secret."""
    spec = manifest["spec"]
    named = {entry["name"]: secrets[entry["secretRef"]["name"]] for entry in spec["secrets"]}
    headers = {name: go_template(text, named) for name, text in spec["headers"].items()}
    return spec["method"], go_template(spec["url"], named), headers, go_template(spec["body"], named)
