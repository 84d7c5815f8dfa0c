"""Drop the index of held scopes that the one of 0044 begins with.

By its name, which Django makes from table and column: AlterField would also drop the foreign key and check it anew.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("clients", "0044_holders_of_scope")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "DROP INDEX clients_clientscope_scope_id_b24fca43",
                    "CREATE INDEX clients_clientscope_scope_id_b24fca43 ON clients_clientscope (scope_id)",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="clientscope",
                    name="scope",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="client_scopes",
                        to="clients.scope",
                    ),
                )
            ],
        )
    ]
