import pytest

from memsvc.jobs.queues import QUEUES, kinds_of
from memsvc.types import JobKind


def test_every_kind_of_job_is_in_one_queue() -> None:
    assert sorted(kind for kinds in QUEUES.values() for kind in kinds) == sorted(JobKind)
    assert kinds_of(",".join(QUEUES)) == frozenset(JobKind)


def test_queues_are_named_in_any_order_and_spacing() -> None:
    assert kinds_of(" index,compress") == QUEUES["compress"] | QUEUES["index"]


@pytest.mark.parametrize("names", ["", "compress,", "compres", "Compress"])
def test_an_unknown_queue_is_named_beside_those_there_are(names: str) -> None:
    with pytest.raises(ValueError, match=r"queues: '\w*' is not one of compress, consolidate, index"):
        kinds_of(names)
