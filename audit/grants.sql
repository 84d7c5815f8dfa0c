-- Production: the tables belong to the role that migrates, and the application's role may only read and add.
-- As the owner, after each `migrate`:
--   psql "$OWNER_DATABASE_URL" -v app=keydesk_app -v signer=keydesk_signer -f audit/grants.sql
-- Where one role does all, give its name twice: it then adds checkpoints, too.
REVOKE ALL ON audit_entry, audit_checkpoint, audit_loghead FROM PUBLIC, :"app", :"signer";
REVOKE ALL ON FUNCTION audit_append() FROM PUBLIC, :"app", :"signer";
GRANT SELECT, INSERT ON audit_entry TO :"app";
GRANT SELECT ON audit_checkpoint TO :"app";
-- UPDATE of one column is what the lock on the head needs. That column is always 1, and the others only the trigger
-- moves, with the owner's rights (audit/migrations/append_only.sql).
GRANT SELECT, UPDATE (id) ON audit_loghead TO :"app";
-- The process with the signing key, and no other, adds checkpoints.
GRANT SELECT ON audit_entry, audit_loghead TO :"signer";
GRANT SELECT, INSERT ON audit_checkpoint TO :"signer";
