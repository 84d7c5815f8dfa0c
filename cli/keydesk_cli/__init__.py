"""Command line of Keydesk for the pipelines of contacts: tokens, checks of keys, renewal without hands."""

__version__ = "0.1.0"
