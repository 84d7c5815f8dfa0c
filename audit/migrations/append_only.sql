-- The change log is append-only, also for the application's own mistakes. Production takes the rights away as well
-- (audit/grants.sql); these triggers hold where the application owns its tables.

-- UPDATE, DELETE and TRUNCATE are refused. The head has one row, which is only updated.
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

-- Adding an entry is the only way to move the head: by one, to a time that is neither before the last entry nor in the
-- future. So sequence numbers have no gaps and no duplicates, whoever writes.
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

-- A depth below 1 is an UPDATE by a statement of a client; audit_append() updates the head at a greater depth.
CREATE TRIGGER head_follows_entries BEFORE UPDATE ON audit_loghead
    FOR EACH ROW WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION audit_refuse();

-- audit_append() runs with its owner's rights, so that the application's role needs none on the head (audit/grants.sql):
-- with such rights, a trigger on a temporary table could move the head as well. Its search_path begins with the schema
-- of the log, so that it never finds a head in the caller's temporary schema, and no role may attach it to another table.
DO $$ BEGIN
    EXECUTE format(
        'ALTER FUNCTION audit_append() SECURITY DEFINER SET search_path = pg_catalog, %I, pg_temp', current_schema()
    );
END $$;
REVOKE EXECUTE ON FUNCTION audit_append() FROM PUBLIC;

-- A role that may add checkpoints could otherwise add one that stops all later ones: about more entries than there are,
-- or with a tree or a note that does not have a checkpoint's form. A signature cannot be verified here; the application
-- does that when it verifies the log.
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
