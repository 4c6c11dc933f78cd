"""The two clients are twins: same methods, same arguments, same texts."""

from __future__ import annotations

import inspect

import pytest

from memsvc_client import AsyncMemoryClient, MemoryClient
from memsvc_client.aio_resources import AsyncOperationHandle, AsyncOperations, AsyncPager, AsyncSpaces, AsyncUsers
from memsvc_client.aio_streams import AsyncIngestStream, AsyncWatch
from memsvc_client.resources import OperationHandle, Operations, Pager, Spaces, Users
from memsvc_client.streams import IngestStream, Watch

TWINS = [
    (MemoryClient, AsyncMemoryClient),
    (Operations, AsyncOperations),
    (OperationHandle, AsyncOperationHandle),
    (Spaces, AsyncSpaces),
    (Users, AsyncUsers),
    (Pager, AsyncPager),
    (IngestStream, AsyncIngestStream),
    (Watch, AsyncWatch),
]


def public(kind: type) -> dict[str, object]:
    return {name: member for name, member in vars(kind).items() if not name.startswith("_")}


@pytest.mark.parametrize(("sync", "twin"), TWINS)
def test_both_have_the_same_public_members(sync, twin):
    assert list(public(sync)) == list(public(twin))


@pytest.mark.parametrize(("sync", "twin"), TWINS)
def test_the_same_arguments_with_the_same_defaults(sync, twin):
    for name, member in [*public(sync).items(), ("__init__", sync.__init__)]:
        if inspect.isfunction(member):
            here, there = (
                [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]
                for function in (member, getattr(twin, name))
            )
            assert here == there, name


def test_exactly_what_waits_is_awaited():
    lazy = {"list", "children", "history", "turns", "watch", "stream"}
    for name, member in public(AsyncMemoryClient).items():
        assert inspect.iscoroutinefunction(member) is (name not in lazy), name
