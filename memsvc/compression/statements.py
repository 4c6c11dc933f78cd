"""Words a unit: restated where that is safe, quoted from its speaker where it is not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from memsvc.compression.frames import Voices
from memsvc.compression.questions import Exchange
from memsvc.compression.references import needs_voice, speaks_of_addressee
from memsvc.compression.utterances import Piece

_CONNECTIVE = re.compile(r"(?:And|But|Plus,|Also,) (?=\w)")

_PRONOUN = re.compile(r"(?:they|he|she|it|his|her|their|its)\b", re.IGNORECASE)


def state(pieces: Sequence[Piece], voices: Voices) -> str:
    """The text of a unit: it names its speaker, before a first sentence that would begin with somebody unknown."""
    parts = list(_parts(pieces, voices))
    parts = [_opened(part, before) for part, before in zip(parts, ["", *parts], strict=False)]
    text = _join(parts)
    unknown = _PRONOUN.match(parts[0]) and not any(
        _names(parts[0], name) for name in (voices.speaker, voices.addressee)
    )
    return f"{voices.speaker}: {text}" if unknown or not _names(text, voices.speaker) else text


def _names(text: str, name: str) -> bool:
    return bool(name) and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None


def state_exchange(exchange: Exchange, asker: str, replier: str) -> str:
    """The text of a question and its short answer."""
    return f'{asker}: "{exchange.prompt}" {replier}: "{exchange.reply}"'


def _opened(part: str, before: str) -> str:
    """A part without an "and" that joins it to nothing: it begins the unit, or stands after a full stop."""
    match = _CONNECTIVE.match(part) if not before else re.match(r"and (?=\w)", part) if before[-1] in ".!?" else None
    return part if match is None else part[match.end()].upper() + part[match.end() + 1 :]


def _parts(pieces: Sequence[Piece], voices: Voices) -> Iterator[str]:
    """Restated sentences one by one, and runs of the others in one quotation each."""
    for quoted, run in groupby(pieces, key=_is_quoted):
        if quoted:
            yield _quote(list(run), voices)
        else:
            yield from (piece.restated or piece.plain for piece in run)


def _is_quoted(piece: Piece) -> bool:
    return piece.restated is None and (piece.is_question or needs_voice(piece.plain))


def _quote(pieces: Sequence[Piece], voices: Voices) -> str:
    said = _join([piece.plain for piece in pieces]).replace('"', "'")
    verb = "asked" if all(piece.is_question for piece in pieces) else "said"
    if voices.addressee and speaks_of_addressee(said):
        verb = f"{'told' if verb == 'said' else verb} {_inner(voices.addressee)}"
    return f'{voices.speaker} {verb}: "{said}"'


def _inner(name: str) -> str:
    return name[:1].lower() + name[1:] if name.startswith("The ") else name


def _join(texts: Sequence[str]) -> str:
    """Sentences on one line; code and list items keep lines of their own."""
    joined = ""
    for text in texts:
        own_line = "```" in text or "```" in joined[-3:] or text[:2] in ("- ", "* ")
        joined += ("\n" if own_line else " ") + text
    return joined.strip()
