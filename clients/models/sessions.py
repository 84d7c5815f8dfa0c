"""Sessions of browsers with owner, address and times, so that the owner can see and end them."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clients.models.people import User


class SessionQuerySet(models.QuerySet["Session"]):
    def of(self, user: User) -> SessionQuerySet:
        return self.filter(user=user)

    def alive(self, now: datetime) -> SessionQuerySet:
        """Return the sessions that are signed in and within both limits (docs/security.md), last used first."""
        return self.filter(
            user__isnull=False,
            expire_date__gt=now,
            seen_at__gt=now - settings.SESSION_IDLE_LIMIT,
            started_at__gt=now - settings.SESSION_ABSOLUTE_LIMIT,
        ).order_by("-seen_at")

    def over(self, now: datetime) -> SessionQuerySet:
        """Return the ended sessions: idle for too long, or past the end of the cookie."""
        return self.filter(Q(expire_date__lt=now) | Q(seen_at__lt=now - settings.SESSION_IDLE_LIMIT))


class Session(AbstractBaseSession):
    """Session of a browser. `session_key` is a digest (clients/access/session_store.py); `uid` names it on pages."""

    class Method(models.TextChoices):
        """Ways to sign in, of contacts and of staff."""

        LINK = "link", _("Mailed link")
        CODE = "code", _("Mailed code")
        PASSKEY = "passkey", _("Passkey")
        ACCOUNT = "account", _("Account of the organisation")
        PASSWORD = "password", _("Password and second factor")
        SINGLE_SIGN_ON = "single_sign_on", _("Single sign-on")

    uid = models.UUIDField(null=True, db_index=True)  # kept when the key changes: two rows share it for a moment
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="sessions")
    started_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)  # up to a minute old
    address = models.CharField(max_length=45, blank=True)  # of the last use
    browser = models.CharField(max_length=60, blank=True)
    method = models.CharField(max_length=20, choices=Method, blank=True)  # how it began

    objects = BaseSessionManager.from_queryset(SessionQuerySet)()  # type: ignore[misc]  # of AbstractBaseSession a ClassVar

    class Meta:
        pass

    def __str__(self) -> str:
        return f"session of {self.user_id}"
