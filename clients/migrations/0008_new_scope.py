"""A scope that is new is held by nobody: of its API's clients only the resource servers have to load again."""

from django.db import migrations

BEFORE = """
CREATE OR REPLACE FUNCTION clients_scope_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clients_touch_api(NEW.api_id);
    IF TG_OP = 'UPDATE' AND NEW.api_id <> OLD.api_id THEN
        PERFORM clients_touch_api(OLD.api_id);
    END IF;
    RETURN NULL;
END $$;
"""

AFTER = """
CREATE OR REPLACE FUNCTION clients_scope_changed() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""


class Migration(migrations.Migration):
    dependencies = [("clients", "0007_easing")]

    operations = [migrations.RunSQL(AFTER, BEFORE)]
