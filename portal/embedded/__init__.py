"""Real servers from wheels, so that `make demo` and `make test` need nothing installed by hand.

Only development, demonstration and tests use this package; docs/decisions/0002-embedded-servers.md has the reasons.
Nothing in it imports Django.
"""
