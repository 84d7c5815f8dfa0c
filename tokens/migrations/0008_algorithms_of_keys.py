"""Which clients signed with an algorithm, by an index: the list of clients is filtered by it."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("tokens", "0007_journal_of_client_by_cause")]

    operations = [
        AddIndexConcurrently(
            "usagedetail",
            models.Index(
                fields=["algorithm", "client"], condition=Q(credential__startswith="key:"), name="usage_detail_of_keys"
            ),
        ),
    ]
