"""The Security team's pages."""

from django.urls import include, path

from portal.views import (
    all_clients,
    catalogue,
    dashboard,
    easing,
    incident,
    proposals,
    queue,
    review,
    staff_client,
    staff_contacts,
    staff_sessions,
    staff_tokens,
    undelivered,
)

of_one_client = [
    path("", staff_client.staff_client, name="staff_client"),
    path("settings/", staff_client.client_settings, name="client_settings"),
    path("scopes/", staff_client.client_scopes, name="client_scopes"),
    path("contacts/", staff_contacts.add_client_contact, name="add_client_contact"),
    path("contacts/<uuid:contact>/sessions/", staff_sessions.contact_sessions, name="contact_sessions"),
    path("contacts/<uuid:contact>/remove/", staff_contacts.remove_client_contact, name="remove_client_contact"),
    path("contacts/<uuid:contact>/<slug:act>/", staff_contacts.change_client_contact, name="change_client_contact"),
    path("journal/", staff_client.client_journal, name="client_journal"),
    path("keys/<uuid:key>/retire/", staff_tokens.staff_retire_key, name="staff_retire_key"),
    path("secrets/<uuid:secret>/end/", staff_tokens.staff_end_secret, name="staff_end_secret"),
    path("tokens/invalidate/", staff_tokens.staff_invalidate_tokens, name="staff_invalidate_tokens"),
    path("<slug:act>/", staff_client.change_status, name="change_client_status"),
]

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("queue/", queue.queue, name="queue"),
    path("requests/<uuid:uid>/", review.review, name="review"),
    path("requests/<uuid:uid>/message/", review.write_message, name="write_message"),
    path("clients/", all_clients.all_clients, name="all_clients"),
    path("clients/export/", all_clients.export_clients, name="export_clients"),
    path("clients/<uuid:uid>/", include(of_one_client)),
    path("scopes/", catalogue.scopes, name="scopes"),
    path("scopes/add/", catalogue.create_scope, name="create_scope"),
    path("scopes/<int:pk>/", catalogue.change_scope, name="change_scope"),
    path("scopes/<int:pk>/approvals/", easing.ease_scope, name="ease_scope"),
    path("scopes/<int:pk>/retire/", catalogue.retire_scope, name="retire_scope"),
    path("apis/add/", catalogue.create_api, name="create_api"),
    path("apis/<slug:identifier>/", catalogue.change_api, name="change_api"),
    path("proposals/", proposals.proposals, name="proposals"),
    path("proposals/<uuid:uid>/", proposals.proposal, name="proposal"),
    path("incident/", incident.incident, name="incident"),
    path("incident/revoke/", incident.revoke_leak, name="revoke_leak"),
    path("mail/", undelivered.undelivered, name="undelivered"),
    path("mail/<uuid:uid>/retry/", undelivered.retry_mail, name="retry_mail"),
]
