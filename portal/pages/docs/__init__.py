"""The documentation for owners of clients and of APIs."""
