"""The gold of the case set: it quotes its turns to the letter, and its dates are those of the calendar."""

from __future__ import annotations

import calendar
import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).parents[1] / "cases"
DEFAULT_AT = "2026-05-07T10:00:00+00:00"
REGISTERS = {
    "chat",
    "support",
    "code",
    "plans",
    "medicine",
    "law",
    "money",
    "logistics",
    "travel",
    "school",
    "tools",
    "languages",
}
KEYS = {"id", "kind", "register", "turns", "told", "with", "never", "dated", "undated", "said_by", "ask", "echoes"}
MONTHS = list(calendar.month_name)[1:]
DATE = re.compile(
    rf"(?:(?P<span>week|weekend|morning|afternoon|evening|night) of )?(?P<day>\d{{1,2}}) "
    rf"(?P<month>{'|'.join(MONTHS)}) (?P<year>\d{{4}})"
)
COARSE = re.compile(rf"(?:(?:{'|'.join(MONTHS)}|spring|summer|autumn|winter) )?\d{{4}}")
WEEKDAYS = (
    ("monday", "montag", "lunes", "lundi", "周一", "月曜日"),
    ("tuesday", "dienstag", "martes", "mardi", "周二", "火曜日"),
    ("wednesday", "mittwoch", "miércoles", "mercredi", "周三", "水曜日"),
    ("thursday", "donnerstag", "jueves", "jeudi", "周四", "木曜日"),
    ("friday", "freitag", "viernes", "vendredi", "周五", "金曜日"),
    ("saturday", "samstag", "sábado", "samedi", "周六", "土曜日"),
    ("sunday", "sonntag", "domingo", "dimanche", "周日", "日曜日"),
)
DAYS_OFF = {
    "today": 0,
    "yesterday": -1,
    "tomorrow": 1,
    "the day before yesterday": -2,
    "the day after tomorrow": 2,
    "last night": -1,
    "this morning": 0,
    "gestern": -1,
    "ayer": -1,
    "hier": -1,
    "昨天": -1,
    "昨日": -1,
    "明後日": 2,
}
WEEKS_OFF = {"last week": -1, "next week": 1, "last weekend": -1, "this weekend": 0}

Case = dict[str, Any]


def _load() -> list[Case]:
    files = sorted(CASES.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


ALL = _load()
each_case = pytest.mark.parametrize("case", ALL, ids=[case["id"] for case in ALL])


def _said_at(turn: Case) -> datetime:
    return datetime.fromisoformat(turn.get("at", DEFAULT_AT))


def test_ids_are_unique() -> None:
    ids = [case["id"] for case in ALL]
    assert len(ids) == len(set(ids)) > 0


@each_case
def test_a_case_has_the_keys_of_the_format_and_a_check(case: Case) -> None:
    assert set(case) <= KEYS
    assert set(case) & (KEYS - {"id", "kind", "register", "turns"})
    assert case["register"] in REGISTERS
    times = [_said_at(turn) for turn in case["turns"]]
    assert times == sorted(times)
    assert all(time.tzinfo for time in times)


@each_case
def test_what_must_be_told_stands_in_its_turn(case: Case) -> None:
    turns = [turn["content"] for turn in case["turns"]]
    for told in case.get("told", ()):
        begin = 0
        for words in told["keeps"]:
            begin = turns[told["turn"]].find(words, begin)
            assert begin >= 0, words
            begin += len(words)
    quoted = [dated["expression"] for dated in case.get("dated", ())]
    quoted += case.get("undated", [])
    quoted += [said["quote"] for said in case.get("said_by", ())]
    for ask in case.get("ask", ()):
        quoted += ask.get("has", []) + ask.get("lacks", [])
    for words in quoted:
        assert any(words in turn for turn in turns), words


@each_case
def test_the_newer_words_are_said_after_the_older(case: Case) -> None:
    turns = case["turns"]
    for ask in case.get("ask", ()):
        assert 0 <= ask.get("cites_first", 0) < len(turns)
        if case["kind"] == "newest":
            newer, older = (_only(turns, words) for words in ask["before"])
            assert older < newer
            assert ask.get("cites_first", newer) == newer


def _only(turns: list[Case], words: str) -> int:
    """The index of the one turn that says the words."""
    (index,) = [i for i, turn in enumerate(turns) if words in turn["content"]]
    return index


@each_case
def test_dates_are_those_of_the_calendar(case: Case) -> None:
    for gold in case.get("dated", ()):
        (turn,) = [turn for turn in case["turns"] if gold["expression"] in turn["content"]][:1]
        _check_date(gold["expression"], gold["date"], _said_at(turn).date())


def _check_date(expression: str, said: str, today: date) -> None:
    match = DATE.fullmatch(said)
    if match is None:
        assert COARSE.fullmatch(said), said
        return
    day = date(int(match["year"]), MONTHS.index(match["month"]) + 1, int(match["day"]))
    words = expression.casefold()
    if match["span"] in ("week", "weekend"):
        assert day.weekday() == (0 if match["span"] == "week" else 5), (expression, said)
    for number, names in enumerate(WEEKDAYS):
        if any(name in words for name in names):
            assert day.weekday() == number, (expression, said)
    if number_said := re.search(r"(?<!\d)\d{1,2}(?=st|nd|rd|th|\.|日| [A-Zj])", words):
        assert day.day == int(number_said.group()), (expression, said)
    if (offset := DAYS_OFF.get(re.sub(r" (?:morning|afternoon|evening)$", "", words))) is not None:
        assert day == today + timedelta(days=offset), (expression, said)
    if words in WEEKS_OFF:
        monday = today - timedelta(days=today.weekday()) + timedelta(weeks=WEEKS_OFF[words])
        assert day == monday + timedelta(days=5 * (match["span"] == "weekend")), (expression, said)
