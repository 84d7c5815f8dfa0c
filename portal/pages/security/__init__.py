"""The Security team's pages of all clients."""
