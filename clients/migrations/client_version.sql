-- Triggers that move a client's version with everything that the authorization server caches of it.
--
-- The authorization server keeps clients in memory, and every statement that it sends checks the version
-- (docs/decisions/0005). That is only safe if no code path can change a client without moving its version, so the
-- database does it.

-- Versions come from the clock, so that none is used twice. Counted up from the last one, a version came again with
-- another content after a failover that lost commits or after a restore: a process of the authorization server that
-- remembered the first then took a secret that the database did not have, and refused the one that it had.
CREATE FUNCTION clients_move_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := greatest(OLD.version + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    RETURN NEW;
END $$;
CREATE TRIGGER move_version BEFORE UPDATE ON clients_client
    FOR EACH ROW EXECUTE FUNCTION clients_move_version();

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
CREATE TRIGGER touch_client AFTER INSERT OR UPDATE OR DELETE ON clients_key
    FOR EACH ROW EXECUTE FUNCTION clients_touch_client();
CREATE TRIGGER touch_client AFTER INSERT OR UPDATE OR DELETE ON clients_secret
    FOR EACH ROW EXECUTE FUNCTION clients_touch_client();
CREATE TRIGGER touch_client AFTER INSERT OR UPDATE OR DELETE ON clients_clientscope
    FOR EACH ROW EXECUTE FUNCTION clients_touch_client();
CREATE TRIGGER touch_client AFTER INSERT OR UPDATE OR DELETE ON clients_api_served_by
    FOR EACH ROW EXECUTE FUNCTION clients_touch_client();

-- A scope or an API matters to the clients that hold it and to the resource servers that see tokens with it.
CREATE FUNCTION clients_touch_api(api bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE clients_client SET version = version WHERE id IN (
        SELECT held.client_id FROM clients_clientscope held
        JOIN clients_scope scope ON scope.id = held.scope_id WHERE scope.api_id = api
        UNION
        SELECT served.client_id FROM clients_api_served_by served WHERE served.api_id = api
    )
$$;

-- A new scope is held by no client yet: of its API's clients, only the resource servers have to load again.
CREATE FUNCTION clients_scope_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE clients_client SET version = version
        WHERE id IN (SELECT served.client_id FROM clients_api_served_by served WHERE served.api_id = NEW.api_id);
        RETURN NULL;
    END IF;
    PERFORM clients_touch_api(NEW.api_id);
    IF NEW.api_id <> OLD.api_id THEN
        PERFORM clients_touch_api(OLD.api_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER touch_holders AFTER INSERT OR UPDATE OF name, api_id, retired_at ON clients_scope
    FOR EACH ROW EXECUTE FUNCTION clients_scope_changed();

CREATE FUNCTION clients_api_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clients_touch_api(NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER touch_holders AFTER UPDATE OF identifier ON clients_api
    FOR EACH ROW EXECUTE FUNCTION clients_api_changed();
