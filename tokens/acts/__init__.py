"""Acts on tokens for pages and commands: invalidation, incidents, the dry run. These use the ORM."""
