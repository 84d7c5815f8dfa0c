"""PROTOCOL R-31: the facts that the authorization server gives to a refusal are data, in its code."""

from __future__ import annotations

import ast
from pathlib import Path

from django.conf import settings


def facts_in_code() -> list[tuple[str, ast.keyword]]:
    """Return every fact that the authorization server gives to a refusal, with the place where it does."""
    root = Path(settings.BASE_DIR)
    return [
        (f"{path.relative_to(root)}:{node.lineno}", keyword)
        for path in sorted((root / "tokens").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.args[0]).startswith("Rule.")
        for keyword in node.keywords
    ]


def test_no_fact_in_the_code_is_a_phrase():
    facts = facts_in_code()
    texts = [
        (place, part.value)
        for place, keyword in facts
        for part in ast.walk(keyword.value)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    assert len(facts) > 50
    assert [(place, text) for place, text in texts if " " in text] == []
