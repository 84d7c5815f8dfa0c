"""Building blocks of pages: dates, charts, differences, template tags."""
