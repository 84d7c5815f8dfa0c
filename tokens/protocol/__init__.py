"""Rules of the protocol without input or output: no Django, no database, no network."""
