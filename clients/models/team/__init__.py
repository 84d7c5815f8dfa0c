"""Models of the Security team's own work."""

from clients.models.team.desk import ReplyText, SavedView
from clients.models.team.notices import Notice
from clients.models.team.webhooks import Delivery, Webhook

__all__ = ["Delivery", "Notice", "ReplyText", "SavedView", "Webhook"]
