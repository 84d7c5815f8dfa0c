"""What pages are made of: dates, charts, differences, template tags."""
