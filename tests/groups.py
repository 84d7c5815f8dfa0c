"""Which tests share a worker of pytest-xdist, and which of them begin first.

A file is a group, so that what is made once for a file is made once. Not `--dist loadgroup`: with pytest 9.2 it leaves
its groups out without a word (https://github.com/pytest-dev/pytest-xdist/issues/1386). So does pytest-xdist 3.8.0, the
last release on 1 December 2026; try again with the next one. If it groups, marks replace the scheduler below.
"""

import re
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Groups that take long, longest first, or the last one to begin would keep a single core busy when all else is done.
LONG = {
    "the running Keydesk": r"tests/e2e/(?!pages/)",
    "pages of contacts": r"tests/e2e/pages/test_accessibility\.py::.*\[contacts\]",
    "pages of staff": r"tests/e2e/pages/test_accessibility\.py::.*\[staff\]",
    "the demonstration": r"tests/dev/test_demo\.py",
    "other pages": r"tests/e2e/",
}


def group(nodeid: str) -> str:
    """The first of LONG that the test belongs to, or its file."""
    return next((name for name, tests in LONG.items() if re.match(tests, nodeid)), nodeid.partition("::")[0])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    begin = [*LONG]
    items.sort(key=lambda item: begin.index(name) if (name := group(item.nodeid)) in LONG else len(begin))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False  # the order is that of the items, not of how many they are
    return Groups(config, log)


class Groups(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
