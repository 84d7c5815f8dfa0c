from django.db import migrations

# What the Security team types is looked for within names (ILIKE '%...%'), which only trigrams find without reading every
# row. The expression is the one that Django's icontains asks with. pg_trgm comes with PostgreSQL, and the owner of a
# database may install it.
COLUMNS = [
    ("clients_client", "client_id"),
    ("clients_client", "name"),
    ("clients_client", "organisation"),
    ("clients_user", "email"),
    ("clients_user", "name"),
    ("clients_registration", "client_name"),
    ("clients_registration", "organisation"),
    ("clients_key", "subject"),
]
EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
INDEXES = [
    migrations.RunSQL(
        f"CREATE INDEX {table}_{column}_search ON {table} USING gin (upper({column}::text) gin_trgm_ops)",
        f"DROP INDEX {table}_{column}_search",
    )
    for table, column in COLUMNS
] + [
    migrations.RunSQL(f"CREATE INDEX clients_key_{name} ON clients_key {how}", f"DROP INDEX clients_key_{name}")
    for name, how in (
        ("kid_search", "(kid)"),
        ("thumbprint_search", "(thumbprint)"),
        ("x5t_search", "((jwk -> 'x5t'))"),
        ("x5t_s256_search", "((jwk -> 'x5t#S256'))"),
    )
]


class Migration(migrations.Migration):
    dependencies = [("clients", "0020_easing_is_a_proposal")]

    operations = [migrations.RunSQL(EXTENSION, migrations.RunSQL.noop), *INDEXES]
