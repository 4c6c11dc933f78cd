from pathlib import Path

import pytest
import torch

from memsvc.bootstrap.parts import build_embedder
from memsvc.config import SettingsInvalid, load


def test_a_gpu_that_is_set_and_not_there_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SettingsInvalid, match="device: `cuda`"):
        build_embedder(load(data_dir=tmp_path, device="cuda"))
