from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Whose requests from an address were refused; made while the journal is written to."""

    atomic = False

    dependencies = [("tokens", "0002_refusals")]

    operations = [
        AddIndexConcurrently("journalentry", models.Index(fields=["address", "client"], name="journal_by_address")),
    ]
