"""Counts tokens as cl100k_base, the tokenizer that budgets are given in, without a network."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import tiktoken
from tiktoken.load import load_tiktoken_bpe

from memsvc.errors import Corrupt

RANKS_SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
"""SHA-256 of the published file `cl100k_base.tiktoken`."""

# The package litellm ships the file under tiktoken's cache name: the SHA-1 of the address it is published at.
_RANKS_FILE = "litellm_core_utils/tokenizers/9b5ad71b2ce5302211f9c61530b329a4922fc6a4"

# How cl100k_base splits a text before merging bytes. Possessive quantifiers keep it linear on long runs.
_SPLIT_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)


class Cl100kCounter:
    """Counts cl100k_base tokens; safe to call from several threads.

    Args:
        ranks: the file of merge ranks; by default the copy that the package litellm ships.

    Raises:
        Corrupt: the file is missing or is not cl100k_base.
    """

    def __init__(self, ranks: Path | None = None) -> None:
        path = ranks or find_ranks()
        check_ranks(path)
        # No special tokens are declared, so `<|endoftext|>` in a text is text like any other.
        self._encoding = tiktoken.Encoding(
            "cl100k_base",
            pat_str=_SPLIT_PATTERN,
            mergeable_ranks=load_tiktoken_bpe(str(path)),
            special_tokens={},
        )

    def count(self, text: str) -> int:
        """Return the number of tokens of `text`; 0 when it is empty."""
        return len(self._encoding.encode_ordinary(text))


def find_ranks() -> Path:
    """Return where litellm's copy of the ranks lies, without importing litellm, which takes seconds.

    Raises:
        Corrupt: litellm is not installed.
    """
    spec = find_spec("litellm")
    if spec is None or not spec.submodule_search_locations:
        raise Corrupt("the package litellm, which carries the cl100k_base ranks, is not installed")
    return Path(spec.submodule_search_locations[0]) / _RANKS_FILE


def check_ranks(path: Path) -> None:
    """Raise Corrupt unless `path` is the published file of cl100k_base ranks."""
    if not path.is_file():
        raise Corrupt(f"the cl100k_base ranks are missing: {path}", metadata={"file": path.name})
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != RANKS_SHA256:
        raise Corrupt(
            f"the cl100k_base ranks in {path} are damaged: expected SHA-256 {RANKS_SHA256}, found {found}",
            metadata={"file": path.name, "expected": RANKS_SHA256, "found": found},
        )
