"""What was deleted appears nowhere: in no answer of any call, and no view matches by it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from memsvc_client import AsyncMemoryClient, NotFound
from support.small_service import SmallService, small_service, until

STATES = ("active", "superseded", "deleted", "left_out", "retired")
ADDED = 120
TEMPLATES = (
    "I bought the {} in Porto for 40 euros.",
    "Does the {} belong to your sister?",
    "No, the {} is mine. I got it in Braga.",
    "We meet at the {} on Friday. Bring the {} too.",
    "I'm allergic to {}. My doctor in Lisbon said so.",
    "Thanks! The {} was great.",
)


@pytest.mark.timeout(900)
async def test_a_scope_deleted_at_once_never_appears(tmp_path: Path) -> None:
    async with small_service(tmp_path) as service:
        client = service.client
        for number in range(ADDED // 20):
            texts = [f"I keep telescope {number}-{n} in the harbour shed." for n in range(20)]
            await service.add(*texts, session=f"s{number}")
        await client.add("I keep a telescope too.", user_id="bo")
        await client.delete_all(user_id="ana")
        await until(service.settled, "the jobs do not end")
        assert [m.memory async for m in client.list(user_id="ana", filters={"states": STATES[:1]})] == []
        assert not list(await client.search("Where is the telescope?", user_id="ana"))
        turns = [turn async for turn in client.turns(user_id="ana")]
        assert {(turn.disposition, turn.content) for turn in turns} == {("deleted", "")}
        assert len(turns) == ADDED
        assert (await client.stats()).pending_turn_count == 0
        assert len([m async for m in client.list(user_id="bo")]) == 1
        await service.add("I keep bees in Coimbra now.", session="s0")
        await until(service.settled, "what was said afterwards is not compressed")
        assert [m.memory async for m in client.list(user_id="ana") if "bees" in m.memory]


@pytest.mark.timeout(1200)
async def test_no_call_returns_and_no_view_matches_deleted_words(tmp_path: Path) -> None:
    choose = random.Random(8)
    async with small_service(tmp_path) as service:
        client, words = service.client, dict[str, str]()
        for round_ in range(3):
            await _talk(client, words, choose, session=f"s{round_ % 2}")
            if round_ < 2:  # the last time, what is deleted stands beside what is being compressed
                await until(service.settled, "the turns are not compressed")
            memories = [m async for m in client.list(user_id="ana")]
            for memory in choose.sample(memories, min(5, len(memories))):
                await client.delete(memory.id, allow_missing=True)  # a merged one may have gone with another
            if round_ == 1:
                await client.delete_all(user_id="ana", session_id="s1")
            await until(service.settled, "the deletion is not indexed")
            await _check(service, words)


async def _talk(client: AsyncMemoryClient, words: dict[str, str], choose: random.Random, *, session: str) -> None:
    """Add turns of two people; each holds a word that no other one does, and `words` says which."""
    messages = []
    for _ in range(12):
        turn_id = f"turn-{len(words)}"
        words[turn_id] = "".join(choose.choice("bdfgklmnprstvz") + choose.choice("aeiou") for _ in range(5))
        said = choose.choice(TEMPLATES).replace("{}", words[turn_id])
        messages.append({"role": "user", "name": choose.choice(("Ana", "Bo")), "content": said, "id": turn_id})
    await client.add(messages, user_id="ana", session_id=session)


async def _check(service: SmallService, words: dict[str, str]) -> None:
    client = service.client
    turns = [turn async for turn in client.turns(user_id="ana")]
    gone = {words[turn.id] for turn in turns if turn.disposition == "deleted"}
    assert gone
    told = [repr(turns)]
    memories = [m async for m in client.list(user_id="ana", filters={"states": STATES})]
    told += map(repr, memories)
    for memory in memories:
        told += [repr(change) async for change in client.history(memory.id)]
    for word in sorted(gone):
        trace = await client.explain(f"the {word}", user_id="ana", filters={"states": ["active", "left_out"]})
        told += [repr(trace.result), *(repr(each) for each in trace.candidates)]
        assert {view.view: view.candidate_count for view in trace.result.views}["lexical"] == 0, word
    for answer in told:
        assert not [word for word in gone if word in answer], answer
    for memory in memories:
        if memory.state == "deleted":
            with pytest.raises(NotFound):
                await client.get(memory.id)
    live = [m.memory for m in memories if m.state == "active"]
    assert any(words[turn.id] in text for turn in turns if turn.disposition == "kept" for text in live)
