"""The Security team's own work: its working days and the target for requests."""
