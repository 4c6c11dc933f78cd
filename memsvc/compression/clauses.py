"""The parse of one sentence: who depends on what, which verbs a subject has."""

from __future__ import annotations

from collections.abc import Iterator

from memsvc.compression.sentences import Sentence
from memsvc.types import Token

_SUBJECTS = frozenset({"nsubj", "nsubjpass"})
_AUXILIARIES = frozenset({"aux", "auxpass"})
_CAUSING = frozenset({"make", "let", "help", "have", "see", "hear", "watch", "feel"})


class Clauses:
    """Questions about the tokens of a sentence, by their index in the analysis."""

    def __init__(self, sentence: Sentence) -> None:
        self.range = range(sentence.first, sentence.last)
        self.tokens: tuple[Token, ...] = sentence.analysis.tokens
        self._children: dict[int, list[int]] = {}
        for i in self.range:
            if self.tokens[i].head != i:
                self._children.setdefault(self.tokens[i].head, []).append(i)

    def word(self, i: int) -> str:
        """The token, case-folded."""
        return self.tokens[i].text.casefold()

    def words(self) -> set[str]:
        """All tokens, case-folded."""
        return {self.word(i) for i in self.range}

    def children(self, i: int) -> list[int]:
        """Tokens whose head is token `i`."""
        return self._children.get(i, [])

    def is_subject(self, i: int) -> bool:
        """Whether a token is a subject."""
        return self.tokens[i].dep in _SUBJECTS

    def has_joined(self, i: int) -> bool:
        """Whether something is joined to a token by "and"."""
        return any(self.tokens[c].dep == "conj" for c in self.children(i))

    def is_plural(self, i: int) -> bool:
        """Whether a token is a plural noun, which a later "they" may mean."""
        return self.tokens[i].tag in ("NNS", "NNPS") or self.word(i) == "people"

    def has_general_subject(self) -> bool:
        """Whether what is said holds of things in general: "memories can", "taking breaks is"."""
        return any(self._is_general(i) for i in self.range)

    def _is_general(self, i: int) -> bool:
        token, head = self.tokens[i], self.tokens[self.tokens[i].head]
        if head.tag == "VBD":
            return False
        bare = not any(self.tokens[c].dep in ("det", "poss", "nummod") for c in self.children(i))
        plural = token.dep == "nsubj" and token.tag == "NNS" and bare and head.dep == "ROOT"
        return plural or (token.dep == "csubj" and token.tag == "VBG")

    def verbs(self, subject: int) -> list[int]:
        """Auxiliaries after a subject, then its verb; empty when the order is not a plain statement's."""
        head = self.tokens[subject].head
        auxiliaries = [c for c in self.children(head) if self.tokens[c].dep in _AUXILIARIES]
        verb = self.tokens[head]
        caused = verb.tag == "VB" and not auxiliaries and self.tokens[verb.head].lemma in _CAUSING
        if caused or head <= subject or verb.pos not in ("VERB", "AUX") or any(c < subject for c in auxiliaries):
            return []
        contracted = self.tokens[subject + 1].text[:1] in "'’" and subject + 1 not in (*auxiliaries, head)
        return [*([subject + 1] if contracted else []), *auxiliaries, head]

    def shared_subject(self, i: int) -> int | None:
        """Start of a subject that may go: "I went and I saw" is "X went and saw"."""
        token, verb = self.tokens[i], self.tokens[self.tokens[i].head]
        before = self.tokens[i - 1] if i - 1 in self.range else None
        if verb.dep != "conj" or before is None or before.text.casefold() not in ("and", "but"):
            return None
        subjects = [c for c in self.children(verb.head) if self.is_subject(c)]
        same = subjects and self.tokens[subjects[0]].text.casefold() == token.text.casefold()
        return before.end if same and subjects[0] < i else None

    def conjuncts(self, head: int, *, simple: bool) -> Iterator[list[int]]:
        """Verb groups joined to `head` without a subject of their own; bare forms only after a simple present."""
        for c in self.children(head):
            token = self.tokens[c]
            if token.dep != "conj" or token.pos not in ("VERB", "AUX"):
                continue
            children = self.children(c)
            if any(self.is_subject(k) or self.tokens[k].dep == "expl" for k in children):
                continue
            auxiliaries = [k for k in children if self.tokens[k].dep in _AUXILIARIES]
            if auxiliaries or token.tag == "VBP" or (simple and token.tag == "VB"):
                yield [*auxiliaries, c]
            yield from self.conjuncts(c, simple=simple)
