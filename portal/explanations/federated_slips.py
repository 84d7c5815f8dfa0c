"""The likely slip of a federated token, which an issuer made and the client only sent: a claim, and its fix."""

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
