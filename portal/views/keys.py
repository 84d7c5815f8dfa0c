"""Keys: hand one over, see what we understood, add it; activate and retire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from ssl import DER_cert_to_PEM_cert
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from clients import keymaterial, keys
from clients.client_secrets import OVERLAPS
from clients.keymaterial import KeyRefused, PublicKey
from clients.models import Client, Key
from portal import condition, proofs
from portal.access import actor, client_of, contact
from portal.forms.keys import AddKeyForm, KeyUploadForm
from portal.forms.secrets import RetireForm
from portal.request import Request, posted
from portal.step_up import step_up_required
from portal.templatetags.keydesk import moment
from portal.views.tokens import end_tokens, users_of
from tokens.models import CredentialUse


@dataclass(frozen=True)
class Understood:
    """One key of an upload, for the page that shows it before it is added."""

    key: PublicKey
    jwk: str  # indented JSON, to copy
    names: list[str]  # every kid by which an assertion may name it

    @property
    def command(self) -> str:
        """Signs challenge.txt with the private half, for proof.is_signed_by."""
        if self.key.jwk["kty"] == "OKP":  # Ed25519 does its own hashing
            return "openssl pkeyutl -sign -inkey private.pem -rawin -in challenge.txt | openssl base64 -A"
        return "openssl dgst -sha256 -sign private.pem challenge.txt | openssl base64 -A"

    @property
    def material(self) -> str:
        """What the page's form carries along, a certificate as such; read again before it is added."""
        certificate = self.key.certificate
        if self.key.kind == Key.Kind.CERTIFICATE and certificate:
            return "".join(DER_cert_to_PEM_cert(der) for der in (certificate.der, *certificate.chain))
        return json.dumps(dict(self.key.jwk))


@contact
@require_http_methods(["GET", "HEAD", "POST"])
def add_key(request: Request, uid: UUID) -> HttpResponse:
    """Changes nothing: shows what we understood, or what is wrong with it."""
    client = client_of(request, uid)
    initial = {"way": "paste", "challenge": proofs.challenge_for(client)}
    form = KeyUploadForm(posted(request), request.FILES or None, initial=initial)
    command = ""
    if form.is_valid():
        try:
            found, known = keys.new_and_known(client, keymaterial.read(form.material(), now=request.now))
        except keys.UnableToAddKey as problem:
            form.add_error(form.chosen, str(problem))
        except KeyRefused as refused:
            if refused.compromised:
                return _private_key(request, client, refused)
            form.add_error(form.chosen, refused.sentence(_, moment))
            command = refused.command
        else:
            return _show_understood(
                request, client, found, known=known, file_name=form.file_name, proof=form.made_proof
            )
    context = {"client": client, "form": form, "command": command}
    return render(request, "contact/add_key.html", context, status=422 if form.errors else 200)


def _private_key(request: Request, client: Client, refused: KeyRefused) -> HttpResponse:
    """Nothing of the upload goes back into the page: it counts as leaked, and the contacts hear of it."""
    keys.note_refused_private_key(client=client, by=actor(request), now=request.now)
    found = _(refused.found) % refused.params
    return render(request, "contact/private_key.html", {"client": client, "found": found}, status=422)


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
    initial = {"start": "now", "challenge": proofs.challenge_for(client), **(proof or {})}
    context = {
        "client": client,
        "found": [_understood(key) for key in found],
        "form": form or _add_form(request, client, found, initial=initial),
        "challenge": form["challenge"].value() if form else initial["challenge"],
        "is_proven": proof is not None and not proofs.problem(client, found, proof),
        "replaced": _replaced(client, found, request),
        "problem": problem,
        "form_has_errors": bool(problem),
        "file_name": file_name,
        "known": [key.kid for key in known],
        "contacts": client.contacts.select_related("user"),
        "now": request.now,
    }
    return render(request, "contact/key_understood.html", context, status=422 if problem else 200)


def _understood(key: PublicKey) -> Understood:
    shown = replace(key, notes=tuple(_(note) for note in key.notes))
    return Understood(key=shown, jwk=_indented(key.jwk), names=_other_names(key))


def _indented(jwk: Mapping[str, object]) -> str:
    """As one copies it."""
    return json.dumps(dict(jwk), indent=2, ensure_ascii=False)


def _other_names(key: PublicKey | Key) -> list[str]:
    """What an assertion may call the key besides its kid, shortest first."""
    return sorted(keymaterial.accepted_names(key.jwk) - {key.kid}, key=lambda name: (len(name), name))


def _in_use(client: Client, found: tuple[PublicKey, ...], now: datetime) -> Key | None:
    """The key that a new one can take over from: the one in use, when there is exactly one and it is not this one."""
    usable = list(client.keys.lasting(now)[:2])
    return usable[0] if len(usable) == 1 and usable[0].thumbprint not in {key.thumbprint for key in found} else None


