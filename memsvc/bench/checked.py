"""Checks data files against models, and says which conversation and which field is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from memsvc.bench.conversations import Question

MAX_SHOWN = 5
"""Problems that one message lists."""

ModelT = TypeVar("ModelT", bound=BaseModel)


class Malformed(ValueError):
    """The data cannot be read; the message names the conversation, the field and what is wrong with it."""


class Record(BaseModel):
    """One object of a data file. Fields that are not declared are ignored; numbers may stand for texts."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)


def parse(model: type[ModelT], value: Any, where: str) -> ModelT:
    """Read `value` as `model`; `where` names it in the message. Raises Malformed."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in problem['loc']) or 'value'}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        ]
        shown = "; ".join(problems[:MAX_SHOWN])
        more = f"; and {len(problems) - MAX_SHOWN} more" if len(problems) > MAX_SHOWN else ""
        raise Malformed(f"{where}: {shown}{more}") from error


def check_unique(names: Iterable[str], what: str, where: str) -> set[str]:
    """Return the names. Raises Malformed when one of them comes twice."""
    counts = Counter(names)
    if repeated := [name for name, count in counts.items() if count > 1]:
        raise Malformed(f"{where}: {what} {repeated[0]!r} is not unique")
    return set(counts)


def check_evidence(questions: Iterable[Question], turn_ids: set[str], where: str) -> None:
    """Raise Malformed when a question points at a turn that is not there."""
    for question in questions:
        if missing := [turn for turn in question.evidence if turn not in turn_ids]:
            raise Malformed(f"{where}: question {question.text!r}: evidence {missing[0]!r} is no turn_id")
