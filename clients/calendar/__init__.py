"""Calendars of contacts: ends of credentials as events (RFC 5545), and the address at which a program reads them."""
