"""The Security team's decisions: the queue, a request, proposals."""
