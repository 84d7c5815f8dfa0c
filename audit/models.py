"""Tables of the change log. Rows are only added: triggers (migrations/append_only.sql) refuse everything else."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q, Value
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Coalesce, Concat
from django.utils.translation import gettext_lazy as _

from audit import canonical, merkle
from audit.actions import FIELDS, Action
from audit.verification import Problem, Report

END_OF_TIME = 2**63 - 1  # above every seq
PLACES = {name: place for place, name in enumerate(FIELDS)}
# The actions whose entries say which scopes a client has from then on.
GRANTING = (
    Action.CLIENT_CREATED, Action.REGISTRATION_APPROVED, Action.CLIENT_SCOPES_CHANGED, Action.CLIENT_DETACHED,
)  # fmt: skip


class EntryQuerySet(models.QuerySet["Entry"]):
    """Entries, newest first. Every filter is a range of an index that ends in seq, so pages of a long log stay fast."""

    def about(self, subject_id: str) -> EntryQuerySet:
        return self.filter(subject_id=subject_id)

    def of_client(self, *client_refs: str, subjects: Iterable[str] = ()) -> EntryQuerySet:
        """Return the history of these clients, and the entries of `subjects`: ids of the requests they were made by."""
        subjects = list(subjects)
        if len(client_refs) > 1:
            # With an "or" over many ids, PostgreSQL scans the change log backwards until it has found enough rows.
            either = [Q(client_ref__in=client_refs), Q(subject_id__in=subjects)]
            theirs, others = (Entry.objects.order_by().filter(condition).values("seq") for condition in either)
            return self.filter(seq__in=theirs.union(others))
        earlier = Q(subject_id__in=subjects) if subjects else Q()
        return self.filter(Q(client_ref__in=client_refs) | earlier)

    def by_actor(self, *actor_ids: str) -> EntryQuerySet:
        return self.filter(actor_id__in=actor_ids)

    def with_action(self, *actions: str) -> EntryQuerySet:
        return self.filter(action__in=actions)

    def with_grant(self, scope: str) -> EntryQuerySet:
        """Return the entries by which a client got or lost a scope, out of the few actions that can do so."""
        scopes = KeyTransform("scopes", "changes")
        blank = Value(" ", output_field=models.TextField())
        before, after = (Concat(blank, KeyTextTransform(part, scopes), blank) for part in (0, 1))
        had, has = Q(had__contains=f" {scope} "), Q(has__contains=f" {scope} ")
        return self.with_action(*GRANTING).annotate(had=before, has=after).filter((had & ~has) | (has & ~had))

    def with_request_id(self, request_id: str) -> EntryQuerySet:
        return self.filter(request_id=request_id)

    def from_address(self, address: str) -> EntryQuerySet:
        return self.filter(address=address)

    def between(self, start: datetime | None, end: datetime | None) -> EntryQuerySet:
        """Return entries with start <= at < end; None leaves that side open.

        The order of seq is the order of time, so a period is a range of the primary key, and combines with the other
        filters within one index.
        """
        entries = self
        if start is not None:
            entries = entries.filter(seq__gte=_first_seq_from(start))
        if end is not None:
            entries = entries.filter(seq__lt=_first_seq_from(end))
        return entries

    def before(self, seq: int) -> EntryQuerySet:
        """Return the older entries, for the next page."""
        return self.filter(seq__lt=seq)

    def after(self, seq: int) -> EntryQuerySet:
        """Return the newer entries, for the previous page."""
        return self.filter(seq__gt=seq)


def _first_seq_from(moment: datetime) -> Coalesce:
    first = Entry.objects.filter(at__gte=moment).order_by("at", "seq").values("seq")[:1]
    return Coalesce(models.Subquery(first), END_OF_TIME)


class ChangesField(models.JSONField):
    """JSON {field: [before, after]}, with numbers as canonical.Decoder reads them. A plain JSONField to migrations."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "decoder": canonical.Decoder})

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        del kwargs["decoder"]
        return name, "django.db.models.JSONField", args, kwargs


