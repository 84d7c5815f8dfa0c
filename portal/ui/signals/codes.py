"""The codes of signals, and the words for each."""

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy


class Code(StrEnum):
    """The closed vocabulary. A code stays readable for as long as the change log is kept."""

    NO_SENSITIVE_SCOPE = "no_sensitive_scope"
    SENSITIVE_SCOPES = "sensitive_scopes"
    NAME_OF_STAFF = "name_of_staff"
    ALPHABETS_IN_NAME = "alphabets_in_name"
    ALPHABETS_IN_DOMAIN = "alphabets_in_domain"
    DOMAIN_OF_ORGANISATION = "domain_of_organisation"
    DOMAIN_LOOKS_LIKE = "domain_looks_like"
    DOMAIN_OF_OTHERS = "domain_of_others"
    FREE_MAIL = "free_mail"
    DOMAIN = "domain"
    CLIENTS_OF_NUMBER = "clients_of_number"
    OTHER_NUMBER = "other_number"
    FIRST_CLIENT = "first_client"
    CLIENTS_OF_NAME = "clients_of_name"
    NO_NUMBER = "no_number"
    CHECK_DIGITS_RIGHT = "check_digits_right"
    NO_CHECK_DIGITS = "no_check_digits"
    NOT_IN_REGISTER = "not_in_register"
    ENDED_IN_REGISTER = "ended_in_register"
    OTHER_NAME_IN_REGISTER = "other_name_in_register"
    IN_REGISTER = "in_register"
    CONTACTS = "contacts"


Words = str | Promise
# The fact `register`: why there is no answer of the register.
REGISTER = {"no_answer": _("The register did not answer"), "not_asked": _("Not looked up")}
# code -> text and note, with the names of facts as placeholders
WORDS: dict[Code, tuple[Words, Words]] = {
    Code.NO_SENSITIVE_SCOPE: (_("Asks for no scope that is marked sensitive"), ""),
    Code.SENSITIVE_SCOPES: (
        ngettext_lazy("Asks for a sensitive scope", "Asks for %(n)s sensitive scopes", "n"), "%(scopes)s",
    ),
    Code.NAME_OF_STAFF: (
        _("The requester's name is that of a member of staff, or looks like it"),
        _("%(name)s <%(address)s> did not confirm this request"),
    ),
    Code.ALPHABETS_IN_NAME: (_("Letters of different alphabets in one name"), "%(names)s"),
    Code.ALPHABETS_IN_DOMAIN: (_("Letters of different alphabets in the mail domain"), "%(domain)s"),
    Code.DOMAIN_OF_ORGANISATION: (_("Mail domain of this organisation's contacts"), "%(domain)s"),
    Code.DOMAIN_LOOKS_LIKE: (_("The mail domain looks like another one"), "%(domain)s ≠ %(other)s"),
    Code.DOMAIN_OF_OTHERS: (
        _("Not the mail domain of this organisation's contacts"), _("%(domain)s; its contacts have %(domains)s"),
    ),
    Code.FREE_MAIL: (_("Free-mail address"), _("%(domain)s is open to everyone")),
    Code.DOMAIN: (_("Mail domain: %(domain)s"), _("Whose it is was not checked")),
    Code.CLIENTS_OF_NUMBER: (
        ngettext_lazy(
            "%(n)s client has this organisation number", "%(n)s clients have this organisation number", "n"
        ),
        _("By the number that was typed, which proves nothing"),
    ),
    Code.OTHER_NUMBER: (_("Clients by this name have another number"), "%(numbers)s"),
    Code.FIRST_CLIENT: (_("First client of this organisation"), ""),
    Code.CLIENTS_OF_NAME: (
        ngettext_lazy("This organisation has %(n)s client", "This organisation has %(n)s clients", "n"),
        _("By the name that was typed, which proves nothing"),
    ),
    Code.NO_NUMBER: (_("No organisation number given"), ""),
    Code.CHECK_DIGITS_RIGHT: (_("%(number)s: the check digits are right"), "%(register)s"),
    Code.NO_CHECK_DIGITS: (_("%(number)s: has no check digits"), "%(register)s"),
    Code.NOT_IN_REGISTER: (_("%(number)s is not in the register"), ""),
    Code.ENDED_IN_REGISTER: (_("%(number)s has ended in the register"), "%(found)s"),
    Code.OTHER_NAME_IN_REGISTER: (_("%(number)s has another name in the register"), "%(found)s"),
    Code.IN_REGISTER: (_("%(number)s is active in the register under this name"), "%(found)s"),
    Code.CONTACTS: (
        ngettext_lazy(
            "%(n)s contact of the client gets what you approve", "%(n)s contacts of the client get what you approve",
            "n",
        ),
        "%(contacts)s",
    ),
}  # fmt: skip
