"""Words about trusts: the likely slip of a federated token, which an issuer made, and what makes a trust weak."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from portal.explanations.words import Text
from tokens.protocol.errors import Rule

OF_AN_ISSUER: dict[str, tuple[Text, Text]] = {
    Rule.KID: (
        gettext_lazy("The issuer signed with a key that it had not published when we last looked."),
        gettext_lazy("We look again within a minute. Send the request again then, with a fresh token."),
    ),
    Rule.SIGNATURE: (
        gettext_lazy("The token was changed on its way, or it is not of this issuer."),
        gettext_lazy("Send the token exactly as your platform gave it to you, without line breaks."),
    ),
    Rule.EXPIRED: (
        gettext_lazy("Most likely: your software keeps a token that has expired."),
        gettext_lazy("Ask your platform for a fresh token each time, and send it within its lifetime."),
    ),
    Rule.EXPIRES_TOO_LATE: (
        gettext_lazy("The issuer made a token that lives longer than it may."),
        gettext_lazy(
            "Ask your platform for a shorter lifetime. If it offers none, the Security team can register the issuer"
            " with a longer one, of at most 24 hours."
        ),
    ),
}

# By the codes of clients/acts/credentials/trusts.py.
OF_WARNINGS: dict[str, Text] = {
    "repository_without_ids": gettext_lazy(
        "The name of a repository can be taken over after it was renamed or deleted. Ask for repository_id and"
        " repository_owner_id as well, which never change."
    ),
    "pull_requests": gettext_lazy(
        "Every pull request gets such a token, also one of a stranger. Trust a branch or an environment instead."
    ),
    "project_without_ids": gettext_lazy(
        "The path of a project can be taken over after it was renamed or deleted. Ask for project_id and namespace_id"
        " as well, which never change."
    ),
    "default_service_account": gettext_lazy(
        "Every pod of the namespace that names no service account gets such a token. Make a service account of its own."
    ),
    "service_account_without_uid": gettext_lazy(
        "A service account that is deleted can be made again by somebody else. Ask for its uid as well."
    ),
    "shared_subject": gettext_lazy(
        "Another client here trusts this subject, too. The client id in the request decides which client it is."
    ),
}
