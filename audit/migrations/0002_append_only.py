"""The first row of the head, and the triggers that keep the log append-only (append_only.sql)."""

from pathlib import Path

from django.db import migrations

HEAD = "INSERT INTO audit_loghead (id, size) VALUES (1, 0)"
APPEND_ONLY = Path(__file__).with_name("append_only.sql").read_text()
UNDO = "DROP FUNCTION audit_refuse, audit_append, audit_check_checkpoint CASCADE"  # with their triggers


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.RunSQL(HEAD, "DELETE FROM audit_loghead"),
        migrations.RunSQL(APPEND_ONLY, UNDO),
    ]
