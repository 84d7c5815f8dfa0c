"""What one process keeps in memory or writes behind: clients, rate limits, refusals, usage."""
