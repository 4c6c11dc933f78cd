"""The index of a running service goes away and comes back: nothing is lost, and no caller is misled."""

from __future__ import annotations

from pathlib import Path

import pytest

from memsvc.bootstrap.parts import collection_name
from memsvc.bootstrap.serving import running_server
from memsvc_client import AsyncMemoryClient, RetryPolicy, Unavailable
from support.small_service import SmallService, small_service, until

COLLECTION = collection_name("openai/first")
QUESTION = "Where does Ana keep the telescope?"


@pytest.mark.timeout(900)
async def test_the_backlog_drains_and_queries_say_what_they_lack(tmp_path: Path) -> None:
    async with small_service(tmp_path) as service:
        await service.add("I keep the telescope in the harbour shed in Lisbon.", session="before")
        await until(service.settled, "the first turn is not indexed")
        found = await service.client.search(QUESTION, user_id="ana")
        assert (found.degraded, "telescope" in found[0].memory) == (False, True)

        await service.double.stop()
        for number in range(4):
            await service.add(
                f"Bruno bought {number + 3} violins in Porto on day {number}.", session=f"during-{number}"
            )
        found = await service.client.search(QUESTION, user_id="ana")
        assert (found.degraded, found.degraded_reason) == (True, "LEXICAL_FROM_SQL")
        assert "telescope" in found[0].memory
        assert {view.error[:17] for view in found.views} == {"INDEX_UNAVAILABLE"}
        await until(lambda: _finds(service, "violins Porto"), "what was said meanwhile is not found by its words")
        assert (await service.client.stats()).failed_job_count == 0

        await service.double.start()
        await until(service.settled, "the backlog does not drain")
        assert await service.point_count(COLLECTION) == await service.memory_count() == 5
        await until(lambda: _is_whole(service), "queries stay degraded")
        turns = [turn async for turn in service.client.turns(whole_space=True)]
        assert (len(turns), len({turn.content for turn in turns})) == (5, 5)
        await _check_a_service_without_degraded_answers(service)


async def _check_a_service_without_degraded_answers(service: SmallService) -> None:
    """It starts while the index is away, refuses to query, and says when to try again."""
    await service.double.stop()
    settings = service.settings.model_copy(update={"degraded_answers": "off", "worker_concurrency": 0})
    async with running_server(settings) as port:
        key = settings.api_key_file.read_text().strip()
        async with AsyncMemoryClient(f"127.0.0.1:{port}", api_key=key, retry=RetryPolicy(max_attempts=1)) as client:
            with pytest.raises(Unavailable) as refused:
                await client.search(QUESTION, user_id="ana")
            assert refused.value.reason == "ALL_VIEWS_FAILED"
            assert refused.value.retry_after
            await client.add("Said while everything is away.", user_id="ana", session_id="late")
    await service.double.start()


async def _finds(service: SmallService, question: str) -> bool:
    found = await service.client.search(question, user_id="ana")
    return any("violins" in hit.memory for hit in found)


async def _is_whole(service: SmallService) -> bool:
    return not (await service.client.search(QUESTION, user_id="ana")).degraded
