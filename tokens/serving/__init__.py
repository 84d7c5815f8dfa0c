"""HTTP, the ASGI application, start and end of a process."""
