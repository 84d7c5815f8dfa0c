"""Changes that one person proposes and a second one confirms."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0018_decision_signals"),
    ]

    operations = [
        migrations.CreateModel(
            name="Proposal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("contact_added", "Add a contact"),
                            ("contact_promoted", "Make a contact owner"),
                            ("scopes_given", "Give scopes without a request"),
                            ("scope_retired", "Retire a scope"),
                            ("scope_eased", "Drop the second approval of a scope"),
                        ],
                        max_length=20,
                    ),
                ),
                ("target", models.CharField(max_length=300)),
                ("content", models.JSONField(default=dict)),
                ("changes", models.JSONField(default=dict)),
                ("content_hash", models.CharField(max_length=64)),
                ("reason", models.TextField(max_length=1000)),
                ("proposed_at", models.DateTimeField()),
                ("void_at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("waiting", "Waits for a colleague"),
                            ("confirmed", "Confirmed"),
                            ("declined", "Declined"),
                            ("withdrawn", "Withdrawn"),
                            ("void", "Void: nobody confirmed it in time"),
                        ],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "client",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposals",
                        to="clients.client",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "scope",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposals",
                        to="clients.scope",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="proposal",
            index=models.Index(
                condition=models.Q(("outcome", "waiting")), fields=["proposed_at"], name="proposal_waiting"
            ),
        ),
        migrations.AddIndex(
            model_name="proposal",
            index=models.Index(fields=["-proposed_at"], name="proposal_newest"),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("client", None), ("scope__isnull", False)),
                    models.Q(("client__isnull", False), ("scope", None)),
                    _connector="OR",
                ),
                name="a_proposal_is_about_a_client_or_a_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("outcome", "confirmed"), _negated=True),
                    models.Q(
                        ("decided_by__isnull", False),
                        models.Q(("decided_by", models.F("proposed_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="nobody_confirms_their_own_proposal",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("outcome", "waiting")),
                fields=("kind", "target"),
                name="one_waiting_proposal_per_target",
            ),
        ),
        migrations.AlterField(
            model_name="mail",
            name="kind",
            field=models.CharField(
                choices=[
                    ("code", "One-time code"),
                    ("link", "Management link"),
                    ("client_ready", "Client ready"),
                    ("request_received", "Request received"),
                    ("changes_requested", "Changes requested"),
                    ("request_rejected", "Request rejected"),
                    ("change_approved", "Change approved"),
                    ("new_message", "New message about a request"),
                    ("client_changed", "Something changed at a client"),
                    ("bundled_changes", "Changes at a client, collected"),
                    ("leak_revoked", "A leaked secret, key or token was revoked"),
                    ("client_suspended", "Client suspended"),
                    ("client_reactivated", "Client reactivated"),
                    ("client_closed", "Client closed"),
                    ("private_key_received", "A private key was uploaded"),
                    ("scope_retired", "Scope retired"),
                    ("contact_added", "Added as a contact"),
                    ("contact_proposed", "A contact waits for an owner"),
                    ("credential_expires", "A key expires"),
                    ("passkey_changed", "A passkey was added or removed"),
                    ("codes_ended", "Codes ended for a day"),
                    ("staff_invitation", "Invitation of a staff member"),
                ],
                max_length=20,
            ),
        ),
    ]
