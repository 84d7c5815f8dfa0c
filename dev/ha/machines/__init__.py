"""The machines: their network, the servers of other projects, Keydesk, and what it needs to begin with."""
