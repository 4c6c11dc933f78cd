from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsvc.language.names import find_names
from memsvc.types import NameKind

_MARKED = re.compile(r"\[([PLE]):([^\]]*)\]")
_KINDS = {"P": NameKind.PERSON, "L": NameKind.PLACE, "E": NameKind.ENTITY}


@dataclass(frozen=True, slots=True)
class Example:
    language: str
    text: str
    names: frozenset[tuple[int, int]]
    kinds: dict[tuple[int, int], NameKind]
    tuned: bool
    """Whether it is among those that the rules were tuned on."""


def _examples() -> Iterator[Example]:
    language, tuned = "", True
    for line in Path(__file__).with_name("names.txt").read_text("utf-8").splitlines():
        if line.startswith("== "):
            language, tuned = line.split()[1], "held out" not in line
        elif not line.startswith("#"):
            yield _example(language, line.split("\t", 1)[1], tuned=tuned)


def _example(language: str, marked: str, *, tuned: bool) -> Example:
    text, position, kinds = "", 0, {}
    for match in _MARKED.finditer(marked):
        text += marked[position : match.start()]
        kinds[len(text), len(text) + len(match[2])] = _KINDS[match[1]]
        text += match[2]
        position = match.end()
    return Example(language, text + marked[position:], frozenset(kinds), kinds, tuned)


EXAMPLES = list(_examples())


LEAST_SPANS, LEAST_TYPED = 0.9, 0.85


def _scores(examples: list[Example], *, typed: bool) -> tuple[float, float]:
    """Micro precision and recall of exact spans, with or without their kinds."""
    right = found = wanted = 0
    for example in examples:
        names = find_names(example.text, example.language)
        right += sum(
            example.kinds.get((name.start, name.end)) == name.kind if typed else (name.start, name.end) in example.names
            for name in names
        )
        found += len(names)
        wanted += len(example.names)
    return right / found, right / wanted


@pytest.mark.parametrize("tuned", [True, False], ids=["tuned on", "held out"])
@pytest.mark.parametrize("typed", [False, True], ids=["spans", "spans and kinds"])
@pytest.mark.parametrize("language", ["en", "all"])
def test_precision_and_recall(language: str, typed: bool, tuned: bool) -> None:
    examples = [each for each in EXAMPLES if each.tuned is tuned and language in {each.language, "all"}]
    precision, recall = _scores(examples, typed=typed)
    least = LEAST_TYPED if typed else LEAST_SPANS
    assert precision >= least
    assert recall >= least


def test_the_set_has_enough_of_everything() -> None:
    count = Counter(example.language for example in EXAMPLES)
    assert sum(count.values()) >= 400
    assert count["en"] >= 200
    assert all(count[language] >= 20 for language in ("de", "es", "fr", "ru", "ar", "zh", "ja", "hi", "tr"))


def found(text: str, language: str = "en", *known: str) -> list[str]:
    return [name.text for name in find_names(text, language, frozenset(known))]


@pytest.mark.parametrize(
    ("text", "language", "known", "names"),
    [
        ("where does ana live", "en", ["ana"], ["ana"]),
        ("did ana silva call ben?", "en", ["ana silva", "ana", "ben"], ["ana silva", "ben"]),
        ("banana bread for ben's mum", "en", ["ana", "ben"], ["ben"]),
        ("was hat jürgen gesagt", "de", ["jürgen"], ["jürgen"]),
        ("小明明天来", "zh", ["小明"], ["小明"]),
        ("какой адрес у анны", "ru", ["анны"], ["анны"]),
        ("what will it cost?", "en", ["will"], []),
        ("i told Will already", "en", ["will"], ["Will"]),
        ("write to ana@example.com", "en", ["ana"], []),
        ("anything", "en", [""], []),
    ],
)
def test_known_names_are_found_in_any_case(text: str, language: str, known: list[str], names: list[str]) -> None:
    assert found(text, language, *known) == names


def test_a_known_name_does_not_hide_the_longer_one_around_it() -> None:
    assert found("I met Ben Carter today", "en", "ben") == ["Ben Carter"]


@pytest.mark.parametrize(
    ("text", "language", "names"),
    [
        ("World War I ended", "en", ["World War I"]),
        ("My daughter is named Wednesday.", "en", ["Wednesday"]),
        ("Oscar de la Hoya met Vincent van Gogh", "en", ["Oscar de la Hoya", "Vincent van Gogh"]),
        ("Thanks to Jean-Luc O'Brien and J. R. Smith!", "en", ["Jean-Luc O'Brien", "J. R. Smith"]),
        ('When was the launch of "The Borrowed Coat"?', "en", ["The Borrowed Coat"]),
        ("Who replaces Tom on the Saturday of the Malvern show?", "en", ["Tom", "Malvern"]),
        ("Im Urlaub in Spanien traf ich Herrn Özdemir.", "de", ["Spanien", "Özdemir"]),
        ("El Sr. López y la Sra. Gil viven en Bogotá.", "es", ["López", "Gil", "Bogotá"]),
        ("Elif Hanım Ankara'dan geldi.", "tr", ["Elif", "Ankara"]),
        ("トムは日本語を話す。", "ja", ["トム"]),
        ("التقى محمد بن سلمان بالرئيس", "ar", ["محمد بن سلمان"]),
        ("Анна Павловна уехала из Казани.", "ru", ["Анна Павловна", "Казани"]),
    ],
)
def test_where_a_name_begins_and_ends(text: str, language: str, names: list[str]) -> None:
    assert found(text, language) == names


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "I",
        "Monday",
        "THIS IS NOT OK AT ALL",
        "See https://example.org/Anna/Berlin.html",
        "`Anna.call(Berlin)`",
        "```\nAnna = Berlin\n```",
        "anna@Berlin.example.org",
        "cp /home/Anna/Berlin.txt .",
    ],
)
def test_what_is_no_prose_holds_no_names(text: str) -> None:
    assert found(text) == []


_ALPHABET = st.sampled_from("aAbBéİßΣ'’-. ,:\n`/@=王张さンع و दि김ÀáЖж\u0301\u200d\ud800😀1(")


@given(
    text=st.text()
    | st.text(_ALPHABET, max_size=60)
    | st.lists(st.sampled_from([e.text for e in EXAMPLES])).map(" ".join),
    language=st.sampled_from(["en", "de", "tr", "ru", "ja", "zh", "ar", "und", ""]),
    known=st.frozensets(st.text(max_size=4) | st.sampled_from(["ana", "ben", "王芳"]), max_size=4),
)
@settings(max_examples=300, deadline=None)
def test_spans_are_slices_in_order_without_overlap(text: str, language: str, known: frozenset[str]) -> None:
    end = 0
    for name in find_names(text, language, known):
        assert text[name.start : name.end] == name.text
        assert end <= name.start < name.end
        end = name.end


@pytest.mark.parametrize(
    "piece", ["Ana ", "ANA", "A.", "A'b", "a/", "x@", "```", "`", "张伟", "アンナ", "أحمد ", "김", "A de "]
)
def test_cost_is_linear(piece: str) -> None:
    find_names(piece * 10, "en")

    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        costs = []
        for _ in range(3):
            begin = time.process_time()
            find_names(text, "en", frozenset({"ana", "张伟"}))
            costs.append(time.process_time() - begin)
        return min(costs)

    assert seconds(32_768) < 20 * max(seconds(4_096), 0.0005)
