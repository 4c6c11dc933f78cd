"""The real models, loaded once."""

from __future__ import annotations

import pytest

from memsvc.models.analyzer import SpacyAnalyzer


@pytest.fixture(scope="session")
def analyzer() -> SpacyAnalyzer:
    return SpacyAnalyzer()
