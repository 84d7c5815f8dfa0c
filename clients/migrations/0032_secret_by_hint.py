"""An index for the search by the end of a secret."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0031_unused_clients"),
    ]

    operations = [
        migrations.AddIndex("secret", models.Index(fields=["hint", "-created_at"], name="secret_by_hint")),
    ]
