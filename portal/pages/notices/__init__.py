"""Notices to the Security team: the choice of each member, and the webhooks that get them."""
