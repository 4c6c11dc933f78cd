"""The cases as they stand in `*.jsonl`, one JSON object a line with the fields of `Case`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

FOLDER = Path(__file__).parent
START = datetime(2026, 5, 7, 10, tzinfo=UTC)
"""When a case's first turn is said, a Thursday; each later one follows half a minute after."""
ROLES = ("user", "assistant", "system", "tool")


class CaseInvalid(Exception):
    """A case is wrong itself; the message names its file, its line and what is wrong."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Turn(_Part):
    """One message of the conversation."""

    role: str
    name: str = ""
    content: str
    at: datetime | None = None
    session: str = "s1"


class Told(_Part):
    """An active memory that cites the turn holds all of these strings of it, in this order."""

    turn: int
    keeps: tuple[str, ...]


class With(_Part):
    """The memory that tells a turn holds words of another turn too, such as the question it answers."""

    turn: int
    also: int
    holds: str = ""
    """Words of the other turn that must be there; empty for any."""


class Dated(_Part):
    """The expression is followed by this date in brackets."""

    expression: str
    date: str


class SaidBy(_Part):
    """What holds the quote stands under this label."""

    quote: str
    label: str


class Ask(_Part):
    """A question, and what its context holds."""

    question: str
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    before: tuple[str, str] | None = None
    """Words of the result that must rank first, and of the one that must rank later or be absent."""
    cites_first: int | None = None
    """Turn that the best result cites."""
    empty: bool = False
    """Whether nothing answers it, so that next to nothing is returned."""


class Case(_Part):
    """A conversation and what must hold of its memories."""

    id: str
    kind: str
    area: str = Field(alias="register")
    turns: tuple[Turn, ...] = Field(min_length=1)
    told: tuple[Told, ...] = ()
    joined: tuple[With, ...] = Field((), alias="with")
    echoes: tuple[int, ...] = ()
    """Turns that only repeat what was told before: no memory is made of them alone."""
    never: tuple[str, ...] = ()
    dated: tuple[Dated, ...] = ()
    undated: tuple[str, ...] = ()
    said_by: tuple[SaidBy, ...] = ()
    ask: tuple[Ask, ...] = ()

    def when(self, index: int) -> datetime:
        """When a turn was said."""
        return self.turns[index].at or START + timedelta(seconds=30 * index)

    @property
    def sessions(self) -> tuple[str, ...]:
        """The sessions, in the order in which they begin."""
        return tuple(dict.fromkeys(turn.session for turn in self.turns))

    @model_validator(mode="after")
    def _gold(self) -> Case:
        """What is expected was said, so that a slip of a case's author does not pass for a failure."""
        contents = [turn.content for turn in self.turns]
        checks = (self.told, self.joined, self.echoes, self.never, self.dated, self.undated, self.said_by, self.ask)
        _require(any(checks), "has no check")
        for turn in self.turns:
            _require(turn.role in ROLES, f"role {turn.role!r} is none of {ROLES}")
        for told in self.told:
            _require(bool(told.keeps), "told: keeps is empty")
            content = _turn(contents, told.turn)
            _require(kept_in_order(told.keeps, content) == len(told.keeps), f"{told.keeps} are not in {content!r}")
        for joined in self.joined:
            _turn(contents, joined.turn)
            _require(joined.holds in _turn(contents, joined.also), f"{joined.holds!r} is not in turn {joined.also}")
        for index in self.echoes:
            _turn(contents, index)
        said = [*(dated.expression for dated in self.dated), *self.undated, *(quote.quote for quote in self.said_by)]
        said += [words for ask in self.ask for words in (*ask.has, *ask.lacks, *(ask.before or ())) if "[" not in words]
        for words in said:
            _require(any(words in content for content in contents), f"{words!r} is in no turn")
        for ask in self.ask:
            _require(ask.cites_first is None or bool(_turn(contents, ask.cites_first)), "cites_first: no such turn")
            _require(
                bool(ask.has or ask.lacks or ask.before or ask.empty or ask.cites_first is not None),
                f"nothing is expected of {ask.question!r}",
            )
        return self


def kept_in_order(words: tuple[str, ...], text: str) -> int:
    """How many of the strings stand in the text, each behind the one found before."""
    start = found = 0
    for word in words:
        at = text.find(word, start)
        if at >= 0:
            found += 1
            start = at + len(word)
    return found


def cases(folder: Path = FOLDER) -> list[Case]:
    """Read every case of a folder.

    Raises:
        CaseInvalid: a line that is no case, a gold string that was not said, an id that stands twice.
    """
    found: dict[str, Case] = {}
    for place, line in _lines(folder):
        try:
            case = Case.model_validate_json(line)
        except ValidationError as error:
            raise CaseInvalid(f"{place}: {error}") from error
        if case.id in found:
            raise CaseInvalid(f"{place}: the id {case.id} stands twice")
        found[case.id] = case
    return list(found.values())


def _lines(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*.jsonl")):
        # Not splitlines: a case may hold a line separator that JSON does not escape.
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
            if line.strip():
                yield f"{path.name}:{number}", line


def _turn(contents: list[str], index: int) -> str:
    _require(0 <= index < len(contents), f"there is no turn {index}")
    return contents[index]


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
