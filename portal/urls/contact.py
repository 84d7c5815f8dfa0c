"""Addresses of the contacts' pages: requests, clients, and everything of a client."""

from django.urls import include, path

from portal.pages.account import calendars, passkeys, phone
from portal.pages.contact import (
    client,
    client_list,
    contacts,
    failures,
    first_token,
    networks,
    proposed_contacts,
    recertification,
    unused,
)
from portal.pages.credentials import added, dry_run, jwks_uris, keys, labels, secrets, tokens, trusts
from portal.pages.requests import changes, requests

app_name = "contact"

of_one_client = [
    path("", client.client, name="client"),
    path("credentials/", client.credentials, name="credentials"),
    path("client-id/", client.change_client_id, name="change_client_id"),
    path("first-token/", first_token.first_token, name="first_token"),
    path("history/", client.history, name="client_history"),
    path("change/", changes.propose_change, name="propose_change"),
    path("secret/reveal/", secrets.reveal_secret, name="reveal_secret"),
    path("secret/shown/", secrets.shown_secret, name="shown_secret"),
    path("secret/regenerate/", secrets.regenerate_secret, name="regenerate_secret"),
    path("secret/<uuid:secret>/end/", secrets.end_secret, name="end_secret"),
    path("secret/sign-in/", secrets.secret_authentication, name="secret_authentication"),
    path("keys/add/", keys.add_key, name="add_key"),
    path("keys/confirm/", keys.confirm_key, name="confirm_key"),
    path("keys/address/", jwks_uris.jwks_uri, name="jwks_uri"),
    path("keys/address/remove/", jwks_uris.remove_jwks_uri, name="remove_jwks_uri"),
    path("keys/<uuid:key>/", keys.key, name="key"),
    path("keys/<uuid:key>/activate/", keys.activate_key, name="activate_key"),
    path("keys/<uuid:key>/retire/", keys.retire_key, name="retire_key"),
    path("added/<uuid:credential>/", added.end_added, name="end_added"),
    path("unused/keep/", unused.keep, name="keep_unused"),
    path("unused/undo/", unused.undo, name="undo_unused"),
    path("needed/", recertification.recertify, name="recertify"),
    path("networks/", networks.networks, name="networks"),
    path("networks/<uuid:network>/", networks.network, name="network"),
    path("self-service/", added.self_service, name="self_service"),
    path("labels/<uuid:credential>/", labels.label, name="label"),
    path("trusts/add/", trusts.add_trust, name="add_trust"),
    path("trusts/confirm/", trusts.confirm_trust, name="confirm_trust"),
    path("trusts/<uuid:trust>/extend/", trusts.extend_trust, name="extend_trust"),
    path("trusts/<uuid:trust>/remove/", trusts.remove_trust, name="remove_trust"),
    path("try/", dry_run.dry_run, name="dry_run"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/revoke/", tokens.revoke_token, name="revoke_token"),
    path("tokens/invalidate/", tokens.invalidate_tokens, name="invalidate_tokens"),
    path("tokens/invalidate/<uuid:credential>/", tokens.invalidate_issued_to, name="invalidate_issued_to"),
    path("contacts/", contacts.contacts, name="contacts"),
    path("contacts/proposed/<uuid:proposal>/", proposed_contacts.proposed_contact, name="proposed_contact"),
    path("contacts/<uuid:contact>/role/", contacts.change_role, name="change_contact_role"),
    path("contacts/<uuid:contact>/remove/", contacts.remove_contact, name="remove_contact"),
]

urlpatterns = [
    path("requests/", requests.my_requests, name="requests"),
    path("requests/<uuid:uid>/", requests.my_request, name="request"),
    path("requests/<uuid:uid>/edit/", requests.edit_request, name="edit_request"),
    path("requests/<uuid:uid>/withdraw/", requests.withdraw_request, name="withdraw_request"),
    path("clients/", client_list.home, name="clients"),
    path("clients/<uuid:uid>/", include(of_one_client)),
    path("live/clients/<uuid:uid>/first-token/", first_token.live, name="first_token_live"),
    path("passkeys/", passkeys.passkeys, name="passkeys"),
    path("passkeys/add/", passkeys.add_passkey, name="add_passkey"),
    path("passkeys/new/", passkeys.new_passkey, name="new_passkey"),
    path("passkeys/<int:pk>/remove/", passkeys.remove_passkey, name="remove_passkey"),
    path("phone/", phone.phone, name="phone"),
    path("calendar/", calendars.calendar, name="calendar"),
    path("journal/", failures.journal, name="failures"),
]
