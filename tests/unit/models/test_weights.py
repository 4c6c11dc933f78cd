from pathlib import Path

import pytest

from memsvc.errors import Corrupt, Reason
from memsvc.models.weights import MINILM_SHA256, check_weights, minilm_folder


def test_the_installed_weights_are_the_published_ones() -> None:
    assert (minilm_folder() / "modules.json").is_file()


def test_damage_is_named_with_file_expected_and_found(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"damaged")
    with pytest.raises(Corrupt) as caught:
        check_weights(path, MINILM_SHA256)
    found = caught.value.metadata["found"]
    assert caught.value.reason is Reason.CHECKSUM_MISMATCH
    assert found != MINILM_SHA256
    assert all(part in caught.value.message for part in (str(path), MINILM_SHA256, found))


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(Corrupt, match=r"absent\.safetensors"):
        check_weights(tmp_path / "absent.safetensors", MINILM_SHA256)
