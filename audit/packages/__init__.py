"""Evidence packages: a selection of entries that anybody can verify without the rest of the change log."""
