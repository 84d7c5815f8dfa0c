"""The outbox: which mail goes to whom, its text, and its delivery."""
