"""Who "we" are, where a sentence says so: "I hiked with my brother. We got lost." """

from __future__ import annotations

from memsvc.compression.sentences import Sentence

_RELATED = """
partner husband wife spouse boyfriend girlfriend fiance fiancé fiancée gf bf kid child son daughter family parent mom
mum mother dad father brother sister sibling cousin aunt uncle grandma grandpa grandmother grandfather friend buddy
roommate flatmate neighbor neighbour colleague coworker team teammate band group club dog cat pup puppy pet
"""
_RELATIONS = frozenset(_RELATED.split())


def companions(sentence: Sentence) -> str:
    """Those whom an English sentence puts beside its speaker, as "their brother"; empty when there are none."""
    tokens = sentence.analysis.tokens
    for i in range(sentence.first, sentence.last - 1):
        if tokens[i].text.casefold() != "my":
            continue
        noun = tokens[i].head
        if i < noun < sentence.last and tokens[noun].lemma.casefold() in _RELATIONS and _beside(sentence, noun):
            return f"their {sentence.analysis.text[tokens[i + 1].start : tokens[noun].end]}"
    return ""


def _beside(sentence: Sentence, noun: int) -> bool:
    """ "with my brother", "my brother and I", "me and my brother"."""
    tokens = sentence.analysis.tokens
    head = tokens[noun].head
    if tokens[noun].dep == "pobj" and tokens[head].text.casefold() == "with":
        return True
    if tokens[noun].dep == "conj" and tokens[head].text.casefold() in ("i", "me"):
        return True
    children = tokens[noun + 1 : sentence.last]
    return any(t.head == noun and t.dep == "conj" and t.text.casefold() in ("i", "me") for t in children)
