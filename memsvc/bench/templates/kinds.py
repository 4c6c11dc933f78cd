"""What templates are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact in several wordings, and sentences that look like it and say something else.

    `{v}` is the value, `{w}` another one, `{k}` a second slot of the same fact and `{l}` another filling of it.
    """

    name: str
    says: tuple[str, ...]
    near: tuple[str, ...]
    values: tuple[str, ...]
    seconds: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something with one value at a time: how it is stated, changed, corrected, ended, and merely talked about."""

    name: str
    states: tuple[str, ...]
    changes: tuple[str, ...]
    corrections: tuple[str, ...]
    ends: tuple[str, ...]
    unsaid: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Templates:
    """One half of the evaluation."""

    facts: tuple[Fact, ...]
    attributes: tuple[Attribute, ...]
