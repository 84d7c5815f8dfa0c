from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0020_legal_basis"),
    ]

    operations = [
        migrations.AddField(
            model_name="client",
            name="restored_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
