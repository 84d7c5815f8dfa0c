"""Addresses of the Security team's pages."""

from django.urls import include, path

from portal.pages.catalogue import api_owners, catalogue, deprecation, scope_approvals
from portal.pages.incident import client_tokens, incident, report
from portal.pages.issuers import issuers
from portal.pages.notices import notices, webhooks
from portal.pages.review import bulk, claims, proposals, queue, reply_texts, review
from portal.pages.security import (
    client,
    client_list,
    contact_accounts,
    contacts,
    dashboard,
    failed_mail,
    outdated,
    policy,
    sessions,
    staff,
)

app_name = "security"

of_one_client = [
    path("", client.staff_client, name="client"),
    path("settings/", client.client_settings, name="client_settings"),
    path("scopes/", client.client_scopes, name="client_scopes"),
    path("contacts/", contacts.add_client_contact, name="add_client_contact"),
    path("contacts/<uuid:contact>/account/", contact_accounts.contact_account, name="contact_account"),
    path("contacts/<uuid:contact>/phone/", contacts.contact_phone, name="contact_phone"),
    path("contacts/<uuid:contact>/sessions/", sessions.contact_sessions, name="contact_sessions"),
    path("contacts/<uuid:contact>/remove/", contacts.remove_client_contact, name="remove_client_contact"),
    path("contacts/<uuid:contact>/<slug:act>/", contacts.change_client_contact, name="change_client_contact"),
    path("journal/", client.client_journal, name="client_failures"),
    path("keys/<uuid:key>/retire/", client_tokens.staff_retire_key, name="retire_key"),
    path("secrets/<uuid:secret>/end/", client_tokens.staff_end_secret, name="end_secret"),
    path("incident/", report.incident_report, name="incident_report"),
    path("tokens/invalidate/", client_tokens.staff_invalidate_tokens, name="invalidate_tokens"),
    path("<slug:act>/", client.change_status, name="change_client_status"),
]

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("queue/", queue.queue, name="queue"),
    path("queue/selected/", bulk.bulk, name="bulk"),
    path("queue/texts/", reply_texts.reply_texts, name="reply_texts"),
    path("queue/texts/add/", reply_texts.reply_text, name="create_reply_text"),
    path("queue/texts/<int:pk>/", reply_texts.reply_text, name="reply_text"),
    path("queue/texts/<int:pk>/remove/", reply_texts.remove_reply_text, name="remove_reply_text"),
    path("queue/looking/", queue.looking, name="queue_looking"),
    path("queue/views/", queue.save_view, name="save_view"),
    path("queue/views/<int:pk>/remove/", queue.remove_view, name="remove_view"),
    path("requests/<uuid:uid>/", review.review, name="review"),
    path("requests/<uuid:uid>/claim/", claims.claim, name="claim"),
    path("requests/<uuid:uid>/looking/", claims.looking, name="looking"),
    path("requests/<uuid:uid>/message/", review.write_message, name="write_message"),
    path("clients/", client_list.all_clients, name="clients"),
    path("clients/export/", client_list.export_clients, name="export_clients"),
    path("clients/<uuid:uid>/", include(of_one_client)),
    path("scopes/", catalogue.scopes, name="scopes"),
    path("scopes/add/", catalogue.create_scope, name="create_scope"),
    path("scopes/<int:pk>/", catalogue.change_scope, name="change_scope"),
    path("scopes/<int:pk>/approvals/", scope_approvals.ease_scope, name="ease_scope"),
    path("scopes/<int:pk>/retire/", catalogue.retire_scope, name="retire_scope"),
    path("scopes/<int:pk>/deprecation/", deprecation.deprecation, name="deprecation"),
    path("scopes/<int:pk>/deprecation/export/", deprecation.export_holders, name="export_holders"),
    path("scopes/<int:pk>/deprecation/withdraw/", deprecation.withdraw, name="withdraw_deprecation"),
    path("apis/add/", catalogue.create_api, name="create_api"),
    path("apis/<slug:identifier>/", catalogue.change_api, name="change_api"),
    path("apis/<slug:identifier>/owners/", api_owners.api_owners, name="api_owners"),
    path("issuers/", issuers.issuers, name="issuers"),
    path("issuers/add/", issuers.create_issuer, name="create_issuer"),
    path("issuers/<uuid:uid>/", issuers.issuer, name="issuer"),
    path("issuers/<uuid:uid>/change/", issuers.change_issuer, name="change_issuer"),
    path("issuers/<uuid:uid>/fetch/", issuers.fetch_issuer, name="fetch_issuer"),
    path("issuers/<uuid:uid>/<slug:act>/", issuers.switch_issuer, name="switch_issuer"),
    path("staff/invite/", staff.invite_staff, name="invite_staff"),
    path("staff/<uuid:uid>/deactivate/", staff.deactivate_staff, name="deactivate_staff"),
    path("staff/<uuid:uid>/sessions/", sessions.staff_sessions, name="staff_sessions"),
    path("proposals/", proposals.proposals, name="proposals"),
    path("proposals/<uuid:uid>/", proposals.proposal, name="proposal"),
    path("incident/", incident.incident, name="incident"),
    path("incident/revoke/", incident.revoke_leak, name="revoke_leak"),
    path("policy/", policy.policy, name="policy"),
    path("policy/change/", policy.change_policy, name="change_policy"),
    path("old/", outdated.outdated_ways, name="outdated_ways"),
    path("old/<slug:way>/", outdated.outdated_way, name="outdated_way"),
    path("notices/", notices.notices, name="notices"),
    path("notices/webhooks/add/", webhooks.create_webhook, name="create_webhook"),
    path("notices/webhooks/<uuid:uid>/", webhooks.webhook, name="webhook"),
    path("notices/webhooks/<uuid:uid>/secret/", webhooks.webhook_secret, name="webhook_secret"),
    path("notices/webhooks/<uuid:uid>/remove/", webhooks.remove_webhook, name="remove_webhook"),
    path("notices/deliveries/<uuid:uid>/retry/", webhooks.retry_delivery, name="retry_delivery"),
    path("mail/", failed_mail.undelivered, name="failed_mail"),
    path("mail/<uuid:uid>/retry/", failed_mail.retry_mail, name="retry_mail"),
]
