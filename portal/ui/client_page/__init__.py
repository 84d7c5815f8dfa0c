"""Parts of a client's pages: the rows of its credentials, the meter of a rotation, the marks of its chart."""
