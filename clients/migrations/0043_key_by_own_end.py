"""The index of keys by the end that no person set, which lists of what ends next read from its beginning."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Least


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("clients", "0042_indexes_of_few")]

    operations = [
        AddIndexConcurrently(
            "key",
            models.Index(Least("not_after", "expires_at"), condition=models.Q(retires_at=None), name="key_by_own_end"),
        ),
    ]
