"""The Security team's decisions: the queue, one request, proposals."""
