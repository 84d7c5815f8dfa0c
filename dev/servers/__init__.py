"""Real servers from wheels, so that `make demo` and `make test` need no installation by hand.

Only development, demonstration and tests use this package; docs/decisions/0002-embedded-servers.md has the reasons.
Nothing in it imports Django.

Code of our own because it has to work as root, without Docker and without anything installed, and must leave no
process behind after a crash. Docker Compose, or pytest-postgresql and honcho, would replace it without these needs.
"""
