from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0034_key_serial"),
    ]

    operations = [
        migrations.AddField(
            model_name="registrationscope",
            name="legal_basis",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
    ]
