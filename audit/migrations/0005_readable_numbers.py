from django.db import migrations, models

import audit.canonical


class Migration(migrations.Migration):
    """How entries are read; nothing in the database changes."""

    dependencies = [("audit", "0004_head")]

    operations = [
        migrations.AlterField("entry", "changes", models.JSONField(decoder=audit.canonical.Decoder, default=dict)),
    ]
