"""Commands: each module has `configure` for its options and `run`, which returns the exit code."""
