"""Programs of the Security team (scopes `keydesk.clients.read` and the like)."""
