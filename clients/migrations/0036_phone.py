from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0035_legal_basis_of_each_scope"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="phone",
            field=models.CharField(blank=True, db_default="", default="", max_length=30),
        ),
    ]
