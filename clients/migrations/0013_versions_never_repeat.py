"""Make a client's version from the clock, so that none is used twice.

Counted up from the last one, a version came again with another content after a failover that lost commits or after a
restore. A process of the authorization server that remembered the first then took a secret that the database did not
have, and refused the one that it had.
"""

from django.db import migrations, models

BY_THE_CLOCK = """
CREATE OR REPLACE FUNCTION clients_move_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := greatest(OLD.version + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    RETURN NEW;
END $$;
"""
COUNTED = """
CREATE OR REPLACE FUNCTION clients_move_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("clients", "0012_ed25519_names")]

    operations = [
        migrations.RunSQL(BY_THE_CLOCK, COUNTED),
        migrations.AlterField(
            model_name="client",
            name="version",
            field=models.BigIntegerField(
                db_default=models.Func(
                    output_field=models.BigIntegerField(),
                    template="(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
                ),
                editable=False,
            ),
        ),
    ]
