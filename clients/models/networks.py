"""The networks that people acted from, and clients were used from, so that a new one can be pointed out."""

from __future__ import annotations

import uuid

from django.db import models

from clients.models.client import Client
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


class ClientNetworkQuerySet(models.QuerySet["ClientNetwork"]):
    def asked(self) -> ClientNetworkQuerySet:
        """Return the networks about which nobody has answered yet, the newest first."""
        return self.filter(is_new=True, was_us=None).order_by("-first_at")

    def unknown(self) -> ClientNetworkQuerySet:
        """Return the new networks but those that a contact knows, the newest first."""
        return self.filter(is_new=True).exclude(was_us=True).order_by("-first_at")


class ClientNetwork(models.Model):
    """A network (a /24 or /48) that a client authenticated from, and whether its contacts know it (PROTOCOL C-43)."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="networks")
    network = models.CharField(max_length=50)
    credential = models.TextField()  # of the first use: "key:5"
    first_at = models.DateTimeField()
    is_new = models.BooleanField()  # first used when the client was no longer new: its contacts are asked
    was_us = models.BooleanField(null=True)  # their answer
    answered_at = models.DateTimeField(null=True)
    answered_by = models.TextField(blank=True)  # a label, as in the change log

    objects = ClientNetworkQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "network"], name="one_row_per_client_and_network")]
        indexes = [models.Index(fields=["first_at"], name="client_network_by_age")]

    def __str__(self) -> str:
        return self.network
