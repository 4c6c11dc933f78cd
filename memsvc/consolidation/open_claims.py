"""When claims whose relations the lexicon does not join say the same, exclude or end one another, by their frames."""

from __future__ import annotations

from collections.abc import Iterator

from memsvc.consolidation.claims import ALL, OWN, Claim, Mode, agree, same_thing
from memsvc.consolidation.frames import Slot, Wordings
from memsvc.consolidation.lexicon import CHANGE, KIN, LASTING, MANY, RELATIONS, RIVALS, SINGLE, STATES, WEEKDAYS
from memsvc.consolidation.params import ConsolidationParams


def paraphrases(a: Claim, b: Claim, wordings: Wordings, params: ConsolidationParams) -> bool:
    """Whether two claims say the same in words that only their frames join: equal fillings in frames of one meaning.

    What a parse makes of unlike words is often wrong, so frames that are very near count for more than it.
    """
    if a.negated is not b.negated or contrary(a, b):
        return False
    least = [least for least in (_least_of_readings(a, b, params), _least_of_any(a, b, params)) if least is not None]
    return bool(least) and any(
        wordings.likeness(x.frame, y.frame) >= min(least) for x, y in _aligned(a, b) if _value(x) == _value(y)
    )


def _least_of_readings(a: Claim, b: Claim, params: ConsolidationParams) -> float | None:
    """The likeness of frames that is enough where the readings allow two claims to be one; None where they do not."""
    if a.subject != b.subject or _known_apart(a, b) or not same_thing(a, b):
        return None
    if a.mode is not b.mode and not (a.told_past and b.told_past and {a.mode, b.mode} == {Mode.PAST, Mode.ACTUAL}):
        return None
    if a.relation == b.relation and a.relation in RELATIONS:
        return None
    if Mode.PAST in (a.mode, b.mode) or not _shared(a, b):
        return params.frame_happened
    return params.frame_same


def _least_of_any(a: Claim, b: Claim, params: ConsolidationParams) -> float | None:
    """The likeness of frames that is enough whatever the lexicon makes of the words; None for what cannot be one."""
    if a.bearer != b.bearer or (a.relation == b.relation and not agree(a.values, b.values)):
        return None
    if a.mode is b.mode:
        return params.frame_alike if _shared(a, b) else params.frame_alike_then
    if {a.mode, b.mode} != {Mode.PAST, Mode.ACTUAL} or (a.relation == b.relation and a.relation not in LASTING):
        return None
    return params.frame_alike_then


def replaces(new: Claim, old: Claim, wordings: Wordings, params: ConsolidationParams) -> bool:
    """Whether `new` fills the place of `old` anew: another filling of the same kind in a frame of the same meaning.

    It has to say of itself that it is a change or a correction, or one of the two has to be of a place for one value.
    """
    least = _least(new, old, params)
    return least is not None and any(
        (x.kind == "said" or new.cued or (new.functional and old.functional))
        and likeness >= (max(least, _least_of_word(new, params)) if x.word else least)
        # It says of what only by what X is.
        and (not _is_bare(new) or not x.names or _kinship(x, y, wordings) >= params.name_kind)
        for x, y, likeness in _rivals(new, old, wordings, params)
    )


def presupposes(new: Claim, old: Claim, wordings: Wordings, params: ConsolidationParams) -> float:
    """How likely `new`, which says that it replaces something, means `old`; 0 where it does not.

    "I've gone over to X" has to be about something that was told, so frames need not be near, if both are filled with
    names of one kind. It is the sum of both cosines.
    """
    if not (new.replaces or new.correction) or not (new.plain and old.plain) or MANY & {new.relation, old.relation}:
        return 0.0
    best = 0.0
    for x, y, likeness in _rivals(new, old, wordings, params):
        if x.names and y.names and likeness >= params.frame_presupposed:
            kind = _kinship(x, y, wordings)
            best = max(best, likeness + kind) if kind >= params.name_kind else best
    return best


def _is_bare(claim: Claim) -> bool:
    """Whether it says that something changed, and not what: "I've switched to X"."""
    return claim.relation in CHANGE and not claim.values


def _kinship(x: Slot, y: Slot, wordings: Wordings) -> float:
    """How near the names of two fillings are."""
    return wordings.likeness(" ".join(sorted(x.names)), " ".join(sorted(y.names)))


def _rivals(
    new: Claim, old: Claim, wordings: Wordings, params: ConsolidationParams
) -> Iterator[tuple[Slot, Slot, float]]:
    """Fillings of a newer claim that may be in the place of those of an older one, and how near their frames are."""
    if new.subject != old.subject or new.mode is not Mode.ACTUAL or old.mode is not Mode.ACTUAL:
        return
    if new.negated or old.negated or new.added or not same_thing(new, old) or _known_apart(new, old):
        return
    if new.is_opinion or old.is_opinion or old.relation in KIN - SINGLE:
        return
    for x, y in _aligned(new, old):
        if (
            _apart(x, y, wordings, params)
            and not (x.fills & old.words or y.fills & new.words)
            and not contrary(new, old, x.fills | y.fills)
        ):
            yield x, y, wordings.likeness(x.frame, y.frame)


