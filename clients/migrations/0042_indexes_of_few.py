"""Indexes of the few among many: people who are no contacts, and clients that were told that they are unused."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("clients", "0041_notices_of_scopes_and_recertification")]

    operations = [
        AddIndexConcurrently(
            "user", models.Index(fields=["role"], condition=~models.Q(role="contact"), name="user_who_is_no_contact")
        ),
        AddIndexConcurrently(
            "client",
            models.Index(
                fields=["unused_told_at"], condition=models.Q(unused_told_at__isnull=False), name="client_told_unused"
            ),
        ),
    ]
