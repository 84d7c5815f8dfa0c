-- A trigger that moves the version of every client that a policy is about (client_version.sql).

-- Clients are locked in order, so that two changes cannot deadlock.
CREATE FUNCTION clients_touch_bounded(client bigint, api bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    bounded bigint[];
BEGIN
    SELECT array_agg(id) INTO bounded FROM (
        SELECT id FROM clients_client
        WHERE (client IS NULL OR id = client)
          AND (api IS NULL OR id IN (
              SELECT held.client_id FROM clients_clientscope held
              JOIN clients_scope scope ON scope.id = held.scope_id WHERE scope.api_id = api
          ))
        ORDER BY id FOR NO KEY UPDATE
    ) AS locked;
    UPDATE clients_client SET version = version WHERE id = ANY(bounded);
END $$;

CREATE FUNCTION clients_policy_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM clients_touch_bounded(OLD.client_id, OLD.api_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM clients_touch_bounded(NEW.client_id, NEW.api_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER touch_bounded AFTER INSERT OR UPDATE OR DELETE ON clients_policybound
    FOR EACH ROW EXECUTE FUNCTION clients_policy_changed();
