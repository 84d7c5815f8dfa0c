"""Reports of leaks by scanners, in the forms that they have (API M-15)."""
