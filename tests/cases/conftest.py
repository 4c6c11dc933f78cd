"""All cases through one service, once."""

from __future__ import annotations

import asyncio

import pytest

from cases.figures import Checked, checked, report
from cases.reading import Case, cases
from cases.serving import outcomes


@pytest.fixture(scope="package")
def written() -> list[Case]:
    return cases()


@pytest.fixture(scope="package")
def rows(written: list[Case], tmp_path_factory: pytest.TempPathFactory) -> list[Checked]:
    found = checked(asyncio.run(outcomes(written, tmp_path_factory.mktemp("cases"))))
    print(report(found))
    return found
