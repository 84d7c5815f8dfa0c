from django.db import migrations

# The function that moves the head does so with its owner's rights, so that the application's role needs none of its own
# (audit/grants.sql): with them a trigger on a temporary table could move the head as well. Nobody may hang the function
# on a table of theirs, and it finds the head in the schema of the log, never in the caller's temporary one.
OWN_RIGHTS = """
DO $$ BEGIN
    EXECUTE format(
        'ALTER FUNCTION audit_append() SECURITY DEFINER SET search_path = pg_catalog, %I, pg_temp', current_schema()
    );
END $$;
REVOKE EXECUTE ON FUNCTION audit_append() FROM PUBLIC;
"""

UNDO = """
ALTER FUNCTION audit_append() SECURITY INVOKER RESET search_path;
GRANT EXECUTE ON FUNCTION audit_append() TO PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_verification")]

    operations = [migrations.RunSQL(OWN_RIGHTS, UNDO)]
