"""Why something was kept, merged or left out: the reasons on outcomes, gates and cuts."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Machine-readable reasons of compression."""

    INFORMATIVE = "INFORMATIVE"
    ANSWERED = "ANSWERED"
    """A question that is told with its answer."""
    LOW_ENTROPY = "LOW_ENTROPY"
    """Common words of reaction, in a window with nothing new in it."""
    LOW_INFORMATION = "LOW_INFORMATION"
    """With terse density: others cover the session's words for fewer tokens."""
    GREETING = "GREETING"
    THANKS = "THANKS"
    ACKNOWLEDGEMENT = "ACKNOWLEDGEMENT"
    REACTION = "REACTION"
    EMPTY_QUESTION = "EMPTY_QUESTION"
    """A question that names nothing: "And you?"."""
    ECHO = "ECHO"
    """Told before in these words, by somebody else."""
    EMPTY = "EMPTY"
    SYSTEM = "SYSTEM"
