"""The reference that an organisation gives its request and its client. Old processes insert rows without it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0002_triggers_and_search"),
    ]

    operations = [
        migrations.AddField(
            model_name="client",
            name="reference",
            field=models.CharField(blank=True, db_default="", default="", max_length=60),
        ),
        migrations.AddField(
            model_name="registration",
            name="reference",
            field=models.CharField(blank=True, db_default="", default="", max_length=60),
        ),
    ]
