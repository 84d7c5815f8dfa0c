"""The indexes that count who holds a scope, without reading the rows of clients."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("clients", "0043_key_by_own_end")]

    operations = [
        AddIndexConcurrently(
            "client", models.Index(fields=["id"], condition=~models.Q(status="closed"), name="client_not_closed")
        ),
        AddIndexConcurrently("clientscope", models.Index(fields=["scope", "client"], name="holders_of_scope")),
    ]
