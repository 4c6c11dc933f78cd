from __future__ import annotations

import asyncio
import threading

import pytest

from memsvc.models.analyzer import MAX_CHARACTERS, SpacyAnalyzer


@pytest.fixture(scope="module")
def analyzer() -> SpacyAnalyzer:
    return SpacyAnalyzer()


async def test_english_has_tags_parse_and_entities(analyzer: SpacyAnalyzer) -> None:
    (analysis,) = await analyzer.analyze(["Maria moved to Lisbon. She teaches there."])
    assert analysis.language == "en"
    assert {(e.text, e.label) for e in analysis.entities} >= {("Lisbon", "GPE")}
    assert len(analysis.sentences) == 2
    verb = next(token for token in analysis.tokens if token.text == "teaches")
    assert (verb.lemma, verb.pos, verb.tag) == ("teach", "VERB", "VBZ")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Ayer fui al mercado con mi hermana. Compramos pan.", "es"),
        ("Я живу в Москве. Там холодно.", "ru"),
        ("私は東京に住んでいます。", "ja"),
        ("Ich habe heute ein neues Fahrrad gekauft.", "de"),
        ("مرحبا بالعالم", "ar"),
    ],
)
async def test_other_languages_have_tokens_and_no_tags(analyzer: SpacyAnalyzer, text: str, language: str) -> None:
    (analysis,) = await analyzer.analyze([text])
    assert analysis.language == language
    assert analysis.tokens
    assert analysis.sentences
    assert all(token.tag == "" for token in analysis.tokens)


async def test_answers_in_order_and_offsets_fit(analyzer: SpacyAnalyzer) -> None:
    texts = ["I like tea.", "", "Ich bin nicht da.", "   ", "Bob's dog 🐕 barked!", "half \ud83d char"]
    analyses = await analyzer.analyze(texts)
    assert [a.text for a in analyses] == texts
    for analysis in analyses:
        assert all(analysis.text[t.start : t.end] == t.text for t in analysis.tokens)


async def test_only_the_beginning_of_a_huge_text_is_analysed(analyzer: SpacyAnalyzer) -> None:
    text = "We sail. " * (MAX_CHARACTERS // 4)
    (analysis,) = await analyzer.analyze([text])
    assert analysis.text == text
    assert 0 < analysis.tokens[-1].end <= MAX_CHARACTERS


async def test_the_model_runs_in_a_thread_of_its_own(analyzer: SpacyAnalyzer) -> None:
    await analyzer.analyze(["One.", "Two."])
    assert sum(thread.name.startswith("analyzer") for thread in threading.enumerate()) >= 1


async def test_a_question_does_not_wait_for_all_of_a_long_call(analyzer: SpacyAnalyzer) -> None:
    texts = [f"Maria moved to Lisbon {number} years ago." for number in range(200)]
    long = asyncio.create_task(analyzer.analyze(texts))
    await asyncio.sleep(0)
    (question,) = await analyzer.analyze(["Where does Maria live?"])
    assert question.text == "Where does Maria live?"
    assert not long.done()
    assert [analysis.text for analysis in await long] == texts
