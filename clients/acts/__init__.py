"""Acts: one keyword-only function for each thing a person can do, one module per subject."""
