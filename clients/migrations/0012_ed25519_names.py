"""Give Ed25519 keys both names of their algorithm: Ed25519 (RFC 9864) and the older EdDSA, the only one until now."""

from django.db import migrations

BOTH_NAMES = """
UPDATE clients_key SET algorithms = '["Ed25519", "EdDSA"]'::jsonb WHERE algorithms = '["EdDSA"]'::jsonb;
"""


class Migration(migrations.Migration):
    dependencies = [("clients", "0011_sessions")]

    operations = [migrations.RunSQL(BOTH_NAMES, migrations.RunSQL.noop)]
