"""A turn, read: its sentences, what is cut from them, its times, and who speaks to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from memsvc.compression import sentences
from memsvc.compression.companions import companions
from memsvc.compression.frames import Voices
from memsvc.compression.phatic import Reason, cut_reason, trim
from memsvc.compression.references import Restated, restate
from memsvc.compression.sentences import Edit, Sentence
from memsvc.compression.tightening import captions, tighten
from memsvc.language.timeline import TimeMention, find_times, render, render_bare
from memsvc.types import Analysis, Cut, Role, Turn

_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_LEAD = re.compile(r"^(?:#{1,6} .*|\*\*[^*]+\*\*:?|.*:)$", re.DOTALL)
_ASSENT = re.compile(r"(?:yes|yeah|yep|yup|no|nope|nah|sure|of course|definitely|absolutely)\b", re.IGNORECASE)
_SLICE = re.compile(r"\S(?:.{0,400}(?=\s|\Z)|.{0,200})", re.DOTALL)
_NOMINAL = frozenset({"nsubj", "nsubjpass", "dobj", "attr", "pobj", "conj", "poss", "pcomp"})
_GENITIVES = ("'s", "’s")
_GOVERNED = re.compile(
    r"\b(?:is|was|are|be|spent|spend|spending|about|around|almost|nearly|for|to|until|till|by|since|from|of|before|after|"
    r"than)(?: the)? $|['’]s $",
    re.IGNORECASE,
)
"""After one of these a time is a noun: "is Good Friday", "for 24 May"."""
_BE = re.compile(r"\s+(?:was|is|were|will be|has been|had been)\b")
_JOINING = re.compile(r"^(?:and|but|so|then|because|well),? (?=\w)", re.IGNORECASE)
_OWN_PREPOSITION = re.compile(r"(?:back |on|in|at|over|during)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a turn that is kept: a sentence, a block of code, or a slice of unanalysed text.

    `plain` is what was said with its dates resolved, `restated` the same in the third person, None when that was not
    safe (a text that is not analysed stays as it is). A lead (heading, "these are:") is what the pieces after it need
    to be understood.
    """

    start: int
    end: int
    plain: str
    restated: str | None
    is_question: bool = False
    is_lead: bool = False
    tightened: Piece | None = None
    """The same in fewer words, None when no word can go."""
    spared: str = ""
    """The words that go."""

    @property
    def told(self) -> Piece:
        """The piece as a memory tells it."""
        return self.tightened or self


@dataclass(frozen=True, slots=True)
class Utterance:
    """A turn with its analysis, its kept pieces and its cuts."""

    turn: Turn
    analysis: Analysis
    voices: Voices
    times: tuple[TimeMention, ...]
    pieces: tuple[Piece, ...]
    cuts: tuple[Cut, ...]
    last_question: str

    @property
    def content(self) -> str:
        """What is kept of the turn, dates resolved, without speaker names."""
        return " ".join(piece.plain for piece in self.pieces)

    @property
    def speaker(self) -> str:
        """Who speaks."""
        return self.voices.speaker


def read(turns: Sequence[Turn], analyses: Sequence[Analysis]) -> list[Utterance]:
    """Read the turns of one session."""
    speakers = tuple(dict.fromkeys(t.speaker_name for t in turns if t.role in (Role.USER, Role.ASSISTANT)))
    return [_read(turn, analysis, speakers) for turn, analysis in zip(turns, analyses, strict=True)]


def _read(turn: Turn, analysis: Analysis, speakers: Sequence[str]) -> Utterance:
    voices = Voices(turn.speaker_name, _addressee(turn, speakers))
    english = analysis.language == "en" and bool(analysis.tokens)
    times = tuple(find_times(turn.content, turn.event_time)) if english else ()
    code = [match.span() for match in _CODE.finditer(turn.content)]
    spoken = [s for s in sentences.split(analysis) if not any(a < s.end and s.start < b for a, b in code)]
    names = _names(turn.content, speakers)
    pieces = [Piece(a, b, turn.content[a:b], turn.content[a:b]) for a, b in code]
    pieces += _tail(turn.content, analysis, code)
    cuts: list[Cut] = []
    edits = list(_time_edits(analysis, times))
    shorter = captions(turn.content) if english else []
    beside = ""
    for sentence in spoken:
        reason = cut_reason(sentence, names, times) if english and turn.role is not Role.TOOL else None
        if reason is not None:
            cuts.append(Cut(sentence.text, reason))
        else:
            pieces.append(
                _tagged(trim(sentence, names), edits, shorter, voices, beside) if english else _untagged(sentence)
            )
            beside = companions(sentence) or beside if english else ""
    questions = [s for s in spoken if s.is_question]
    asked = trim(questions[-1], names) if questions and questions[-1] in spoken[-2:] else None
    last = _closed(asked.edited(edits), asked) if asked else ""
    return Utterance(turn, analysis, voices, times, tuple(sorted(pieces, key=lambda p: p.start)), tuple(cuts), last)


