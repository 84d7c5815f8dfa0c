"""The triggers that move a client's version (client_version.sql), and the indexes of the search (search_indexes.sql)."""

from pathlib import Path

from django.db import migrations

CLIENT_VERSION = Path(__file__).with_name("client_version.sql").read_text()
NO_CLIENT_VERSION = """
DROP FUNCTION clients_api_changed, clients_scope_changed, clients_touch_api, clients_touch_client, clients_move_version
    CASCADE -- with their triggers
"""
SEARCH_INDEXES = Path(__file__).with_name("search_indexes.sql").read_text()
# The extension stays: something else in the database may use it.
NO_SEARCH_INDEXES = """
DROP INDEX clients_client_client_id_search, clients_client_name_search, clients_client_organisation_search,
    clients_user_email_search, clients_user_name_search, clients_registration_client_name_search,
    clients_registration_organisation_search, clients_key_subject_search, clients_key_kid_search,
    clients_key_thumbprint_search, clients_key_x5t_search, clients_key_x5t_s256_search
"""


class Migration(migrations.Migration):
    dependencies = [("clients", "0001_initial")]

    operations = [
        migrations.RunSQL(CLIENT_VERSION, NO_CLIENT_VERSION),
        migrations.RunSQL(SEARCH_INDEXES, NO_SEARCH_INDEXES),
    ]
