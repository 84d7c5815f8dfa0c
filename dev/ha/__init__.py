"""`make ha`: Keydesk on several machines, with faults (docs/high-availability.md)."""
