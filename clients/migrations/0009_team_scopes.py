"""The scopes of the Security team's programs, as rows of the built-in API (API M-3)."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

API = {
    "en": "Keydesk's own API, for programs of the Security team",
    "nl": "De eigen API van Keydesk, voor programma's van het securityteam",
    "fr": "L'API de Keydesk elle-même, pour les programmes de l'équipe Sécurité",
    "de": "Die eigene API von Keydesk, für Programme des Sicherheitsteams",
}
SCOPES = {  # name -> (sensitive, description)
    "keydesk.clients.read": (
        False,
        {
            "en": "Read all clients with their contacts, keys and settings",
            "nl": "Alle clients lezen, met hun contactpersonen, sleutels en instellingen",
            "fr": "Lire tous les clients, avec leurs personnes de contact, clés et paramètres",
            "de": "Alle Clients lesen, mit Kontaktpersonen, Schlüsseln und Einstellungen",
        },
    ),
    "keydesk.clients.write": (
        True,
        {
            "en": "Change, suspend and close clients, and end their keys, secrets and tokens",
            "nl": "Clients wijzigen, blokkeren en sluiten, en hun sleutels, geheimen en tokens beëindigen",
            "fr": "Modifier, suspendre et fermer des clients, et mettre fin à leurs clés, secrets et jetons",
            "de": "Clients ändern, sperren und schließen sowie Schlüssel, Secrets und Tokens beenden",
        },
    ),
    "keydesk.requests.read": (
        False,
        {
            "en": "Read all requests for clients",
            "nl": "Alle aanvragen voor clients lezen",
            "fr": "Lire toutes les demandes de clients",
            "de": "Alle Anträge auf Clients lesen",
        },
    ),
    "keydesk.requests.write": (
        True,
        {
            "en": "Send requests for contacts, write messages and recommend; decide nothing",
            "nl": "Aanvragen voor contactpersonen indienen, berichten schrijven en aanbevelen; niets beslissen",
            "fr": "Envoyer des demandes pour des contacts, écrire des messages et recommander ; ne rien décider",
            "de": "Anträge für Kontaktpersonen stellen, Nachrichten schreiben und empfehlen; nichts entscheiden",
        },
    ),
    "keydesk.catalogue.read": (
        False,
        {
            "en": "Read APIs and scopes",
            "nl": "API's en scopes lezen",
            "fr": "Lire les API et les scopes",
            "de": "APIs und Scopes lesen",
        },
    ),
    "keydesk.catalogue.write": (
        True,
        {
            "en": "Add and change APIs and scopes",
            "nl": "API's en scopes toevoegen en wijzigen",
            "fr": "Ajouter et modifier des API et des scopes",
            "de": "APIs und Scopes hinzufügen und ändern",
        },
    ),
    "keydesk.changes.read": (
        False,
        {
            "en": "Follow the change log",
            "nl": "Het wijzigingslogboek volgen",
            "fr": "Suivre le journal des modifications",
            "de": "Das Änderungsprotokoll verfolgen",
        },
    ),
}


def make(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Make the rows, also over those of an earlier name that is reserved now."""
    api_rows, scope_rows = apps.get_model("clients", "Api").objects, apps.get_model("clients", "Scope").objects
    api, _is_new = api_rows.update_or_create(identifier="keydesk", defaults={"name": "Keydesk", "description": API})
    api.served_by.clear()
    for name, (sensitive, description) in SCOPES.items():
        facts = {"api": api, "sensitive": sensitive, "description": description, "retired_at": None}
        scope_rows.update_or_create(name=name, defaults=facts)


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0008_credential_ends"),
    ]

    operations = [
        migrations.RunPython(make, migrations.RunPython.noop),
    ]