def finishes(end: Claim, old: Claim, wordings: Wordings, params: ConsolidationParams) -> bool:
    """Whether `end` says that what `old` is filled with is over, in other words."""
    if end.subject != old.subject or end.mode is not Mode.ENDED or old.mode is not Mode.ACTUAL or old.negated:
        return False
    if not same_thing(end, old) or old.relation in ("like", "dislike") or old.relation in STATES.values():
        return False
    for x, y in _aligned(end, old):
        if _value(x) == _value(y) and (x.kind == "said" or x.word):
            least = params.frame_end_named if x.names else params.frame_end
            if wordings.likeness(x.frame, y.frame) >= least:
                return True
    return (
        not _said(end)
        and (end.over or end.relation in (ALL, OWN))
        and any(
            wordings.likeness(x.frame, y.frame) >= params.frame_same
            for x in end.slots
            for y in old.slots
            if y.kind == "said"
        )
    )


def goes_along(ended: Claim, by: Claim, other: Claim, wordings: Wordings, params: ConsolidationParams) -> bool:
    """Whether `other` ends with `ended`, which `by` ended: it tells of the same name, number or word.

    Its frame has to be near that of what ended, or that of what is told in its place.
    """
    if ended.bearer != other.bearer or other.mode is not Mode.ACTUAL or other.negated or not same_thing(ended, other):
        return False
    if other.relation in ("like", "dislike", *(KIN - SINGLE)):
        return False
    told = [(x, y) for x, y in _aligned(ended, other) if _value(x) == _value(y)]
    if not _known_apart(ended, other) and any(
        wordings.likeness(x.frame, y.frame) >= params.frame_goes_along
        for x, y in told
        if not contrary(ended, other, x.fills)
    ):
        return True
    filled = {_value(y) for _, y in told}
    return any(
        wordings.likeness(x.frame, y.frame) >= params.frame_replaced
        for x, y in _aligned(by, other)
        if _value(y) in filled and _value(x) != _value(y) and not contrary(by, other, x.fills | y.fills)
    )


def contrary(a: Claim, b: Claim, but: frozenset[str] = frozenset()) -> bool:
    """Whether two claims have words of which only one can hold: "morning" and "evening"; fillings in `but` apart."""
    mine, theirs = a.words - b.words - but, b.words - a.words - but
    kinds = {RIVALS[word] for word in mine if word in RIVALS} & {RIVALS[word] for word in theirs if word in RIVALS}
    return bool(kinds)


def _least(new: Claim, old: Claim, params: ConsolidationParams) -> float | None:
    """The likeness of frames from which a new filling takes the place of another; None where it never does."""
    if new.attribute and old.attribute and new.relation != old.relation:
        return params.frame_attribute
    if new.correction or new.replaces:
        return params.frame_corrected
    if new.relation in MANY and any(slot.direct for slot in new.slots):
        return None
    if new.change:
        return params.frame_changed
    return params.frame_same_place if new.functional or old.functional else None


def _shared(a: Claim, b: Claim) -> frozenset[str]:
    """Content words that both have beside what fills them."""
    return a.words & b.words - frozenset(word for slot in a.slots for word in slot.fills)


def _least_of_word(new: Claim, params: ConsolidationParams) -> float:
    return params.frame_changed if new.correction or new.replaces else params.frame_word


def _known_apart(a: Claim, b: Claim) -> bool:
    return a.relation != b.relation and a.relation in RELATIONS and b.relation in RELATIONS


def _aligned(a: Claim, b: Claim) -> Iterator[tuple[Slot, Slot]]:
    return ((x, y) for x in a.slots for y in b.slots if x.kind == y.kind)


def _value(slot: Slot) -> tuple[object, ...]:
    return slot.names, slot.numbers, slot.dates, slot.word


def _said(claim: Claim) -> bool:
    return any(slot.kind == "said" for slot in claim.slots)


def _apart(x: Slot, y: Slot, wordings: Wordings, params: ConsolidationParams) -> bool:
    """Whether two fillings are of one kind and differ in all of it."""
    if x.kind == "word":
        if x.word == y.word or set(x.word.split()) & set(y.word.split()):
            return False
        rivals = RIVALS.get(x.word) is not None and RIVALS.get(x.word) == RIVALS.get(y.word)
        return rivals or wordings.likeness(x.word, y.word) >= params.word_kind
    pairs = ((x.names, y.names), (x.numbers, y.numbers), (x.dates, y.dates))
    if any(bool(p) != bool(q) for p, q in pairs) or bool(x.numbers & WEEKDAYS) != bool(y.numbers & WEEKDAYS):
        return False
    differing = [(p, q) for p, q in pairs if p != q]
    return len(differing) == 1 and not set(differing[0][0]) & set(differing[0][1])
