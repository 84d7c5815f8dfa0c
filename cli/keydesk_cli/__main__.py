"""`python -m keydesk_cli`."""

import sys

from keydesk_cli.main import main

if __name__ == "__main__":
    sys.exit(main())
