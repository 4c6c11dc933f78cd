"""The figures of all cases reach what is asked of them; `pytest tests/cases -s` prints them, and what failed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from cases.checking import Figure, checks
from cases.figures import AT_LEAST, Checked, share
from cases.reading import Case, CaseInvalid, cases
from cases.serving import Outcome
from memsvc_client.models import Addition, Memory, Source, Span


@pytest.mark.timeout(900)  # The first one to run waits for the whole service.
@pytest.mark.parametrize("figure", Figure)
def test_a_figure_reaches_its_threshold(figure: Figure, rows: list[Checked]) -> None:
    reached = share(figure, rows)
    assert reached is not None, f"no case checks {figure}"
    failed = [row.outcome.case.id for row in rows if any(check.figure is figure for check in row.failures)]
    assert reached >= AT_LEAST[figure], f"{reached:.4f} of {figure}; it fails in {failed}"


def test_there_are_enough_cases_of_every_kind_and_register(written: list[Case]) -> None:
    assert len(written) >= 400
    assert len(Counter(case.kind for case in written)) >= 10
    registers = Counter(case.area for case in written)
    assert len(registers) == 12
    assert min(registers.values()) >= 20, registers


def test_every_case_can_be_met_by_its_own_turns(written: list[Case]) -> None:
    """Nothing is asked for that contradicts what was said, or other things that are asked for."""
    asked = {Figure.BYTES, Figure.FACTS, Figure.NEVER, Figure.ATTRIBUTION, Figure.ECHOES}
    for case in written:
        unasked = case.model_copy(update={"ask": ()})
        failed = [
            check for check in checks(Outcome(unasked, whole(case), ())) if check.figure in asked and not check.holds
        ]
        assert not failed, (case.id, failed)


def whole(case: Case) -> tuple[Memory, ...]:
    """A memory for every turn but echoes: the turn as it was, under its label, with the turns it is to stand with."""
    memories = []
    for index in set(range(len(case.turns))) - set(case.echoes):
        cited = sorted({index, *(joined.also for joined in case.joined if joined.turn == index)})
        text, spans, additions = "", [], []
        for n in cited:
            label = f"{case.turns[n].name or case.turns[n].role}: "
            label = f"\n{label}" if text else label
            additions.append(Addition("label", len(text), len(text) + len(label)))
            text += label
            spans.append(Span(Source(str(n)), 0, len(case.turns[n].content), len(text)))
            text += case.turns[n].content
        sources = tuple(Source(str(n)) for n in cited)
        memories.append(
            Memory(id=str(index), memory=text, sources=sources, spans=tuple(spans), additions=tuple(additions))
        )
    return tuple(memories)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"told": [{"turn": 0, "keeps": ["I live in Rome"]}]}, "are not in"),
        ({"told": [{"turn": 0, "keeps": ["Bath", "I live"]}]}, "are not in"),
        ({"told": [{"turn": 1, "keeps": ["Bath"]}]}, "there is no turn 1"),
        ({"dated": [{"expression": "on Monday", "date": "11 May 2026"}]}, "is in no turn"),
        ({"told": []}, "has no check"),
        ({"tolled": []}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_case_is_refused(change: dict[str, object], wrong: str, tmp_path: Path) -> None:
    case = {
        "id": "cuts-1",
        "kind": "cuts",
        "register": "chat",
        "turns": [{"role": "user", "content": "I live in Bath."}],
        "told": [{"turn": 0, "keeps": ["I live", "Bath"]}],
    }
    (tmp_path / "right.jsonl").write_text(json.dumps(case))
    assert [read.id for read in cases(tmp_path)] == ["cuts-1"]
    (tmp_path / "wrong.jsonl").write_text(json.dumps({**case, "id": "cuts-2", **change}))
    with pytest.raises(CaseInvalid, match=wrong):
        cases(tmp_path)


def test_an_id_that_stands_twice_is_refused(tmp_path: Path) -> None:
    line = (
        '{"id": "a", "kind": "cuts", "register": "chat", "turns": [{"role": "user", "content": "Hm."}], "never": ["x"]}'
    )
    (tmp_path / "a.jsonl").write_text(f"{line}\n{line}\n")
    with pytest.raises(CaseInvalid, match="twice"):
        cases(tmp_path)
