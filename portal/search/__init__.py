"""Search for clients by a name, id, key, address, request or secret."""
