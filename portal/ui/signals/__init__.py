"""Signals for the reviewer of a request: codes and facts in a record, words in the reader's language on a page."""
