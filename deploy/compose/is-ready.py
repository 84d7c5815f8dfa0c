"""Health check of `web` and `tokens`: /readyz of this container must answer 200.

A file of its own, because not every runtime passes a script of several lines in the compose file on unchanged.
"""

import http.client
import os
import sys

# Without a proxy from the environment: the HTTP request stays in the container.
connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("OPERATIONS_PORT", "9000")), timeout=3)
try:
    connection.request("GET", "/readyz")
    answer = connection.getresponse()
except OSError as error:
    sys.exit(f"no answer: {error}")
if answer.status != 200:
    sys.exit(f"{answer.status} {answer.read(1000).decode(errors='replace')}")
