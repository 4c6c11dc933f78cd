"""The embedding model of a running service is changed: queries always have an answer, and a kill costs time alone."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import pytest

from memsvc.bootstrap.parts import collection_name
from support.forked_service import fork
from support.migrating import migrate
from support.small_service import PATIENCE, ShortEmbedder, SmallService, small_service, until

OLD, NEW = collection_name("openai/first"), collection_name("openai/second")
TARGET = "litellm:openai/second"
FACT = "I keep the telescope in the harbour shed in Lisbon."
QUESTION = "Where does Ana keep the telescope?"


class Asking:
    """Asks again and again, and counts."""

    def __init__(self, service: SmallService) -> None:
        self._service = service
        self.answers = 0
        self.bad: list[str] = []
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            found = await self._service.client.search(QUESTION, user_id="ana")
            self.answers += 1
            if found.degraded or not any("telescope" in hit.memory for hit in found):
                self.bad.append(f"{found.degraded_reason}: {[hit.memory for hit in found]}")
            await asyncio.sleep(0.02)


@pytest.mark.timeout(900)
async def test_queries_never_lack_an_answer_and_a_killed_migration_goes_on(tmp_path: Path) -> None:
    async with small_service(tmp_path) as service:
        await service.add(FACT, session="fact")
        for number in range(12):
            await service.add(f"Bruno bought {number + 3} violins in Porto, number {number}.", session=f"s{number}")
        await until(service.settled, "the turns are not indexed")
        before = await service.memory_count()
        asking = Asking(service)

        second_asked = len(service.second.batch_sizes)
        service.second.delay = 1.0  # so that the kill comes while the index is filled
        command = _start(service)
        await until(lambda: _was_asked(service, second_asked), "the new model is not asked")
        command.kill()
        service.second.delay = 0.0
        await asyncio.to_thread(command.join)
        await service.add("Carla repaired a bicycle in Oslo.", session="while nobody migrates")

        command = _start(service)
        await service.add("Dora planted saffron in the garden.", session="while it goes on")
        await asyncio.to_thread(command.join, PATIENCE)
        assert command.exitcode == 0, (tmp_path / "migration.log").read_text()[-3000:]
        await until(service.settled, "what was said meanwhile is not indexed")
        await until(lambda: _is_gone(service), "the old index is still there")
        answers = asking.answers
        await until(lambda: _asked_since(asking, answers), "queries have stopped")
        asking.task.cancel()
        assert asking.bad == []

        assert await service.point_count(NEW) == await service.memory_count() == before + 2
        assert service.double.queries[-1].collection_name == NEW
        for word in ("bicycle", "saffron"):
            found = await service.client.search(word, user_id="ana")
            assert any(word in hit.memory for hit in found)
        await until(lambda: _leaves_the_old_alone(service), "the old model is still asked")
        assert await service.point_count(NEW) == await service.memory_count() > before + 2


def _start(service: SmallService):  # type: ignore[no-untyped-def]  # a process of a fork server's context
    settings = {
        name: str(getattr(service.settings, name))
        for name in ("data_dir", "qdrant_url", "embedder", "embedder_dimension", "embedder_api_base")
    }
    return fork(migrate, settings, TARGET, ShortEmbedder.dimension, service.second.url)


async def _was_asked(service: SmallService, before: int) -> bool:
    return len(service.second.batch_sizes) > before


async def _is_gone(service: SmallService) -> bool:
    return OLD not in service.double.collections.created


async def _leaves_the_old_alone(service: SmallService) -> bool:
    """Whether a turn is indexed without the old model. The service learns a moment later that it is gone."""
    asked = len(service.first.batch_sizes)
    await service.add("Elsa tuned the piano in Madrid.", session=f"after {uuid.uuid4()}")
    await until(service.settled, "the turn after the change is not indexed")
    return len(service.first.batch_sizes) == asked


async def _asked_since(asking: Asking, answers: int) -> bool:
    if asking.task.done():
        asking.task.result()
    return asking.answers > answers + 3
