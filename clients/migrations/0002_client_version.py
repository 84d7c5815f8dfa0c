"""Triggers that move a client's version with everything that the authorization server caches of it.

The authorization server keeps clients in memory and every statement it sends checks the version (docs/decisions/0005).
That is only safe when no code path can change a client without moving it, so the database does it.
"""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION clients_move_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;

-- Any UPDATE of the client row moves its version through the trigger above.
CREATE FUNCTION clients_touch_client() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE clients_client SET version = version WHERE id = OLD.client_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        UPDATE clients_client SET version = version
        WHERE id = NEW.client_id AND (TG_OP = 'INSERT' OR NEW.client_id <> OLD.client_id);
    END IF;
    RETURN NULL;
END $$;

-- A scope or an API matters to those who hold it and to the resource servers that see tokens with it.
CREATE FUNCTION clients_touch_api(api bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE clients_client SET version = version WHERE id IN (
        SELECT held.client_id FROM clients_clientscope held
        JOIN clients_scope scope ON scope.id = held.scope_id WHERE scope.api_id = api
        UNION
        SELECT served.client_id FROM clients_api_served_by served WHERE served.api_id = api
    )
$$;

CREATE FUNCTION clients_scope_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clients_touch_api(NEW.api_id);
    IF TG_OP = 'UPDATE' AND NEW.api_id <> OLD.api_id THEN
        PERFORM clients_touch_api(OLD.api_id);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION clients_api_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clients_touch_api(NEW.id);
    RETURN NULL;
END $$;
"""

TRIGGERS = """
CREATE TRIGGER move_version BEFORE UPDATE ON clients_client
    FOR EACH ROW EXECUTE FUNCTION clients_move_version();
CREATE TRIGGER touch_client AFTER INSERT OR UPDATE OR DELETE ON clients_key
    FOR EACH ROW EXECUTE FUNCTION clients_touch_client();
CREATE TRIGGER touch_client AFTER INSERT OR UPDATE OR DELETE ON clients_secret
    FOR EACH ROW EXECUTE FUNCTION clients_touch_client();
CREATE TRIGGER touch_client AFTER INSERT OR UPDATE OR DELETE ON clients_clientscope
    FOR EACH ROW EXECUTE FUNCTION clients_touch_client();
CREATE TRIGGER touch_client AFTER INSERT OR UPDATE OR DELETE ON clients_api_served_by
    FOR EACH ROW EXECUTE FUNCTION clients_touch_client();
CREATE TRIGGER touch_holders AFTER INSERT OR UPDATE OF name, api_id, retired_at ON clients_scope
    FOR EACH ROW EXECUTE FUNCTION clients_scope_changed();
CREATE TRIGGER touch_holders AFTER UPDATE OF identifier ON clients_api
    FOR EACH ROW EXECUTE FUNCTION clients_api_changed();
"""

REVERSE = """
DROP TRIGGER touch_holders ON clients_api;
DROP TRIGGER touch_holders ON clients_scope;
DROP TRIGGER touch_client ON clients_api_served_by;
DROP TRIGGER touch_client ON clients_clientscope;
DROP TRIGGER touch_client ON clients_secret;
DROP TRIGGER touch_client ON clients_key;
DROP TRIGGER move_version ON clients_client;
DROP FUNCTION clients_api_changed, clients_scope_changed, clients_touch_api, clients_touch_client, clients_move_version;
"""


class Migration(migrations.Migration):
    dependencies = [("clients", "0001_initial")]

    operations = [migrations.RunSQL(FUNCTIONS + TRIGGERS, REVERSE)]
