"""The Security team's own work: its working days, the target for requests, who looks at what."""
