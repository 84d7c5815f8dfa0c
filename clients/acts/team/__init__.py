"""Acts by which the Security team shares its work: claims, saved views, texts."""
