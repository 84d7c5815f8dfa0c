"""Policies on credentials: what they may bound, how the strictest is found, and the words."""
