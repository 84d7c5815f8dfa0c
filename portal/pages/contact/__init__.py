"""The contacts' pages of their clients."""
