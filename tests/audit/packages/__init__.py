"""Tests of evidence packages."""
