"""Sign-out, the language, and the first sign-in of invited staff."""

from typing import Any

from allauth.account.views import LoginView
from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout, password_validation, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import i18n
from django.views.decorators.http import require_http_methods, require_POST

from clients.acts.people import staff
from clients.authentication import staff_sign_ins
from clients.models import User
from portal.guards.access import actor
from portal.pages.account.sign_in_forms import SignInForm, password_field
from portal.sign_in.allauth_internals import record_authentication
from portal.sign_in.staff import SECOND_FACTORS, is_strong
from portal.web.http_request import Request, posted


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: Request) -> HttpResponse:
    """Sign out, by POST only; also for a session that has ended already."""
    if request.method != "POST":
        return redirect("public:landing")
    if request.user.is_authenticated and request.user.is_staff_member:
        staff_sign_ins.note_signed_out(user=request.user, by=actor(request))
    logout(request)
    messages.info(request, _("You are signed out."))
    return redirect("public:landing")


@login_not_required
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Keep the language in a cookie, and for known people also for their mails."""
    language = request.POST.get("language", "")
    if request.user.is_authenticated and language in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=language)
    return i18n.set_language(request)


class RemovePasskeyView(RemoveWebAuthnView):
    """View of allauth with a check before a passkey is removed; allauth asks its adapter for other factors only."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        is_only_one = not get_adapter().can_delete_authenticator(self.object)
        return {**super().get_context_data(**kwargs), "is_only_one": is_only_one}  # type: ignore[no-untyped-call]  # of allauth

    def form_valid(self, form: forms.Form) -> HttpResponse:
        if get_adapter().can_delete_authenticator(self.object):
            return super().form_valid(form)
        return self.render_to_response(self.get_context_data(), status=409)


class SignInView(LoginView):
    """View of allauth that does not give back what was typed in the field for the login and may be the password."""

    def form_invalid(self, form: SignInForm) -> HttpResponse:
        form.forget()
        response: HttpResponse = super().form_invalid(form)
        return response


class PasswordForm(forms.Form):
    password = password_field(
        gettext_lazy("Choose a password"),
        gettext_lazy("At least 12 characters. You will also need a code from an app on your phone."),
        autocomplete="new-password",
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        password_validation.validate_password(password, self.user)
        return password


def staff_setup(request: Request) -> HttpResponse:
    """Set up the sign-in from the invitation's link: a password, then a second factor, then a complete sign-in.

    Only for a session that began with the link; staff have no session with a password alone.
    """
    user = request.user
    if not user.is_staff_member or is_strong(request):
        raise Http404
    if get_adapter().is_mfa_enabled(user, SECOND_FACTORS):
        logout(request)
        messages.success(request, _("Your second factor is set up. Sign in with it."))
        return redirect("account_login")
    form = PasswordForm(posted(request), user=user)
    if form.is_valid():
        with transaction.atomic():
            user.set_password(form.cleaned_data["password"])
            user.save(update_fields=["password"])
            staff.note_sign_in_changed(user=user, what="password set", by=actor(request))
        # A changed password ends all sessions, this one included, unless its hash is updated.
        update_session_auth_hash(request, user)
        # So that the next page does not ask for the password typed a moment ago.
        record_authentication(request, user, method="password", reauthenticated=True)
        return redirect("mfa_activate_totp")
    return render(request, "accounts/staff_setup.html", {"form": form}, status=422 if form.errors else 200)
