"""The incident desk, for leaked credentials."""
