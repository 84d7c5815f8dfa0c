"""Views of the queue that a person saved, and the team's texts for replies."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from clients.models.people import User


class SavedView(models.Model):
    """A view of the queue: filters and order as the query of its address, under a name."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=500)

    class Meta:
        ordering = [Lower("name")]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_view_of_a_name_per_person")]

    def __str__(self) -> str:
        return self.name


class ReplyText(models.Model):
    """A text of the Security team for questions or rejections, in the languages that it has."""

    class Purpose(models.TextChoices):
        QUESTION = "question", _("Question")
        REJECTION = "rejection", _("Rejection")

    purpose = models.CharField(max_length=9, choices=Purpose)
    name = models.CharField(max_length=80)
    text = models.JSONField(default=dict)  # by language

    class Meta:
        ordering = ["purpose", Lower("name")]
        constraints = [models.UniqueConstraint(fields=["purpose", "name"], name="one_reply_text_of_a_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def chooses(self) -> str:
        """The decision on a request that the text belongs to."""
        return "reject" if self.purpose == self.Purpose.REJECTION else "changes"

    def in_language(self, language: str) -> str:
        """Return the text in this language, else in English, else in any."""
        return self.text.get(language) or self.text.get("en") or next(filter(None, self.text.values()), "")

    @property
    def audit_id(self) -> str:
        return f"reply_text:{self.pk}"

    @property
    def audit_label(self) -> str:
        return self.name

    audit_client = ""
