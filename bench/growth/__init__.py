"""Growth: the measurements of one Keydesk whose tables grow meanwhile."""
