-- Production: the tables belong to the role that migrates, and the application's role may only read and add.
-- As the owner, after each `migrate`:  psql "$OWNER_DATABASE_URL" -v app=keydesk_app -f audit/grants.sql
REVOKE ALL ON audit_entry, audit_checkpoint, audit_loghead FROM PUBLIC, :"app";
REVOKE ALL ON FUNCTION audit_append() FROM PUBLIC, :"app";
GRANT SELECT, INSERT ON audit_entry, audit_checkpoint TO :"app";
-- UPDATE of one column is what the lock on the head needs. That column is always 1, and the others only the trigger
-- moves, with the owner's rights (audit/migrations/0004_head.py).
GRANT SELECT, UPDATE (id) ON audit_loghead TO :"app";
