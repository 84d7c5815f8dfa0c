"""Accounts of contacts at an OpenID provider."""

from __future__ import annotations

from django.db import models

from clients.models.people import User


class ContactAccount(models.Model):
    """The account that a contact signs in with: issuer and subject, as the provider's ID token has them.

    Never found by an e-mail address. A contact has one, and an account is of one contact.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="account")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)  # OpenID Connect Core 1.0, section 2: 255 ASCII characters at most
    bound_at = models.DateTimeField()
    used_at = models.DateTimeField()  # of the last sign-in

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="one_contact_per_account")]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"
