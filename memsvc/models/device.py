"""Where a model computes, and in which number format."""

from __future__ import annotations

from typing import Literal, TypeAlias

import structlog
import torch

log = structlog.get_logger(__name__)

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
Precision: TypeAlias = Literal["auto", "float32", "float16", "bfloat16"]


class NoGpu(Exception):
    """A GPU is asked for by name and cannot be used; the message says why."""


def choose_device(wanted: Device) -> Literal["cpu", "cuda"]:
    """Return the device to use. `auto` takes a GPU, or the CPU and says in the log why.

    Raises:
        NoGpu: `cuda` is wanted and there is none.
    """
    if wanted == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise NoGpu(f"`cuda` is not to be had: {_why_no_gpu()}")
    log.info("embedder.cpu_fallback", why=_why_no_gpu())
    return "cpu"


def choose_dtype(wanted: Precision, device: str) -> torch.dtype:
    """Return the number format to compute in. `auto` is float16 on a GPU, float32 on a CPU."""
    if wanted == "auto":
        return torch.float16 if device == "cuda" else torch.float32
    dtype: torch.dtype = getattr(torch, wanted)
    return dtype


def _why_no_gpu() -> str:
    if torch.version.cuda is None:
        return f"PyTorch {torch.__version__} is built without CUDA"
    return "PyTorch finds no CUDA device"
