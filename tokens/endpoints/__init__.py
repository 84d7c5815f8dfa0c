"""Endpoints, one module each: a function of the services and an HTTP request, to be read beside its RFC."""
