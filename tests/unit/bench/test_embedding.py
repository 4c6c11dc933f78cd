from collections.abc import Sequence
from datetime import UTC, datetime

from memsvc.bench.conversations import Conversation, Message
from memsvc.bench.embedding import sample_texts


def talk(contents: Sequence[str]) -> Conversation:
    time = datetime(2024, 3, 1, tzinfo=UTC)
    return Conversation("c", {"s": [Message(str(n), "user", "Ann", text, time) for n, text in enumerate(contents)]}, [])


def test_turns_come_first_as_they_are() -> None:
    assert sample_texts([talk(["one", " ", "two", "three"])], 2) == ["one", "two"]


def test_where_there_are_fewer_turns_no_text_comes_twice() -> None:
    texts = sample_texts([talk(["one", "two"])], 7)
    assert texts == ["one", "two", "2: one", "3: two", "4: one", "5: two", "6: one"]
