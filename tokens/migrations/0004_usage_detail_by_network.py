from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("tokens", "0003_issuer_key_request")]

    operations = [
        AddIndexConcurrently("usagedetail", models.Index(fields=["network", "client"], name="usage_detail_by_network")),
    ]
