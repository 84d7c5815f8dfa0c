"""What a refusal needs to lead to its explanation: a number of our own, and counts that no flood cuts off."""

import django.db.models.deletion
from django.db import migrations, models

# So that the figures of the day of the upgrade are those that the journal can tell.
COUNT_THE_JOURNAL = """
INSERT INTO tokens_refusalcount (client_id, hour, rule, error, refused, first_at, last_at)
SELECT client_id, date_trunc('hour', at, 'UTC'), rule, error, count(*), min(at), max(at)
FROM tokens_journalentry WHERE error <> '' GROUP BY 1, 2, 3, 4
"""


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0009_whole_labels"),
        ("tokens", "0001_initial"),
    ]

    operations = [
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
        ),
        migrations.AddField(
            model_name="journalentry",
            name="status",
            field=models.SmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="journalentry",
            name="why",
            field=models.CharField(blank=True, db_default="", default="", max_length=32),
        ),
        migrations.AddIndex(
            model_name="journalentry",
            index=models.Index(fields=["why"], name="journal_by_why"),
        ),
        migrations.AddIndex(
            model_name="anonymousrefusal",
            index=models.Index(fields=["at"], name="anonymous_refusal_by_age"),
        ),
        migrations.AddIndex(
            model_name="refusalcount",
            index=models.Index(fields=["hour"], name="refusal_count_by_age"),
        ),
        migrations.RunSQL(COUNT_THE_JOURNAL, migrations.RunSQL.noop),
    ]
