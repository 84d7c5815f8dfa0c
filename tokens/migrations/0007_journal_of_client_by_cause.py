"""The journal of a client by cause, from the index alone: a page counts the entries of each cause."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("tokens", "0006_scope_use")]

    operations = [
        AddIndexConcurrently(
            "journalentry",
            models.Index(fields=["client", "-at"], include=["rule", "error"], name="journal_of_client_by_cause"),
        ),
        RemoveIndexConcurrently("journalentry", "journal_of_client"),
    ]
