"""A contact's requests for a client, and for changes of one."""
