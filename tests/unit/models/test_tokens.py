import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from memsvc.errors import Corrupt, Reason
from memsvc.models.tokens import RANKS_SHA256, Cl100kCounter, find_ranks


@pytest.fixture(scope="module")
def counter() -> Cl100kCounter:
    return Cl100kCounter()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0), ("hello world", 2), ("tiktoken is great!", 6), ("お誕生日おめでとう", 9), ("2 + 2 = 4", 7)],
)
def test_known_counts(counter: Cl100kCounter, text: str, expected: int) -> None:
    assert counter.count(text) == expected


def test_special_tokens_count_as_plain_text(counter: Cl100kCounter) -> None:
    assert counter.count("<|endoftext|>") > 1


@pytest.mark.parametrize(
    ("unit", "expected"), [("a", 4_000), (" ", 250), ("😀", 64_000), ("\n", 1_000), ("1", 10_667), ("字", 32_000)]
)
def test_long_runs_of_one_character(counter: Cl100kCounter, unit: str, expected: int) -> None:
    assert counter.count(unit * 32_000) == expected


def test_a_lone_surrogate_is_counted(counter: Cl100kCounter) -> None:
    assert counter.count("\ud800abc") == 2


def test_threads_agree_with_one_thread(counter: Cl100kCounter) -> None:
    rng = random.Random(7)
    texts = [" ".join(rng.choices(["alpha", "été", "字体", "12345", "😀!"], k=50)) for _ in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(counter.count, texts)) == [counter.count(text) for text in texts]


def test_a_damaged_file_is_named_with_both_checksums(tmp_path: Path) -> None:
    damaged = tmp_path / "ranks"
    damaged.write_bytes(find_ranks().read_bytes()[:-1])
    with pytest.raises(Corrupt) as caught:
        Cl100kCounter(damaged)
    assert caught.value.reason is Reason.CHECKSUM_MISMATCH
    assert str(damaged) in caught.value.message
    assert caught.value.metadata["expected"] == RANKS_SHA256
    assert caught.value.metadata["found"] != RANKS_SHA256


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Corrupt, match="absent"):
        Cl100kCounter(tmp_path / "absent")
