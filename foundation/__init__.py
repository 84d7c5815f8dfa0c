"""Helpers for every package, without knowledge of clients, tokens or pages."""

import tomllib
from pathlib import Path

# Keydesk's version. It is written in pyproject.toml alone, which lies beside the code wherever Keydesk runs.
VERSION: str = tomllib.loads(Path(__file__).parent.with_name("pyproject.toml").read_text(encoding="utf-8"))["project"][
    "version"
]
