"""Models of the Security team's own work, and of the campaigns that it looks after."""

from clients.models.team.desk import ReplyText, SavedView
from clients.models.team.notices import Notice
from clients.models.team.recertification import Recertification
from clients.models.team.webhooks import Delivery, Webhook

__all__ = ["Delivery", "Notice", "Recertification", "ReplyText", "SavedView", "Webhook"]
