from django.db import migrations

# Who may add a checkpoint could otherwise add one that stops all later ones: about more entries than there are, or with
# a tree or a note that has no checkpoint's form. A signature cannot be checked here; audit.checkpoints does.
CHECK = r"""
CREATE FUNCTION audit_check_checkpoint() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head bigint := (SELECT size FROM audit_loghead);
    last bigint := coalesce((SELECT max(size) FROM audit_checkpoint), 0);
BEGIN
    IF NEW.size < last OR NEW.size > head THEN -- of one that is there the key refuses a second
        RAISE EXCEPTION 'a checkpoint of % entries does not follow % and end by %', NEW.size, last, head
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF octet_length(NEW.frontier) <> 32 * bit_count(NEW.size::bit(64)) THEN
        RAISE EXCEPTION 'the tree of a checkpoint of % entries has another number of roots', NEW.size
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF length(NEW.note) > 1000 OR length(NEW.key_id) > 100 OR NEW.note !~ (
        '\A[^[:space:]+]{1,255}\n' || NEW.size ||
        '\n[A-Za-z0-9+/]{43}=\n\n— [^[:space:]+]{1,255} [A-Za-z0-9+/]{91}=\n\Z'
    ) THEN
        RAISE EXCEPTION 'the note is no signed checkpoint of % entries', NEW.size
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
DO $$ BEGIN
    EXECUTE format(
        'ALTER FUNCTION audit_check_checkpoint() SET search_path = pg_catalog, %I, pg_temp', current_schema()
    );
END $$;
CREATE TRIGGER form BEFORE INSERT ON audit_checkpoint FOR EACH ROW EXECUTE FUNCTION audit_check_checkpoint();
"""

UNDO = """
DROP TRIGGER form ON audit_checkpoint;
DROP FUNCTION audit_check_checkpoint();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_readable_numbers")]

    operations = [migrations.RunSQL(CHECK, UNDO)]
