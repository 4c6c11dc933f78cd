import pytest
import torch
from structlog.testing import capture_logs

from memsvc.models.device import NoGpu, choose_device, choose_dtype


def test_auto_falls_back_to_the_cpu_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with capture_logs() as logs:
        assert choose_device("auto") == "cpu"
    assert [entry["event"] for entry in logs] == ["embedder.cpu_fallback"]
    assert "CUDA" in logs[0]["why"]


def test_the_cpu_that_is_wanted_is_no_fallback() -> None:
    with capture_logs() as logs:
        assert choose_device("cpu") == "cpu"
    assert logs == []


def test_a_gpu_that_is_asked_for_by_name_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NoGpu, match="is not to be had: PyTorch"):
        choose_device("cuda")


def test_a_gpu_is_taken_unless_the_cpu_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [choose_device("cpu"), choose_device("auto"), choose_device("cuda")] == ["cpu", "cuda", "cuda"]


def test_auto_computes_in_half_precision_on_a_gpu_only() -> None:
    assert (choose_dtype("auto", "cuda"), choose_dtype("auto", "cpu")) == (torch.float16, torch.float32)
    assert choose_dtype("bfloat16", "cpu") is torch.bfloat16
