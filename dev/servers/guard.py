"""Run a server, and end it when the process that started it ends, in whatever way.

    guard.py STOP_SIGNAL PATIENCE [--remove DIRECTORY] -- COMMAND [ARGUMENT...]

The starter holds the other end of our standard input. When that closes (stop, crash, SIGKILL), the server gets
STOP_SIGNAL, and SIGKILL after PATIENCE seconds, with its whole process group. DIRECTORY is removed at the end. Standard
output carries nothing but the server's process id; the server writes to our standard
error.

Run by path with `python -I -S`, so that it starts in a few milliseconds and imports none of our packages.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("stop_signal", type=lambda name: signal.Signals[name])
    parser.add_argument("patience", type=float)
    parser.add_argument("--remove", default="")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()

    # A process group of its own, so that Ctrl-C in a terminal reaches only the starter, which then decides the order.
    server = subprocess.Popen(options.command, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True)
    with suppress(BrokenPipeError):
        sys.stdout.write(f"{server.pid}\n")
        sys.stdout.flush()

    def end(*_: object) -> None:
        with suppress(ProcessLookupError):
            server.send_signal(options.stop_signal)
        killer = threading.Timer(options.patience, kill_group, [server.pid])
        killer.daemon = True
        killer.start()

    def watch_lifeline() -> None:
        sys.stdin.buffer.read()
        end()

    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=watch_lifeline, daemon=True).start()
    status = server.wait()
    kill_group(server.pid)
    if options.remove:
        shutil.rmtree(options.remove, ignore_errors=True)
    # Not sys.exit: the thread may still hold standard input, which the interpreter's shutdown would wait for.
    os._exit(status if status >= 0 else 128 - status)


def kill_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
