"""Ends of credentials by their age; existing ones count from now."""

from django.conf import settings
from django.db import migrations, models
from django.utils import timezone


def end_existing(apps, schema_editor):
    """Touch the clients in the order of all acts, which the trigger of each row would not."""
    now, database = timezone.now(), schema_editor.connection.alias
    clients = apps.get_model("clients", "Client").objects.using(database)
    list(clients.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    secrets = apps.get_model("clients", "Secret").objects.using(database)
    keys = apps.get_model("clients", "Key").objects.using(database)
    for rows, end, age in (
        (secrets, "ends_at", settings.SECRET_MAX_AGE),
        (keys.filter(kind="jwk"), "retires_at", settings.KEY_MAX_AGE),
    ):
        if age:
            lasting = rows.filter(models.Q((end, None)) | models.Q((f"{end}__gt", now)))
            lasting.update(expires_at=now + age, site_expires_at=now + age)


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0007_kept_answers"),
    ]

    operations = [
        migrations.AddField("key", "expires_at", models.DateTimeField(null=True)),
        migrations.AddField("key", "site_expires_at", models.DateTimeField(null=True)),
        migrations.AddField("secret", "expires_at", models.DateTimeField(null=True)),
        migrations.AddField("secret", "site_expires_at", models.DateTimeField(null=True)),
        migrations.AddField("secret", "warned_at", models.DateTimeField(null=True)),
        migrations.AddIndex("key", models.Index(fields=["expires_at"], name="clients_key_expires_0a671f_idx")),
        migrations.AddIndex("secret", models.Index(fields=["expires_at"], name="clients_sec_expires_cd21d9_idx")),
        migrations.RunPython(end_existing, migrations.RunPython.noop),
    ]
