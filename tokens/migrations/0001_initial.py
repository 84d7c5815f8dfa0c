import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("clients", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="UsageDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "client", "day", "credential", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField()),
                ("credential", models.TextField(blank=True)),
                ("issued", models.BigIntegerField(default=0)),
                ("refused", models.BigIntegerField(default=0)),
                (
                    "client",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="usage_days",
                        to="clients.client",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CredentialUse",
            fields=[
                ("credential", models.TextField(primary_key=True, serialize=False)),
                ("last_used_at", models.DateTimeField()),
                ("uses", models.BigIntegerField()),
                (
                    "client",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="credential_uses",
                        to="clients.client",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["client"], name="credential_use_of_client")],
            },
        ),
        migrations.CreateModel(
            name="JournalEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("request_id", models.CharField(max_length=64)),
                ("endpoint", models.CharField(max_length=20)),
                ("error", models.CharField(max_length=40)),
                ("rule", models.CharField(max_length=40)),
                ("facts", models.JSONField(default=dict)),
                ("address", models.GenericIPAddressField(null=True)),
                (
                    "client",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="journal",
                        to="clients.client",
                    ),
                ),
                ("status", models.SmallIntegerField(db_default=0, default=0)),
                ("why", models.CharField(blank=True, db_default="", default="", max_length=32)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["client", "-at"], name="journal_of_client"),
                    models.Index(fields=["request_id"], name="journal_by_request_id"),
                    models.Index(fields=["why"], name="journal_by_why"),
                    models.Index(fields=["at"], name="journal_by_age"),
                    models.Index(fields=["address", "client"], name="journal_by_address"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Token",
            fields=[
                ("digest", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("epoch", models.BigIntegerField()),
                ("scope", models.TextField()),
                ("issued_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("credential", models.TextField()),
                ("address", models.GenericIPAddressField(null=True)),
                (
                    "client",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="tokens",
                        to="clients.client",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["client", "-issued_at"], name="token_of_client"),
                    models.Index(fields=["expires_at"], name="token_expiry"),
                ],
            },
        ),
        migrations.CreateModel(
            name="UsedAssertion",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "client", "jti_digest", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("jti_digest", models.BinaryField(max_length=32)),
                ("expires_at", models.DateTimeField()),
                (
                    "client",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="clients.client",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["expires_at"], name="used_assertion_expiry")],
            },
        ),
        migrations.CreateModel(
            name="AnonymousRefusal",
            fields=[
                ("why", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("request_id", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("endpoint", models.CharField(max_length=20)),
                ("status", models.SmallIntegerField()),
                ("error", models.CharField(max_length=40)),
                ("rule", models.CharField(max_length=40)),
                ("facts", models.JSONField(default=dict)),
                ("address", models.GenericIPAddressField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["at"], name="anonymous_refusal_by_age")],
            },
        ),
        migrations.CreateModel(
            name="RefusalCount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "client", "hour", "rule", "error", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="refusal_counts",
                        to="clients.client",
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("rule", models.CharField(max_length=40)),
                ("error", models.CharField(max_length=40)),
                ("refused", models.BigIntegerField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["hour"], name="refusal_count_by_age")],
            },
        ),
    ]