def _replaced(client: Client, found: tuple[PublicKey, ...], request: Request) -> list[dict[str, object]]:
    """The keys whose place these take, and until when their key ids, if they change, work then; "" for no longer."""
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
@step_up_required(gettext_lazy("Add this key"))
def confirm_key(request: Request, uid: UUID) -> HttpResponse:
    """Adds what the page before showed. The form carried it, so it is read again as if it were new."""
    client = client_of(request, uid)
    material = request.POST.getlist("material")[:10]
    if request.method != "POST" or not material:
        if request.method == "POST":  # a set of which no key was ticked
            messages.error(request, _("Choose an answer: %(label)s") % {"label": _("Which keys do you add?")})
        return redirect("add_key", uid)
    try:
        found = tuple(keymaterial.read(text.encode(), now=request.now)[0] for text in material)
    except KeyRefused as refused:
        if refused.compromised:
            return _private_key(request, client, refused)
        messages.error(request, refused.sentence(_, moment))
        return redirect("add_key", uid)
    old, form = _in_use(client, found, request.now), _add_form(request, client, found, request.POST)
    if not form.is_valid():
        return _show_understood(request, client, found, form=form, problem=_("Choose one of the answers below."))
    if problem := proofs.problem(client, found, form.cleaned_data):
        form.add_error("proof", problem)
        return _show_understood(request, client, found, form=form, problem=problem)
    try:
        added = _add(request, client, found, form.cleaned_data)
    except keys.UnableToAddKey as problem:
        return _show_understood(request, client, found, form=form, problem=str(problem))
    words = ngettext("The key is added. Set its key id in your software.", "The keys are added.", len(added))
    messages.success(request, words)
    if old and form.cleaned_data.get("old", "keep") not in ("keep", ""):
        _retire(request, old, form.cleaned_data["old"])
    return redirect("client", uid)


@transaction.atomic
def _add(request: Request, client: Client, found: tuple[PublicKey, ...], answers: Mapping[str, str]) -> list[Key]:
    """All of them or none; each is an act of its own. A proof has been checked by now."""
    by, now, active, proven = actor(request), request.now, answers.get("start", "now") == "now", bool(answers["proof"])
    return [keys.add(client=client, key=key, by=by, now=now, active=active, proven=proven) for key in found]


def _retire(request: Request, key: Key, overlap: str) -> bool:
    span, _label = OVERLAPS[overlap]
    try:
        keys.retire(key=key, overlap=span, by=actor(request), now=request.now)
    except keys.UnableToRetireKey as problem:
        messages.error(request, str(problem))
        return False
    else:
        until = _("The key works until %(moment)s, then it is gone.") % {"moment": moment(key.retires_at)}
        is_over = key.state(request.now) == Key.State.RETIRED
        messages.success(request, _("The key no longer works.") if is_over else until)
        return True


@contact
@require_safe
def key(request: Request, uid: UUID, key: UUID) -> HttpResponse:
    """One stored key: everything one can copy from it."""
    client = client_of(request, uid)
    found = get_object_or_404(client.keys, uid=key)
    context: dict[str, Any] = {
        "client": client,
        "key": found,
        "card": _card(found, request),
        "jwk": _indented(found.jwk),
        "names": _other_names(found),
        "now": request.now,
    }
    return render(request, "contact/key.html", context)


def _card(key: Key, request: Request) -> condition.KeyCard:
    return condition.of_key(key, CredentialUse.objects.of(key.client).in_bulk(), request.now)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required(gettext_lazy("Activate this key"))
def activate_key(request: Request, uid: UUID, key: UUID) -> HttpResponse:
    client = client_of(request, uid)
    found = get_object_or_404(client.keys, uid=key)
    if request.method != "POST":
        return redirect("key", uid, key)
    try:
        keys.activate(key=found, by=actor(request), now=request.now)
    except keys.UnableToAddKey as problem:
        messages.error(request, str(problem))
    except KeyRefused as refused:
        messages.error(request, refused.sentence(_, moment))
    else:
        messages.success(request, _("The key works now. Set its key id in your software."))
    return redirect("client", uid)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required(gettext_lazy("Retire this key"))
def retire_key(request: Request, uid: UUID, key: UUID) -> HttpResponse:
    client = client_of(request, uid)
    found = get_object_or_404(client.keys, uid=key)
    form = RetireForm(posted(request), now=request.now, key=found)
    if form.is_valid():
        if _retire(request, found, form.cleaned_data["overlap"]) and form.cleaned_data["tokens"]:
            end_tokens(request, found)
        return redirect("client", uid)
    users = users_of(found, request.now)
    context = {"client": client, "key": found, "card": _card(found, request), "form": form, "users": users}
    return render(request, "contact/retire_key.html", context, status=422 if form.errors else 200)
