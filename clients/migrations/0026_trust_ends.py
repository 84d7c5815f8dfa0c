"""Ends of trusts by their age; existing ones count from now."""

from django.conf import settings
from django.db import migrations, models
from django.utils import timezone


def end_existing(apps, schema_editor):
    """Touch the clients in the order of all acts, which the trigger of each row would not."""
    if not settings.TRUST_MAX_AGE:
        return
    now, database = timezone.now(), schema_editor.connection.alias
    clients = apps.get_model("clients", "Client").objects.using(database)
    lasting = apps.get_model("clients", "Trust").objects.using(database).filter(ends_at=None)
    holders = clients.filter(pk__in=lasting.values("client"))
    list(holders.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    lasting.update(expires_at=now + settings.TRUST_MAX_AGE)


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0025_scenario"),
    ]

    operations = [
        migrations.AddField("trust", "expires_at", models.DateTimeField(null=True)),
        migrations.AddIndex("trust", models.Index(fields=["expires_at"], name="clients_tru_expires_70ac1a_idx")),
        migrations.RunPython(end_existing, migrations.RunPython.noop),
    ]
