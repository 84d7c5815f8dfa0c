"""PROTOCOL A-45: an assertion that was used before a restore is not accepted again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clients.actors import COMMAND_LINE
from tests.tokens.support.wire import Signer, Wire
from tokens.acts import after_restore, dry_run
from tokens.models import UsedAssertion

GRANT = {"grant_type": "client_credentials"}


def restore(wire: Wire) -> None:
    """Forget assertions as a restore does, and run the command."""
    UsedAssertion.objects.all().delete()
    after_restore.make_safe(exported=None, by=COMMAND_LINE, now=datetime.fromtimestamp(wire.clock(), UTC))


def refused(wire: Wire, signer: Signer, assertion: str) -> bool:
    answer = wire.post("token", signer.form(assertion, **GRANT))
    return answer.status != 200 and wire.rule(answer) == "before_restore"


@pytest.mark.parametrize("ahead", [0, 60])
def test_one_that_was_used_is_refused_also_if_the_clients_clock_was_ahead(wire, signer, ahead):
    used = signer.assertion(iat=int(wire.clock()) + ahead, exp=int(wire.clock()) + 3600)
    assert wire.post("token", signer.form(used, **GRANT)).status == 200
    restore(wire)
    assert refused(wire, signer, used)
    wire.clock.pass_by(3599)
    assert refused(wire, signer, used)


def test_new_ones_are_accepted_a_minute_later(wire, signer):
    restore(wire)
    assert refused(wire, signer, signer.assertion())
    wire.clock.pass_by(61)
    assert wire.post("token", signer.form(signer.assertion(), **GRANT)).status == 200


def test_without_iat_one_is_as_old_as_its_end_allows(wire, signer):
    used = signer.assertion(iat=None, exp=int(wire.clock()) + 3600)
    assert wire.post("token", signer.form(used, **GRANT)).status == 200
    restore(wire)
    assert refused(wire, signer, used)
    wire.clock.pass_by(1)
    assert (
        wire.post("token", signer.form(signer.assertion(iat=None, exp=int(wire.clock()) + 3600), **GRANT)).status == 200
    )


def test_a_dry_run_says_so_too(wire, signer, client):
    restore(wire)
    client.refresh_from_db()
    now = datetime.fromtimestamp(wire.clock(), UTC)
    explained = dry_run.explain(signer.assertion(), client=client, now=now)
    assert [finding.rule for finding in explained.findings] == ["before_restore"]
