-- Production: the tables belong to the role that migrates, and the application's role may only read and add.
-- As the owner, after each `migrate`:  psql "$OWNER_DATABASE_URL" -v app=keydesk_app -f audit/grants.sql
REVOKE ALL ON audit_entry, audit_checkpoint, audit_loghead FROM PUBLIC, :"app";
GRANT SELECT, INSERT ON audit_entry, audit_checkpoint TO :"app";
-- Needed for the lock on the head and for the trigger that moves it; any other UPDATE of it is refused.
GRANT SELECT, UPDATE ON audit_loghead TO :"app";
