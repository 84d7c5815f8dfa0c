"""State that a process keeps in memory or writes behind: clients, rate limits, refusals, usage."""
