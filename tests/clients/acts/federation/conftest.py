from tests.clients.federation.conftest import fetcher, server

__all__ = ["fetcher", "server"]
