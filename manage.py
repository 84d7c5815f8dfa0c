#!/usr/bin/env python
"""Django's command line."""

import json
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:
        # A setting cannot be read. Status 2, because 1 is a result of verify_log: the change log was altered.
        if "--json" in sys.argv:
            sys.stdout.write(json.dumps({"error": str(problem), "code": "settings"}) + "\n")
        else:
            sys.stderr.write(f"{problem}\n")
        sys.exit(2)
