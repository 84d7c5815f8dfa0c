"""Management links, one-time codes and sessions as rows: what opens a page, before anything is mailed."""
