"""Models of the Security team's own work."""

from clients.models.team.desk import ReplyText, SavedView

__all__ = ["ReplyText", "SavedView"]
