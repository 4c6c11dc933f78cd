"""A language model of random weights, with the tokenizer and the loading of a real one."""

import math
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from memsvc.errors import Unavailable
from memsvc.models.causal import CausalSurprisal, word_bits
from memsvc.models.surprisal import WordFrequencySurprisal

WORDS = WordFrequencySurprisal()
TEXT = "Maria moved to Lisbon. Maria teaches there."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 of bytes with a window of 16 tokens."""
    path = tmp_path_factory.mktemp("gpt2")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({"<s>": 0, **{byte: n + 1 for n, byte in enumerate(alphabet)}}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>").save_pretrained(path)
    torch.manual_seed(7)
    config = GPT2Config(vocab_size=257, n_positions=16, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0)
    config.initializer_range = 0.5
    GPT2LMHeadModel(config).save_pretrained(path)
    return path


@pytest.fixture
async def surprisal(folder: Path) -> AsyncIterator[CausalSurprisal]:
    made = CausalSurprisal(str(folder), "cpu", elsewhere=WORDS)
    yield made
    await made.close()


def direct(folder: Path, text: str) -> float:
    """Bits of a text of at most 15 bytes, from the model's own logits."""
    model = GPT2LMHeadModel.from_pretrained(folder).eval()
    ids = [0, *PreTrainedTokenizerFast.from_pretrained(folder)(text)["input_ids"]]
    with torch.inference_mode():
        probabilities = torch.softmax(model(torch.tensor([ids])).logits[0].double(), dim=-1)
    return -sum(math.log2(probabilities[n, ids[n + 1]]) for n in range(len(ids) - 1))


async def test_bits_are_those_of_the_models_probabilities(folder: Path, surprisal: CausalSurprisal) -> None:
    (within,) = await surprisal.within(["Ann sails"])
    ann, sails = within.bits("ann", "en"), within.bits("Sails", "en")
    assert ann == pytest.approx(direct(folder, "Ann"), rel=1e-4)
    assert ann + sails == pytest.approx(direct(folder, "Ann sails"), rel=1e-4)


async def test_the_same_word_carries_what_its_place_gives_it(surprisal: CausalSurprisal) -> None:
    first, second = await surprisal.within(["tea now", "drink tea"])
    assert first.bits("tea", "en") != pytest.approx(second.bits("tea", "en"), rel=1e-3)


async def test_company_and_padding_change_nothing(surprisal: CausalSurprisal) -> None:
    texts = [TEXT, "", "x", "a longer text that takes many windows of the model " * 3]
    together = await surprisal.within(texts)
    for text, within in zip(texts, together, strict=True):
        (alone,) = await surprisal.within([text])
        for word in ("maria", "x", "windows"):
            assert within.bits(word, "en") == pytest.approx(alone.bits(word, "en"), rel=1e-3)


async def test_beyond_the_window_every_token_has_half_a_window_before_it(
    folder: Path, surprisal: CausalSurprisal
) -> None:
    (within,) = await surprisal.within(["abcdefghijklmno pqr"])
    (start,) = await surprisal.within(["abcdefghijklmno"])
    assert within.bits("abcdefghijklmno", "en") == pytest.approx(start.bits("abcdefghijklmno", "en"), rel=1e-4)
    context = "ijklmno"
    assert within.bits("pqr", "en") == pytest.approx(
        direct(folder, f"{context} pqr") - direct(folder, context), rel=1e-3
    )


async def test_words_that_the_text_lacks_are_asked_for_elsewhere(surprisal: CausalSurprisal) -> None:
    (within,) = await surprisal.within([TEXT])
    assert within.bits("move", "en") == surprisal.bits("move", "en") == WORDS.bits("move", "en")


async def test_no_texts_are_no_work(surprisal: CausalSurprisal) -> None:
    assert await surprisal.within([]) == []


def test_words_that_repeat_have_their_mean_and_compounds_share() -> None:
    bits = np.array([8.0, 2.0, 6.0, 4.0])
    found = word_bits("tea tea well-made tea", [(0, 3), (3, 7), (7, 17), (17, 21)], bits)
    assert found == {"tea": pytest.approx(14 / 3), "well": 3.0, "made": 3.0}


def test_a_model_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="absent"):
        CausalSurprisal(str(tmp_path / "absent"), "cpu", elsewhere=WORDS)
