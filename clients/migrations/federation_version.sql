-- Triggers that move a client's version with its trusts and with what decides of their issuers (client_version.sql).

CREATE TRIGGER touch_client AFTER INSERT OR UPDATE OR DELETE ON clients_trust
    FOR EACH ROW EXECUTE FUNCTION clients_touch_client();

-- Clients are locked in order, so that two issuers of the same clients cannot deadlock.
CREATE FUNCTION clients_issuer_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM id FROM clients_client
    WHERE id IN (SELECT trust.client_id FROM clients_trust trust WHERE trust.issuer_id = NEW.id)
    ORDER BY id FOR NO KEY UPDATE;
    UPDATE clients_client SET version = version
    WHERE id IN (SELECT trust.client_id FROM clients_trust trust WHERE trust.issuer_id = NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER touch_holders
    AFTER UPDATE OF url, audience, max_lifetime, enabled_at, disabled_at, keys, keys_fetched_at ON clients_issuer
    FOR EACH ROW EXECUTE FUNCTION clients_issuer_changed();
