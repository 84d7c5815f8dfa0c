"""Migrations that carry data over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from clients import proposal_kinds
from clients.models import Proposal
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def migrated_to(name: str) -> MigrationExecutor:
    executor = MigrationExecutor(connection)
    executor.migrate([("clients", name)])
    return MigrationExecutor(connection)


@pytest.fixture
def before() -> Iterator[MigrationExecutor]:
    """The schema with the two columns of a scope; the newest one again afterwards."""
    latest = [name for name in MigrationExecutor(connection).loader.graph.leaf_nodes() if name[0] == "clients"]
    yield migrated_to("0019_proposals")
    MigrationExecutor(connection).migrate(latest)


def test_what_waited_in_two_columns_of_a_scope_waits_as_a_proposal(before: MigrationExecutor) -> None:
    apps = before.loader.project_state([("clients", "0019_proposals")]).apps
    api = apps.get_model("clients", "Api").objects.create(identifier="register", name="Register")
    noor = apps.get_model("clients", "User").objects.create(email="noor@keydesk.example", role="security")
    scope = apps.get_model("clients", "Scope").objects.create(
        name="nrn", api=api, sensitive=True, description={"nl": "Nummers", "en": "Numbers"}, easing_asked_by=noor,
        easing_asked_at=factories.NOW,
    )  # fmt: skip
    migrated_to("0020_easing_is_a_proposal")
    proposal = Proposal.objects.get()
    assert (proposal.scope_id, proposal.proposed_by_id, proposal.reason) == (scope.pk, noor.pk, "-")
    assert proposal.content_hash == proposal_kinds.content_hash(proposal)
