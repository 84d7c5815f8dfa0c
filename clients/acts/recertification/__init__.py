"""Recertification: ask the owners of a client whether it is still needed, and take their answer."""
