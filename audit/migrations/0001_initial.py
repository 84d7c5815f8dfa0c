import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("size", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("key_id", models.TextField()),
                ("frontier", models.BinaryField()),
                ("note", models.TextField()),
            ],
            options={
                "ordering": ["size"],
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("action", models.TextField()),
                ("actor_id", models.TextField()),
                ("actor_label", models.TextField()),
                ("subject_id", models.TextField()),
                ("subject_label", models.TextField()),
                ("client_ref", models.TextField(blank=True)),
                ("changes", models.JSONField(default=dict)),
                ("note", models.TextField(blank=True)),
                ("address", models.TextField(blank=True)),
                ("request_id", models.TextField(blank=True)),
                ("leaf_hash", models.BinaryField(max_length=32)),
            ],
            options={
                "verbose_name": "entry of the change log",
                "verbose_name_plural": "entries of the change log",
                "ordering": ["-seq"],
                "indexes": [
                    models.Index(fields=["subject_id", "seq"], name="entry_subject"),
                    models.Index(fields=["client_ref", "seq"], name="entry_client"),
                    models.Index(fields=["actor_id", "seq"], name="entry_actor"),
                    models.Index(fields=["action", "seq"], name="entry_action"),
                    models.Index(fields=["request_id", "seq"], name="entry_request"),
                    models.Index(fields=["address", "seq"], name="entry_address"),
                    models.Index(fields=["at", "seq"], name="entry_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="LogHead",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("size", models.BigIntegerField(default=0)),
                ("last_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_head_of_the_log")],
            },
        ),
        migrations.CreateModel(
            name="Verification",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("asked_at", models.DateTimeField()),
                ("asked_by", models.TextField()),
                ("total", models.BigIntegerField()),
                ("checked", models.BigIntegerField(default=0)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("report", models.JSONField(null=True)),
            ],
            options={
                "ordering": ["-asked_at"],
                "indexes": [models.Index(fields=["-asked_at"], name="verification_asked")],
            },
        ),
    ]
