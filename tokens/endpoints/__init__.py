"""One module per endpoint: a function of the server and a request, to be read beside the RFC it names."""
