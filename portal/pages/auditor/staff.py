"""The staff: who has which role now, how they sign in, and who had which role at the end of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from audit.actions import Action
from audit.models import Entry
from clients.models import Session, User
from portal.forms.fields import day_field
from portal.guards.access import log_readers
from portal.ui import log_entries
from portal.web.http_request import Request

GIVING = (Action.STAFF_INVITED, Action.STAFF_ROLE_CHANGED, Action.STAFF_DEACTIVATED)
FACTORS = {
    Authenticator.Type.TOTP: gettext_lazy("Authenticator app"),
    Authenticator.Type.WEBAUTHN: gettext_lazy("Passkey"),
    Authenticator.Type.RECOVERY_CODES: gettext_lazy("Recovery codes"),
}


class DateForm(forms.Form):
    on = day_field(gettext_lazy("As it was at the end of"))


@dataclass
class Member:
    """A member of staff at a moment, from the change log."""

    given: Entry  # which gave the role they have
    role: str
    signed_in: Entry | None = None
    user: User | None = None  # as they are now
    factors: tuple[str, ...] = ()
    sessions: int = 0

    @property
    def role_name(self) -> str:
        return log_entries.value("role", self.role)


@log_readers
@require_safe
def staff(request: Request) -> HttpResponse:
    form = DateForm(request.GET)
    day = form.cleaned_data["on"] if form.is_valid() else None
    end = datetime.combine(day + timedelta(days=1), time.min, timezone.get_current_timezone()) if day else None
    members = members_until(end)
    if day is None:
        _add_present(members, request.now)
    context = {
        "form": form, "day": day, "members": sorted(members.values(), key=lambda member: member.given.seq),
        "may_propose": settings.STAFF_PAGES and request.user.role == User.Role.SECURITY,
    }  # fmt: skip
    return render(request, "auditor/staff.html", context, status=422 if form.errors else 200)


def members_until(end: datetime | None) -> dict[str, Member]:
    """Return who had a role of the staff at a moment, by their id in the change log; None for now."""
    entries = Entry.objects.between(None, end)
    members: dict[str, Member] = {}
    for entry in entries.with_action(*GIVING).order_by("seq"):
        after = {name: later for name, _before, later in entry.differences}
        if after.get("is_active") is False or after.get("role") == User.Role.CONTACT:
            members.pop(entry.subject_id, None)
        elif entry.subject_id not in members or "role" in after:
            known = members.get(entry.subject_id)
            role = str(after.get("role") or (known.role if known else _role_before(entry)))
            members[entry.subject_id] = Member(entry, role)
    signed_in = entries.with_action(Action.STAFF_SIGNED_IN).by_actor(*members)
    for entry in signed_in.order_by("actor_id", "-seq").distinct("actor_id"):
        members[entry.actor_id].signed_in = entry
    return members


def _role_before(entry: Entry) -> str:
    """Return the role of somebody whose account an invitation opened again without changing it."""
    earlier = Entry.objects.about(entry.subject_id).with_action(*GIVING).before(entry.seq)
    found = (later for old in earlier for name, _before, later in old.differences if name == "role")
    return str(next(found, ""))


def _add_present(members: dict[str, Member], now: datetime) -> None:
    """Add what is kept of today only: second factors and sessions."""
    users = {user.audit_id: user for user in User.objects.staff()}
    factors: dict[int, list[str]] = {}
    theirs = Authenticator.objects.filter(user__in=users.values())  # contacts have passkeys, too
    for pk, kind in theirs.order_by("type").values_list("user_id", "type").distinct():
        factors.setdefault(pk, []).append(str(FACTORS[Authenticator.Type(kind)]))
    for pk in SocialAccount.objects.values_list("user_id", flat=True).distinct():
        factors.setdefault(pk, []).append(_("Single sign-on"))
    alive = list(Session.objects.alive(now).filter(user__in=users.values()).values_list("user_id", flat=True))
    for audit_id, member in members.items():
        if user := users.get(audit_id):
            member.user, member.factors = user, tuple(factors.get(user.pk, ()))
            member.sessions = alive.count(user.pk)
