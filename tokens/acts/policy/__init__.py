"""Acts on how credentials are used: outdated ways, and whom a policy would stop."""