class Entry(models.Model):
    """Change by an actor to a subject, from an address. Texts are copies; there is no reference to another table."""

    seq = models.BigIntegerField(primary_key=True)  # 1, 2, 3, ... without gaps
    at = models.DateTimeField()  # the database's clock; never before the entry that it follows
    action = models.TextField()  # of actions.Action
    actor_id = models.TextField()
    actor_label = models.TextField()
    subject_id = models.TextField()
    subject_label = models.TextField()
    client_ref = models.TextField(blank=True)  # the client whose history it belongs to, empty for none
    changes = ChangesField(default=dict)
    note = models.TextField(blank=True)
    address = models.TextField(blank=True)
    request_id = models.TextField(blank=True)
    leaf_hash = models.BinaryField(max_length=merkle.HASH_SIZE)  # RFC 9162 section 2.1.1, over all other columns

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("entry of the change log")
        verbose_name_plural = _("entries of the change log")
        ordering: ClassVar = ["-seq"]
        indexes: ClassVar = [
            models.Index(fields=["subject_id", "seq"], name="entry_subject"),
            models.Index(fields=["client_ref", "seq"], name="entry_client"),
            models.Index(fields=["actor_id", "seq"], name="entry_actor"),
            models.Index(fields=["action", "seq"], name="entry_action"),
            models.Index(fields=["request_id", "seq"], name="entry_request"),
            models.Index(fields=["address", "seq"], name="entry_address"),
            models.Index(fields=["at", "seq"], name="entry_at"),
        ]

    def __str__(self) -> str:
        return f"{self.seq}: {self.sentence}"

    @property
    def template(self) -> str:
        """Return the translated sentence with {actor} and {subject} still open, for a page that makes links of them."""
        # Entries with an action that a later version dropped must stay readable.
        if self.action in Action.values:
            return str(Action(self.action).label)
        return "{actor}: " + self.action.replace("{", "{{").replace("}", "}}")

    @property
    def sentence(self) -> str:
        return self.template.format(actor=self.actor_label, subject=self.subject_label)

    @property
    def differences(self) -> list[tuple[str, object, object]]:
        """Return (field, before, after) of each change, in the order of FIELDS; fields that FIELDS lacks come last."""
        pairs = _pairs(self.changes)
        order = sorted(pairs, key=lambda name: PLACES.get(name, len(PLACES)))
        return [(name, *pairs[name]) for name in order]


def _pairs(changes: object) -> dict[str, tuple[object, object]]:
    """Read the stored changes, whatever their form: entries that were not written by Keydesk must be readable, too."""
    named = changes if isinstance(changes, dict) else {"": changes}
    pairs = {name: pair if isinstance(pair, list) and len(pair) == 2 else [None, pair] for name, pair in named.items()}
    return {name: (before, after) for name, (before, after) in pairs.items()}


class LogHead(models.Model):
    """Number of entries, in a single row. A trigger updates it for each new entry; writers lock it."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField(default=0)
    last_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="one_head_of_the_log")]

    def __str__(self) -> str:
        return str(self.size)


class Checkpoint(models.Model):
    """Signed statement that the first `size` entries have a certain tree hash (audit/signed_notes.py)."""

    size = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    key_id = models.TextField()  # of settings.LOG_SIGNING_KEYS
    frontier = models.BinaryField()  # with the size, the tree to go on from: merkle.Tree
    note = models.TextField()  # the signed note

    class Meta:
        ordering: ClassVar = ["size"]

    def __str__(self) -> str:
        return f"{self.size} entries"

    @property
    def origin(self) -> str:
        return self.note.partition("\n")[0]

    @property
    def audit_id(self) -> str:
        """Identify this note, not only its size: another note about as many entries is another checkpoint."""
        return f"checkpoint:{self.size}:{sha256(self.note.encode()).hexdigest()[:16]}"

    @property
    def audit_label(self) -> str:
        return str(self)

    @property
    def audit_client(self) -> str:
        return ""

    @property
    def tree(self) -> merkle.Tree:
        return merkle.Tree(self.size, bytes(self.frontier))


class Verification(models.Model):
    """Verification run of the whole change log: its progress, and in the end its report.

    Not a part of the change log: a report convinces readers who trust this database, signed checkpoints all others.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    asked_at = models.DateTimeField()
    asked_by = models.TextField()  # a label, as in an entry
    total = models.BigIntegerField()  # entries there were then
    checked = models.BigIntegerField(default=0)  # entries read so far
    started_at = models.DateTimeField(null=True)  # when a worker began
    finished_at = models.DateTimeField(null=True)
    report = models.JSONField(null=True)  # verification.Report, once finished

    class Meta:
        ordering: ClassVar = ["-asked_at"]
        indexes: ClassVar = [models.Index(fields=["-asked_at"], name="verification_asked")]

    def __str__(self) -> str:
        return f"{self.checked} of {self.total} entries"

    @property
    def result(self) -> Report | None:
        if self.report is None:
            return None
        problem = self.report["problem"]
        return Report(**{**self.report, "problem": Problem(problem) if problem else None})

    @property
    def seconds(self) -> float:
        """Return the duration without the wait for a worker; 0 until the run has finished."""
        if self.started_at is None or self.finished_at is None:
            return 0.0
        return (self.finished_at - self.started_at).total_seconds()


class Package(models.Model):
    """Evidence package: the numbers of its entries. The change log's entry about it proves which and how many.

    Kept, because a search that found an entry then need not find it later: clients are renamed.
    """

    entry = models.OneToOneField(Entry, models.PROTECT, primary_key=True, db_constraint=False)
    numbers = models.JSONField()  # in order
    since = models.BigIntegerField()  # size of the checkpoint from which on nothing was rewritten; 0 for none

    class Meta:
        ordering: ClassVar = ["-entry_id"]

    def __str__(self) -> str:
        return str(self.entry_id)
