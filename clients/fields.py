"""The one list of fields: the texts of a request, and those that a client is made of.

Acts, content hash, change log, forms, pages, commands and exports loop over CONTENT_FIELDS. Scopes are not in it, but
rows. A new field also needs a column of Registration (and of Client), and a label in audit.actions.FIELDS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    NAME = auto()  # one line with letters in it (foundation.names.check_name)
    LINE = auto()  # one line that may be a number (foundation.names.check_line)
    TEXT = auto()  # several lines
    CHOICE = auto()  # a value of a closed list


@dataclass(frozen=True, kw_only=True)
class Field:
    name: str  # of the column of Registration, and of the form's field
    client: str = ""  # the column of Client that an approval writes; "": about the request alone
    log: str = ""  # its name in an entry of the change log; "": entries do not hold it
    person: bool = False  # says who asks, and is fixed from then on
    of_change: bool = False  # asked for a change of a client only
    optional: bool = False  # may be empty, and counts in the content hash once it is filled
    kind: Kind = Kind.NAME


CONTENT_FIELDS = (
    Field(name="client_name", client="name", log="client_name"),
    Field(name="organisation", client="organisation", log="organisation"),
    Field(
        name="organisation_number",
        client="organisation_number",
        log="organisation_number",
        optional=True,
        kind=Kind.LINE,
    ),
    Field(name="reference", client="reference", log="reference", optional=True, kind=Kind.LINE),
    Field(name="scenario", log="scenario", optional=True, kind=Kind.CHOICE),
    Field(name="contact_name", person=True),
    Field(name="contact_email", log="email", person=True),
    Field(name="reason", log="reason", of_change=True, kind=Kind.TEXT),
    Field(name="purpose", client="purpose", log="purpose", kind=Kind.TEXT),
)

type Texts = Mapping[str, str]  # Field.name -> text


def without_person(texts: Texts) -> dict[str, str]:
    """Return the texts that a contact may still change: all but the person's. Missing texts become empty."""
    return {field.name: texts.get(field.name, "") for field in CONTENT_FIELDS if not field.person}


def of_client(texts: Texts) -> dict[str, str]:
    """Map columns of Client to texts."""
    return {field.client: texts[field.name] for field in CONTENT_FIELDS if field.client}


def logged(texts: Texts) -> dict[str, str | None]:
    """Map names of audit.actions.FIELDS to texts, None where empty, as an entry of the change log has them."""
    return {field.log: texts[field.name] or None for field in CONTENT_FIELDS if field.log and field.name in texts}
