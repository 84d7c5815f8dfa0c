"""`make clean`: remove the demonstration's data under .local/, unless it is running."""

import shutil
import sys

from dev.servers import sockets
from dev.servers.demo import FILES, SETTINGS, UnableToDemonstrate, exclusive, owner_hint
from dev.servers.processes import end_left_over


def main() -> int:
    try:
        with exclusive():
            end_left_over(FILES)
            shutil.rmtree(sockets.directory_for(FILES))
            shutil.rmtree(FILES)
            SETTINGS.unlink(missing_ok=True)
    except UnableToDemonstrate as running:
        sys.stderr.write(f"{running}\nEnd it first (Ctrl-C), then clean.\n")
        return 1
    except PermissionError as problem:
        sys.stderr.write(owner_hint(problem))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
