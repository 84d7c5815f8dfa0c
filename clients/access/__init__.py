"""Management links, one-time codes and sessions as rows."""
