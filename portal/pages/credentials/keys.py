"""Keys: upload one, see what we understood, add it; activate and retire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from clients import keymaterial
from clients.access.guarded_acts import Act
from clients.acts.credentials import keys
from clients.acts.credentials.client_secrets import OVERLAPS
from clients.keymaterial import KeyRefused, PublicKey
from clients.models import Client, Key
from foundation.refusals import Refusal
from portal.explanations.keys import explain_key
from portal.explanations.sentences import in_words
from portal.flows.tokens import end_tokens
from portal.forms.key_upload import KeyUploadForm
from portal.guards.access import actor, client_of, contact
from portal.guards.refusals import refusals_to
from portal.guards.step_up import may_ask_for_step_up, require
from portal.pages.credentials.key_forms import AddKeyForm
from portal.pages.credentials.secret_forms import RetireForm
from portal.pages.credentials.understood_keys import indented, other_names, understood
from portal.ui import client_health, proof_of_possession
from portal.ui.dates import moment
from portal.ui.staff_names import staff_addresses
from portal.ui.token_list import users_of
from portal.web import kept_forms
from portal.web.http_request import Request, posted
from tokens.models import CredentialUse

CHECK = "check"  # kind of a kept key that was read and is not added yet


@contact
@require_http_methods(["GET", "HEAD", "POST"])
def add_key(request: Request, uid: UUID) -> HttpResponse:
    """Show what we understood of an upload, or what is wrong with it; changes nothing."""
    client = client_of(request, uid)
    initial = {"way": "paste", "challenge": proof_of_possession.challenge_for(client)}
    form = KeyUploadForm(posted(request), request.FILES or None, initial=initial)
    command = ""
    if form.is_valid():
        try:
            found, known = keys.new_and_known(client, keymaterial.read(form.material(), now=request.now))
        except Refusal as refusal:
            if isinstance(refusal, KeyRefused) and refusal.compromised:
                return _private_key(request, client, refusal)
            said = in_words(refusal)
            form.add_error(form.chosen, said.sentence)
            command = said.command
        else:
            return _check(request, client, [*found, *known], form)
    context = {"client": client, "form": form, "command": command}
    return render(request, "contact/add_key.html", context, status=422 if form.errors else 200)


def _private_key(request: Request, client: Client, refused: KeyRefused) -> HttpResponse:
    """Refuse an upload with a private key, and send none of it back; tell the contacts that it counts as leaked."""
    keys.note_refused_private_key(client=client, by=actor(request), now=request.now)
    context = {"client": client, "found": explain_key(refused).found}
    return render(request, "contact/private_key.html", context, status=422)


def _check(request: Request, client: Client, found: list[PublicKey], form: KeyUploadForm) -> HttpResponse:
    """Keep the public part of what was read, and redirect to the page that shows it."""
    material = [understood(key).material for key in found]
    data = {"client": str(client.uid), "material": material, "file": form.file_name, "proof": form.made_proof}
    name = kept_forms.keep(request, CHECK, data)
    return redirect(f"{resolve_url('contact:confirm_key', client.uid)}?{CHECK}={name}")


def _checked(request: Request, client: Client) -> HttpResponse:
    """Show what was read; redirect to the upload when that has expired, or is done."""
    checked = kept_forms.get(request, CHECK, request.GET.get(CHECK, ""))
    if checked is None or checked["client"] != str(client.uid):
        return redirect("contact:add_key", client.uid)
    with refusals_to(request):
        found, known = keys.new_and_known(client, _read(checked["material"], request.now))
        return _show_understood(request, client, found, known=known, file_name=checked["file"], proof=checked["proof"])
    return redirect("contact:add_key", client.uid)


def _read(material: list[str], now: datetime) -> tuple[PublicKey, ...]:
    """Read the keys of a page again, with all checks. Raises KeyRefused."""
    return tuple(keymaterial.read(text.encode(), now=now)[0] for text in material)


def _show_understood(
    request: Request,
    client: Client,
    found: tuple[PublicKey, ...],
    *,
    form: AddKeyForm | None = None,
    known: tuple[PublicKey, ...] = (),
    problem: str = "",
    file_name: str = "",
    proof: dict[str, str] | None = None,
) -> HttpResponse:
    initial = {"start": "now", "challenge": proof_of_possession.challenge_for(client), **(proof or {})}
    context = {
        "client": client,
        "found": [understood(key) for key in found],
        "form": form or _add_form(request, client, found, initial=initial),
        "challenge": form["challenge"].value() if form else initial["challenge"],
        "is_proven": proof is not None and not proof_of_possession.problem(client, found, proof),
        "has_key": client.keys.usable(request.now).exists(),
        "replaced": _replaced(client, found, request),
        "problem": problem,
        "form_has_errors": bool(problem),
        "file_name": file_name,
        "known": [key.kid for key in known],
        "contacts": client.contacts.select_related("user"),
        "now": request.now,
    }
    return render(request, "contact/key_understood.html", context, status=422 if problem else 200)


def _in_use(client: Client, found: tuple[PublicKey, ...], now: datetime) -> Key | None:
    """Return the key that a new one can take over from: the only key in use, unless it is the same; else None."""
    usable = list(client.keys.lasting(now)[:2])
    return usable[0] if len(usable) == 1 and usable[0].thumbprint not in {key.thumbprint for key in found} else None


def _replaced(client: Client, found: tuple[PublicKey, ...], request: Request) -> list[dict[str, object]]:
    """Return the keys that these replace, and until when their changed key ids then work; "" for no longer."""
    rows = [(row, key) for key in found if (row := keys.replaced_by(client, key))]
    ends = [(row.kid, row.kid != key.kid, keys.room_until(row, request.now)) for row, key in rows]
    return [
        {"kid": kid, "is_renamed": is_renamed, "until": moment(end) if end > request.now else ""}
        for kid, is_renamed, end in ends
    ]


def _add_form(
    request: Request,
    client: Client,
    found: tuple[PublicKey, ...],
    data: QueryDict | None = None,
    initial: dict[str, str] | None = None,
) -> AddKeyForm:
    renewed = len(_replaced(client, found, request)) == len(found)
    in_use = _in_use(client, found, request.now)
    return AddKeyForm(data, in_use=in_use, now=request.now, renewed=renewed, initial=initial)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def confirm_key(request: Request, uid: UUID) -> HttpResponse:
    """Show what was read, and add it by POST. The form carries the key, so it is checked again."""
    client = client_of(request, uid)
    material = request.POST.getlist("material")[:10]
    if request.method != "POST":
        return _checked(request, client)
    if not material:  # a set, of which no key was ticked
        messages.error(request, _("Choose an answer: %(label)s") % {"label": _("Which keys do you add?")})
        return redirect("contact:add_key", uid)
    try:
        found = _read(material, request.now)
    except KeyRefused as refused:
        if refused.compromised:
            return _private_key(request, client, refused)
        messages.error(request, in_words(refused).sentence)
        return redirect("contact:add_key", uid)
    old, form = _in_use(client, found, request.now), _add_form(request, client, found, request.POST)
    if not form.is_valid():
        return _show_understood(request, client, found, form=form, problem=_("Choose one of the answers below."))
    if problem := proof_of_possession.problem(client, found, form.cleaned_data):
        form.add_error("proof", problem)
        return _show_understood(request, client, found, form=form, problem=problem)
    require(request, Act.ADD_KEY, client)
    try:
        added = _add(request, client, found, form.cleaned_data)
    except Refusal as refusal:
        return _show_understood(request, client, found, form=form, problem=in_words(refusal).sentence)
    words = ngettext("The key is added. Set its key id in your software.", "The keys are added.", len(added))
    messages.success(request, words)
    if old and form.cleaned_data.get("old", "keep") not in ("keep", ""):
        _retire(request, old, form.cleaned_data["old"])
    has_token = CredentialUse.objects.of(client).exists()
    return redirect("contact:credentials" if has_token else "contact:first_token", uid)


@transaction.atomic
def _add(request: Request, client: Client, found: tuple[PublicKey, ...], answers: Mapping[str, str]) -> list[Key]:
    """Add all keys or none, by an act for each. Proofs have been checked before."""
    active, label = answers.get("start", "now") == "now", " ".join(answers["label"].split())
    by, now, proven = actor(request), request.now, bool(answers["proof"])
    return [
        keys.add(client=client, key=key, by=by, now=now, active=active, proven=proven, label=label) for key in found
    ]


def _retire(request: Request, key: Key, overlap: str) -> bool:
    span, _label = OVERLAPS[overlap]
    with refusals_to(request) as told:
        keys.retire(key=key, overlap=span, by=actor(request), now=request.now)
        until = _("The key works until %(moment)s, then it is gone.") % {"moment": moment(key.retires_at)}
        is_over = key.state(request.now) == Key.State.RETIRED
        messages.success(request, _("The key no longer works.") if is_over else until)
    return told.refusal is None


@contact
@require_safe
def key(request: Request, uid: UUID, key: UUID) -> HttpResponse:
    """Show a stored key with everything to copy."""
    client = client_of(request, uid)
    found = get_object_or_404(client.keys, uid=key)
    context: dict[str, Any] = {
        "client": client,
        "key": found,
        "card": _card(found, request),
        "jwk": indented(found.jwk),
        "names": other_names(found),
        "now": request.now,
        "staff": staff_addresses(),
    }
    return render(request, "contact/key.html", context)


def _card(key: Key, request: Request) -> client_health.KeyCard:
    return client_health.of_key(key, CredentialUse.objects.of(key.client).in_bulk(), request.now)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def activate_key(request: Request, uid: UUID, key: UUID) -> HttpResponse:
    client = client_of(request, uid)
    found = get_object_or_404(client.keys, uid=key)
    if request.method != "POST":
        return redirect("contact:key", uid, key)
    require(request, Act.ACTIVATE_KEY, client)
    with refusals_to(request):
        keys.activate(key=found, by=actor(request), now=request.now)
        messages.success(request, _("The key works now. Set its key id in your software."))
    return redirect("contact:credentials", uid)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def retire_key(request: Request, uid: UUID, key: UUID) -> HttpResponse:
    client = client_of(request, uid)
    found = get_object_or_404(client.keys, uid=key)
    form = RetireForm(posted(request), now=request.now, key=found)
    if form.is_valid():
        require(request, Act.RETIRE_KEY, client)
        if _retire(request, found, form.cleaned_data["overlap"]) and form.cleaned_data["tokens"]:
            end_tokens(request, found)
        return redirect("contact:credentials", uid)
    users = users_of(found, request.now)
    context = {"client": client, "key": found, "card": _card(found, request), "form": form, "users": users}
    return render(request, "contact/retire_key.html", context, status=422 if form.errors else 200)
