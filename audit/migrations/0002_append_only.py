from django.db import migrations

# Nobody updates, deletes or truncates, the application's own mistakes included. Production also takes the rights away
# (audit/grants.sql); this holds where the application owns its tables.
REFUSE = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the change log is append-only: % of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER append_only BEFORE INSERT OR DELETE OR TRUNCATE ON audit_loghead
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
"""

# Adding an entry is the only thing that moves the head (depth 2: from within the trigger below), by one, to a time
# that is neither before the last entry nor in the future. So there are no gaps and no doubles, whoever writes.
APPEND = """
CREATE FUNCTION audit_append() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE audit_loghead SET size = NEW.seq, last_at = NEW.at
     WHERE size = NEW.seq - 1
       AND (last_at IS NULL OR NEW.at >= last_at)
       AND NEW.at <= GREATEST(clock_timestamp(), last_at);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'entry % does not follow the head of the change log', NEW.seq
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER append BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION audit_append();
CREATE TRIGGER head_follows_entries BEFORE UPDATE ON audit_loghead
    FOR EACH ROW WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION audit_refuse();
"""

HEAD = "INSERT INTO audit_loghead (id, size) VALUES (1, 0);"

UNDO = """
DROP TRIGGER append_only ON audit_entry;
DROP TRIGGER append_only ON audit_checkpoint;
DROP TRIGGER append_only ON audit_loghead;
DROP TRIGGER append ON audit_entry;
DROP TRIGGER head_follows_entries ON audit_loghead;
DROP FUNCTION audit_refuse();
DROP FUNCTION audit_append();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.RunSQL(HEAD, "DELETE FROM audit_loghead;"),
        migrations.RunSQL(REFUSE + APPEND, UNDO),
    ]
