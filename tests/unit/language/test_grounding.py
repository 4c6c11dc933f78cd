"""A statement of a language model passes only if what it cites bears it out."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from memsvc.language.grounding import ALLOWANCE_TOKENS, Rejection, Source, absolute, evidence, judge
from memsvc.language.words import tokenize
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.models.tokens import Cl100kCounter
from memsvc.types import Analysis
from support.retrieval import PlainAnalyzer

WHEN = datetime(2023, 5, 8, 10, tzinfo=UTC)
COUNTER = Cl100kCounter()
SAID = (
    "I moved to Lisbon last month with Marta, and we paid 1,200 euros for three rooms. She never liked Berlin.",
    "My sister Lena starts at Siemens on 12 June.",
)


def sources(*texts: str) -> list[Source]:
    return [Source(text, WHEN) for text in texts]


def checked(text: str, analyzer: SpacyAnalyzer | PlainAnalyzer, *contents: str) -> Rejection | None:
    cited = sources(*(contents or SAID))
    analysis = asyncio.run(analyzer.analyze([text]))[0]
    return verdict(text, analysis, cited)


def verdict(text: str, analysis: Analysis, cited: list[Source]) -> Rejection | None:
    source_tokens = sum(COUNTER.count(source.text) for source in cited)
    known = evidence(cited, ["Ana", "Ben"])
    return judge(text, analysis, known, tokens=COUNTER.count(text), source_tokens=source_tokens, most_sources=2)


@pytest.mark.parametrize(
    "text",
    [
        "Ana moved to Lisbon with Marta in April 2023.",
        "Ana paid 1200 euros for 3 rooms.",
        "Ana pays 1,200 euros for the rooms in Lisbon.",
        "On 8 May 2023, Ana told Ben that Marta never liked Berlin.",
        "Lena, Ana's sister, starts at Siemens on 12 June 2023.",
        "Ana's sister Lena starts at Siemens in June 2023.",
        "Marta does not like Berlin.",
        'Ana: "I moved to Lisbon with Marta."',
    ],
)
def test_what_the_sources_say_passes(text: str, analyzer: SpacyAnalyzer) -> None:
    assert checked(text, analyzer) is None


@pytest.mark.parametrize(
    ("text", "rejection"),
    [
        ("", Rejection.EMPTY),
        ("…!", Rejection.EMPTY),
        ("Ana.", Rejection.EMPTY),
        ("HACKED", Rejection.EMPTY),
        ("Ana moved to Lisbon.\u0000", Rejection.UNPRINTABLE),
        ("Ana moved to Lisbon.\ud800", Rejection.UNPRINTABLE),
        ("I moved to Lisbon with Marta.", Rejection.NOT_SELF_CONTAINED),
        ("Ana and my sister Lena moved.", Rejection.NOT_SELF_CONTAINED),
        ("Ana moved to Porto with Marta.", Rejection.UNSUPPORTED_NAME),
        ("Pedro moved to Lisbon with Marta.", Rejection.UNSUPPORTED_NAME),
        ("Ana paid 1,300 euros for three rooms.", Rejection.UNSUPPORTED_NUMBER),
        ("Ana paid 1,200 euros for four rooms.", Rejection.UNSUPPORTED_NUMBER),
        ("Ana moved to Lisbon with Marta in March 2023.", Rejection.UNSUPPORTED_DATE),
        ("Ana moved to Lisbon with Marta on 3 April 2023.", Rejection.UNSUPPORTED_DATE),
        ("Lena starts at Siemens on 12 June 2024.", Rejection.UNSUPPORTED_DATE),
        ("Photosynthesis turns light into sugar.", Rejection.LITTLE_OVERLAP),
        ("Ana secretly despises capitalism and rooms.", Rejection.LITTLE_OVERLAP),
        ("Ana: to Ben, Ana.", Rejection.LITTLE_OVERLAP),
    ],
)
def test_what_they_do_not_say_is_told_apart(text: str, rejection: Rejection, analyzer: SpacyAnalyzer) -> None:
    assert checked(text, analyzer) is rejection


def test_a_statement_joins_no_more_sources_than_it_may(analyzer: SpacyAnalyzer) -> None:
    assert checked("Lena starts at Siemens.", analyzer, SAID[1], SAID[1], SAID[1]) is Rejection.TOO_MANY_SOURCES


def test_a_negation_must_be_said(analyzer: SpacyAnalyzer) -> None:
    assert checked("Lena never starts at Siemens.", analyzer, SAID[1]) is Rejection.UNSUPPORTED_NEGATION
    assert checked("Lena doesn't start at Siemens.", analyzer, SAID[1]) is Rejection.UNSUPPORTED_NEGATION


def test_no_statement_is_longer_than_its_sources(analyzer: SpacyAnalyzer) -> None:
    text = "Ana lives " + "in Lisbon " * (ALLOWANCE_TOKENS + 10)
    assert checked(text.strip(), analyzer, "I live in Lisbon") is Rejection.TOO_LONG


def test_other_scripts_are_checked_by_what_they_share(analyzer: SpacyAnalyzer) -> None:
    said = "私は先月リスボンに引っ越しました。"
    assert checked("アナはリスボンに引っ越しました。", analyzer, said) is None
    assert checked("東京の大学で物理学を勉強する。", analyzer, said) is Rejection.LITTLE_OVERLAP


def test_relative_dates_are_said_absolutely() -> None:
    known = evidence(sources(*SAID), ["Ana"])
    assert absolute("Ana moved to Lisbon last month.", known) == "Ana moved to Lisbon in April 2023."
    assert absolute("Ana moved to Lisbon last year.", known) == "Ana moved to Lisbon last year."


NAMES = st.from_regex(r"[A-Z][a-z]{3,9}", fullmatch=True)
PROPERTY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
GOOD = "Ana moved to Lisbon with Marta"


@PROPERTY
@given(NAMES)
def test_a_name_nobody_said_never_passes(name: str) -> None:
    assume(name.casefold() not in {word for said in (*SAID, "Ana Ben") for word in tokenize(said)})
    assume(checked(f"{GOOD} and Marta.", PlainAnalyzer()) is None)
    found = checked(f"{GOOD} and {name}.", PlainAnalyzer())
    assert found in (Rejection.UNSUPPORTED_NAME, Rejection.UNSUPPORTED_DATE)


@PROPERTY
@given(st.integers(13, 10**9))
def test_a_number_nobody_said_never_passes(number: int) -> None:
    assume(number != 1200)
    found = checked(f"{GOOD} for {number} euros.", PlainAnalyzer())
    assert found in (Rejection.UNSUPPORTED_NUMBER, Rejection.UNSUPPORTED_DATE)


@PROPERTY
@given(st.dates(datetime(2000, 1, 1, tzinfo=UTC).date(), datetime(2040, 1, 1, tzinfo=UTC).date()))
def test_only_dates_that_were_told_pass(day: object) -> None:
    told = {"2023-05-08", "2023-06-12"}
    found = checked(f"{GOOD} on {day}.", PlainAnalyzer())
    assert (found is None) is (str(day) in told)


@PROPERTY
@given(st.text(max_size=200))
def test_any_text_is_judged(text: str) -> None:
    spaced = " ".join(text.split())
    found = checked(spaced, PlainAnalyzer())
    if found is None:
        assert set(tokenize(spaced)) & set(tokenize(" ".join(SAID)))
