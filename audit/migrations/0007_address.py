from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What was done from an address; made while the log is written to."""

    atomic = False

    dependencies = [("audit", "0006_checkpoint_form")]

    operations = [
        AddIndexConcurrently("entry", models.Index(fields=["address", "seq"], name="entry_address")),
    ]
