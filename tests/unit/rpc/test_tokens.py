"""Opaque tokens: what goes in comes out, anything else is refused with its own reason."""

from __future__ import annotations

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.errors import InvalidInput, Reason
from memsvc.ingest.limits import MAX_TURNS
from memsvc.rpc import tokens
from memsvc.rpc.call import Call
from memsvc.v1 import memory_service_pb2 as pb

CALL = Call(request_id="r", method="/memsvc.v1.MemoryService/ListMemories", tenant="a")
OTHER = Call(request_id="r", method=CALL.method, tenant="b")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=300))
def test_page_tokens_come_back(cursor: str) -> None:
    assert tokens.parse_page_token("binding", tokens.page_token("binding", cursor)) == cursor


def test_page_tokens_are_bound() -> None:
    request = pb.ListMemoriesRequest(parent="spaces/default", page_size=5)
    binding = tokens.listing(CALL, request)
    request.page_size, request.page_token = 7, "x"
    assert tokens.listing(CALL, request) == binding
    assert tokens.listing(OTHER, request) != binding
    request.filter.people.append("Ana")
    token = tokens.page_token(binding, "c")
    with pytest.raises(InvalidInput) as caught:
        tokens.parse_page_token(tokens.listing(CALL, request), token)
    assert caught.value.reason is Reason.PAGE_TOKEN_INVALID


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as resume:
        tokens.parse_resume_token(CALL, "default", text)
    with pytest.raises(InvalidInput) as consistency:
        tokens.parse_consistency_token(text)
    assert resume.value.reason is Reason.RESUME_TOKEN_INVALID
    assert consistency.value.reason is Reason.CONSISTENCY_TOKEN_INVALID
    if text:
        with pytest.raises(InvalidInput):
            tokens.parse_page_token("binding", text)


@pytest.mark.parametrize(
    "json", ["[" * 5_000, '{"s": 1e999}', '{"s": true}', "[]", "1", "null", '{"j": 1}', '{"j": []}', '{"j": [1]}']
)
def test_json_that_is_no_token(json: str) -> None:
    token = base64.urlsafe_b64encode(json.encode()).decode()
    with pytest.raises(InvalidInput):
        tokens.parse_consistency_token(token)
    with pytest.raises(InvalidInput):
        tokens.parse_resume_token(CALL, "default", token)


@given(st.integers(0, tokens.MAX_SEQUENCE))
def test_resume_tokens_are_bound_to_tenant_and_space(sequence: int) -> None:
    token = tokens.resume_token(CALL, "default", sequence)
    assert tokens.parse_resume_token(CALL, "default", token) == sequence
    for call, space in ((OTHER, "default"), (CALL, "other")):
        with pytest.raises(InvalidInput):
            tokens.parse_resume_token(call, space, token)


def test_consistency_tokens() -> None:
    job_ids = tuple(str(uuid.uuid4()) for _ in range(MAX_TURNS))
    for some in (job_ids, job_ids[:1]):
        assert tokens.parse_consistency_token(tokens.consistency_token(some)) == some
    assert tokens.consistency_token(()) == ""
    for wrong in ((*job_ids, job_ids[0]), ("no uuid", job_ids[0])):
        with pytest.raises(InvalidInput):
            tokens.parse_consistency_token(tokens.consistency_token(wrong))
