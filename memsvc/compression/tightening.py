"""Words that a sentence can lose without losing what it says: intensifiers, tags, and the frame around a picture.

Only deletions and shorter captions, so that what remains is quoted word for word, but for a capital where a sentence
now begins; each comes with the text that it takes away. What the views search keeps these words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from memsvc.compression.sentences import Edit, Sentence
from memsvc.types import Token

_EMPHATIC = """
really very super totally definitely absolutely truly honestly actually literally simply certainly incredibly
extremely seriously obviously basically quite pretty
"""
_INTENSIFIERS = frozenset(_EMPHATIC.split())
_CLAUSES = frozenset({"ccomp", "advcl"})
_ENDING = re.compile(r",? (?:too|as well|though|haha|lol)(?=[.!…]+$|$)", re.IGNORECASE)
_ENDING_WORDS = 6
"""Words from which a sentence can do without a last "too": a shorter one says that somebody agrees."""
_PICTURE = r"(?:picture|photo|photograph|photography|pic|image|screenshot|snapshot|selfie)s?"
_CAPTION = re.compile(
    rf"\[(?:(?:shar|post|send|show|upload|attach)(?:e?s|ed|ing)?|sent|image|photo)?:?\s*"
    rf"(?:(?:a|an|the|some)\s+)?{_PICTURE}(?:\s+of\b|\s*[:-])\s*"
    rf"(?:(?:(?:a|an|the)\s+)?(?:close up |blurry |cropped )?{_PICTURE}\s+of\s+)*(?P<shown>[^\]]*)\]?",
    re.IGNORECASE,
)
_SHOWING = re.compile(rf"(?:Here['’]s|Here is|Here are) (?:a |an |the |some )?(?={_PICTURE}\b)")
_ARTICLE = re.compile(r"\b(?:a|an|the)\s+", re.IGNORECASE)


def captions(content: str) -> list[Edit]:
    """Shorter frames and no articles in captions: "[shares a picture of a photo of a dog]" is "[picture: dog]"."""
    edits = []
    for match in _CAPTION.finditer(content):
        begin = match.start("shown")
        edits.append(Edit(match.start(), begin, "[picture: "))
        found = _ARTICLE.finditer(content, begin, match.end("shown"))
        edits += [Edit(article.start(), article.end(), "") for article in found]
    return _merged(edits)


def _merged(edits: Iterable[Edit]) -> list[Edit]:
    """Neighbouring edits as one, so that none is taken for an overlap of the next."""
    merged: list[Edit] = []
    for edit in edits:
        if merged and merged[-1].end == edit.start:
            merged[-1] = Edit(merged[-1].start, edit.end, merged[-1].text + edit.text)
        else:
            merged.append(edit)
    return merged


def tighten(sentence: Sentence) -> list[Edit]:
    """Deletions from an English sentence, in order."""
    tokens = sentence.analysis.tokens
    span = [i for i in range(sentence.first, sentence.last) if sentence.start <= tokens[i].start < sentence.end]
    edits = list(_shown(sentence))
    edits += [edit for i in span[:-1] for edit in _deleted(tokens, i, span)]
    ending = _ENDING.search(sentence.text)
    if ending and len(sentence.text.split()) >= _ENDING_WORDS:
        edits.append(Edit(sentence.start + ending.start(), sentence.start + ending.end(), ""))
    return edits


def _shown(sentence: Sentence) -> Iterator[Edit]:
    """ "Here's a photo of us" is "Photo of us"."""
    if match := _SHOWING.match(sentence.text):
        end = sentence.start + match.end()
        yield Edit(sentence.start, end + 1, sentence.text[match.end()].upper())


def _deleted(tokens: tuple[Token, ...], i: int, span: list[int]) -> Iterator[Edit]:
    """The edit that deletes token `i` with the blank after it, if it can go."""
    token, following = tokens[i], tokens[i + 1]
    if i + 1 not in span or following.start == token.end or not following.text[:1].isalnum():
        return
    before = tokens[i - 1] if i - 1 in span else None
    if _can_go(tokens, i, span) and _article_fits(before, following):
        end = following.start
        if token.text.casefold() == "so" and following.text.casefold() == "much":
            end = tokens[i + 2].start
        yield Edit(token.start, end, "")


def _can_go(tokens: tuple[Token, ...], i: int, span: list[int]) -> bool:
    token, following = tokens[i], tokens[i + 1]
    word, head = token.text.casefold(), token.head
    beside = {tokens[k].dep for k in span if tokens[k].head == head and k != head}
    if head == i or "neg" in beside:
        return False
    article = following.text.casefold() in ("a", "an", "the")
    if word in _INTENSIFIERS:
        return token.dep == "advmod" and token.pos == "ADV" and not article
    if word == "just":
        return token.dep == "advmod" and tokens[head].pos == "VERB" and following.pos in ("VERB", "AUX")
    if word == "such":
        return token.dep == "predet" and article and not beside & _CLAUSES
    return word == "so" and token.dep == "advmod" and not beside & _CLAUSES and _is_emphasis(tokens, i, span)


def _is_emphasis(tokens: tuple[Token, ...], so: int, span: list[int]) -> bool:
    """ "So good" and "so much joy", and not "so many" or "so far"."""
    following = tokens[so + 1]
    word = following.text.casefold()
    if word == "much":
        noun = so + 2 in span and tokens[so + 2].pos == "NOUN"
        return noun and following.dep == "amod" and following.head == so + 2
    return tokens[so].head == so + 1 and following.pos == "ADJ" and word not in ("many", "few", "far")


def _article_fits(before: Token | None, following: Token) -> bool:
    """Whether the article before the word that goes suits the word after it: "a really old" does not."""
    if before is None or before.text.casefold() not in ("a", "an"):
        return True
    vowel = following.text[:1].casefold() in "aeiou"
    return following.text[:1].casefold() not in "uh" and vowel == (before.text.casefold() == "an")
