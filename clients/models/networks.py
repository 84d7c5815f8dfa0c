"""The networks that people acted from, so that a mail can point out a new one."""

from __future__ import annotations

from django.db import models

from clients.models.people import User


class UserNetwork(models.Model):
    """A network that a person signed in from (clients/access/networks.py); deleted when unused for a while."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="networks")
    network = models.CharField(max_length=43)  # "193.190.44.0/24"
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "network"], name="one_row_per_user_and_network")]
        indexes = [models.Index(fields=["last_seen_at"], name="user_network_by_age")]

    def __str__(self) -> str:
        return self.network
