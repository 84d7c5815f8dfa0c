"""A site that takes the reports of scanners."""

from pathlib import Path
from typing import Any

import pytest

from tests.portal.api.support.reports import GitHub


@pytest.fixture
def github(tmp_path: Path, settings: Any) -> GitHub:
    scanner = GitHub(tmp_path)
    settings.LEAK_GITHUB_KEYS = str(scanner.file)
    return scanner