def _addressee(turn: Turn, speakers: Sequence[str]) -> str:
    others = [name for name in speakers if name != turn.speaker_name]
    return others[0] if len(others) == 1 and turn.speaker_name in speakers else ""


def _names(content: str, speakers: Sequence[str]) -> frozenset[str]:
    """Words of the speakers' names, and the short forms of them that the text uses."""
    full = {word.casefold() for name in speakers for word in name.split() if word.casefold() not in ("the", "user")}
    said = {word.casefold() for word in re.findall(r"\b[^\W\d_a-z][^\W\d_]{2,}", content)}
    return frozenset(full | {word for word in said if any(name.startswith(word) for name in full)})


def _tagged(sentence: Sentence, edits: list[Edit], shorter: Sequence[Edit], voices: Voices, beside: str) -> Piece:
    piece = _piece(sentence, edits, voices, beside)
    cuts = [
        edit for edit in (*shorter, *tighten(sentence)) if sentence.start <= edit.start and edit.end <= sentence.end
    ]
    if not cuts:
        return piece
    spared = " / ".join(sentence.analysis.text[cut.start : cut.end].strip() for cut in cuts)
    return replace(piece, tightened=_piece(sentence, [*edits, *cuts], voices, beside), spared=spared)


def _piece(sentence: Sentence, edits: list[Edit], voices: Voices, beside: str) -> Piece:
    restated = restate(sentence, voices, beside)
    return Piece(
        sentence.start,
        sentence.end,
        _closed(sentence.edited(edits), sentence),
        None if restated is None else _closed(_worded(sentence, restated, edits, voices), sentence),
        is_question=sentence.is_question,
        is_lead=bool(_LEAD.match(sentence.text)),
    )


def _worded(sentence: Sentence, restated: Restated, edits: list[Edit], voices: Voices) -> str:
    rest = replace(sentence, start=restated.start).edited([*edits, *restated.edits])
    if not restated.opening:
        return rest
    if restated.opening.endswith(" said "):
        rest = _JOINING.sub("", rest)
    return restated.opening + (_uncapitalised(rest, sentence, restated, voices) if restated.lowers else rest)


def _uncapitalised(rest: str, sentence: Sentence, restated: Restated, voices: Voices) -> str:
    """The rest of a sentence without the capital of its beginning, unless a name begins it."""
    first = next((t for t in sentence.tokens if t.start >= restated.start), None)
    named = _is_name(rest, voices)
    if first is not None and restated.opening.endswith(" said "):
        named = named or first.pos == "PROPN" or any(e.start <= first.start < e.end for e in sentence.analysis.entities)
    return rest if named else rest[:1].lower() + rest[1:]


def _is_name(text: str, voices: Voices) -> bool:
    names = (name for name in (voices.speaker, voices.addressee) if name and not name.startswith("The "))
    return text.startswith(tuple(names))


def _untagged(sentence: Sentence) -> Piece:
    return Piece(sentence.start, sentence.end, sentence.text, sentence.text, is_question=sentence.is_question)


def _closed(text: str, sentence: Sentence) -> str:
    """Begin with a capital unless the sentence did not, and end with a mark where trimming took it."""
    begins = sentence.analysis.tokens[sentence.first].start
    if sentence.end < max(t.end for t in sentence.tokens):  # the name called at its end was trimmed
        text += "."
    if sentence.start == begins and sentence.text[:1].islower():
        return text
    return text[:1].upper() + text[1:]


def _tail(content: str, analysis: Analysis, code: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    """What lies beyond the part that the analyzer looks at, in slices."""
    begin = max([analysis.tokens[-1].end if analysis.tokens else 0, *(end for _, end in code)])
    for match in _SLICE.finditer(content, begin):
        yield Piece(match.start(), match.end(), match.group().strip(), match.group().strip())


def _time_edits(analysis: Analysis, times: Sequence[TimeMention]) -> Iterator[Edit]:
    """Relative times said absolutely; where one is a noun of the sentence, without a preposition."""
    dependency = {t.end: t.dep for t in analysis.tokens}
    for mention in times:
        if not mention.relative:
            continue
        before = analysis.text[: mention.start].rstrip()
        begins = (not before or before[-1] in ".!?") and _BE.match(analysis.text, mention.end) is not None
        nominal = (
            begins
            or dependency.get(mention.end) in _NOMINAL
            or analysis.text[mention.end : mention.end + 2] in _GENITIVES
            or _GOVERNED.search(analysis.text, max(0, mention.start - 14), mention.start) is not None
        )
        bare = nominal and not _OWN_PREPOSITION.match(mention.text)
        yield Edit(mention.start, mention.end, render_bare(mention) if bare else render(mention))


def is_assent(content: str) -> bool:
    """Whether a reply begins with yes or no."""
    return bool(_ASSENT.match(content))


def left_out_reason(utterance: Utterance) -> Reason:
    """The reason of an utterance of which nothing is kept: that of its longest cut."""
    longest = max(utterance.cuts, key=lambda cut: len(cut.text), default=None)
    return Reason(longest.reason) if longest else Reason.EMPTY
