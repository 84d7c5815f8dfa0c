"""Serial numbers of certificates, for the search; those of existing ones are read from the certificates."""

import base64

from cryptography import x509
from django.db import migrations, models

AT_ONCE = 500  # rows


def read_existing(apps, schema_editor):
    """Touch the clients in the order of all acts, which the trigger of each row would not."""
    database = schema_editor.connection.alias
    clients = apps.get_model("clients", "Client").objects.using(database)
    certificates = apps.get_model("clients", "Key").objects.using(database).filter(serial="", jwk__has_key="x5c")
    holders = clients.filter(pk__in=certificates.values("client"))
    list(holders.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    read = []
    for key in certificates.only("pk", "jwk").iterator(AT_ONCE):
        leaf = x509.load_der_x509_certificate(base64.b64decode(key.jwk["x5c"][0]))
        key.serial = f"{leaf.serial_number:x}"
        read.append(key)
    certificates.model.objects.using(database).bulk_update(read, ["serial"], batch_size=AT_ONCE)


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0033_recertification"),
    ]

    operations = [
        migrations.AddField("key", "serial", models.CharField(blank=True, db_default="", default="", max_length=40)),
        migrations.AddIndex(
            "key",
            models.Index(fields=["serial"], name="clients_key_serial_e8c47b_idx"),
        ),
        migrations.RunPython(read_existing, migrations.RunPython.noop),
    ]
