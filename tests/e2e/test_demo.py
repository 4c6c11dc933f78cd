"""`memsvc demo` as `make demo` runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


def test_the_demo_shows_the_whole_path_and_cleans_up(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "memsvc", "demo"],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200", "TMPDIR": str(tmp_path)},
        timeout=250,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    shown = done.stdout
    assert "stored / raw" in shown
    remembered = shown[shown.index("what was compressed") : shown.index("left out")]
    assert re.search(r"\[.*2025\]", remembered), "no date is shown"
    assert shown.count("evidence turns cited") >= 12
    assert "1 of 1 evidence turns cited" in shown
    assert "confidence" in shown
    assert "below the best" in shown
    assert "the service is stopped, its data removed" in shown
    assert not list(tmp_path.glob("memsvc-demo-*"))
