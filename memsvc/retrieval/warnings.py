"""What an answer's reader should know beside it: that the embedding model does not know the question's language."""

from __future__ import annotations

from collections.abc import Collection

from memsvc.language.detection import recognize
from memsvc.types import QueryWarning, WarningCode


def language_warnings(question: str, model: str, known: Collection[str] | None) -> tuple[QueryWarning, ...]:
    """A warning where a question is, with confidence, in a language that the embedding model does not know.

    Args:
        question: its text.
        model: name of the embedding model.
        known: ISO 639-1 codes of the model's languages; None for all, or where that is not known.
    """
    if known is None:
        return ()
    language = recognize(question)
    if not language or language in known:
        return ()
    languages = ", ".join(sorted(known))
    message = (
        f"the question is in the language {language!r}, and the embedding model {model} knows {languages} only: "
        "memories that share no word with the question may be missing"
    )
    return (QueryWarning(WarningCode.EMBEDDER_LANGUAGE, message),)


def confidence_warnings(confidence: float, least: float, found: bool) -> tuple[QueryWarning, ...]:
    """A warning where something was found and nothing is returned, since memory is not expected to hold an answer."""
    if not found or confidence >= least:
        return ()
    message = f"nothing is returned: the confidence that memory holds an answer is {confidence:.3f}, below {least:g}"
    return (QueryWarning(WarningCode.BELOW_MIN_CONFIDENCE, message),)
