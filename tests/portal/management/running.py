"""Management commands, run as an operator does, with an answer in JSON."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> dict[str, object]:
    out = StringIO()
    call_command(*arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def refused(*arguments: str) -> str:
    """The error of a command that ends with status 1, as JSON says it."""
    out = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command(*arguments, "--json", stdout=out)
    assert end.value.code == 1
    return json.loads(out.getvalue())["error"]
