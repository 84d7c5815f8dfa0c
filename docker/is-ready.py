"""Health check of `web` and `tokens`: /readyz of this container must answer 200.

A file, because not every runtime hands a script of several lines in the compose file on whole.
"""

import http.client
import os
import sys

# No proxy of the environment is asked: this stays in the container.
connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("OPERATIONS_PORT", "9000")), timeout=3)
try:
    connection.request("GET", "/readyz")
    answer = connection.getresponse()
except OSError as error:
    sys.exit(f"no answer: {error}")
if answer.status != 200:
    sys.exit(f"{answer.status} {answer.read(1000).decode(errors='replace')}")
