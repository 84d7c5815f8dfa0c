"""What one HTTP request carries: its session, its kept form, its limits."""
