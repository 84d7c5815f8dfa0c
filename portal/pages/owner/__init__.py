"""Pages of the owners of APIs: who calls, which requests wait for them."""
