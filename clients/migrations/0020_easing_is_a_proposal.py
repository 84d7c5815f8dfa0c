"""What waited for a second person in two columns of the scope waits as a proposal from now on, for seven days."""

import hashlib
import json
from datetime import timedelta
from typing import Any

from django.db import migrations
from django.utils import timezone


def to_proposals(apps: Any, schema_editor: Any) -> None:
    scopes, proposals = apps.get_model("clients", "Scope"), apps.get_model("clients", "Proposal")
    entries = apps.get_model("audit", "Entry")
    for scope in scopes.objects.exclude(easing_asked_by=None).filter(retired_at=None, sensitive=True):
        target, asked = f"scope:{scope.pk}", entries.objects.filter(action="scope.easing_asked")
        entry = asked.filter(subject_id=target).order_by("seq").last()
        changes = _changes(scope)
        content = json.dumps(["scope_eased", target, {}, changes], sort_keys=True)
        proposals.objects.create(
            kind="scope_eased", scope=scope, target=target, content={}, changes=changes,
            content_hash=hashlib.sha256(content.encode()).hexdigest(), reason=entry.note[:1000] if entry else "-", proposed_by=scope.easing_asked_by,
            proposed_at=scope.easing_asked_at, void_at=timezone.now() + timedelta(days=7),
        )  # fmt: skip
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # or the columns cannot go in the same transaction


def _changes(scope: Any) -> dict[str, list[object]]:
    """As clients.proposal_kinds has them."""
    told = "\n".join(f"{language}: {text}" for language, text in sorted(scope.description.items()))
    return {"sensitive": [True, False], "description": [told, told]}


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0001_initial"),
        ("clients", "0019_proposals"),
    ]

    operations = [
        migrations.RunPython(to_proposals, migrations.RunPython.noop),
        migrations.RemoveConstraint(model_name="scope", name="only_a_sensitive_scope_can_be_eased"),
        migrations.RemoveField(model_name="scope", name="easing_asked_at"),
        migrations.RemoveField(model_name="scope", name="easing_asked_by"),
    ]
