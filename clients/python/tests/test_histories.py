"""Whole histories of OpenAI and Anthropic, as dicts and as objects, and what becomes of them."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_client import InvalidArgument, Skipped, messages
from memsvc_client.parsing import turn
from memsvc_client.v1 import memory_pb2

SEED = uuid.UUID("00000000-0000-4000-8000-000000000001")
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"


class Dumped:
    """An object as pydantic's models are: iterable, with `model_dump`."""

    def __init__(self, **fields):
        self.fields = fields

    def __iter__(self):
        return iter(self.fields.items())

    def model_dump(self):
        return self.fields


def prepare(history):
    return messages.turns(history, messages.Envelope(memory_pb2.Scope(user_id="ana"), {}, SEED))


def said(history):
    return [(sent.role, sent.content) for sent in map(turn, prepare(history).turns)]


def told(content, role="user"):
    [(_, text)] = said([{"role": role, "content": content}])
    return text


CHAT = [
    {"role": "developer", "content": "You are a travel agent."},
    {
        "role": "user",
        "name": "Ana",
        "content": [
            {"type": "text", "text": "Where is this?"},
            {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "https://ex.org/a/bridge%20lisbon.jpg?s=1"}},
            {"type": "file", "file": {"file_data": PIXEL, "filename": "plan.pdf"}},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        ],
    },
    {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"place": "bridge"}'}},
            {"id": "c2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
            {"id": "c3", "type": "custom", "custom": {"name": "sql", "input": "select 1"}},
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "25 de Abril"},
    {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "noon"}]},
    {"role": "function", "name": "sql", "content": "1"},
    {"role": "assistant", "content": "In Lisbon.", "annotations": [], "audio": None},
    {"role": "assistant", "content": None, "refusal": "I cannot say more."},
    {"role": "assistant", "content": None, "audio": {"id": "a", "data": "AAAA", "transcript": "Goodbye."}},
    {"role": "assistant", "content": "", "function_call": {"name": "old", "arguments": '{"a": 1}'}},
]
CHAT_SAID = [
    ("system", "You are a travel agent."),
    ("user", "Where is this?\n[image]\n[image: bridge lisbon.jpg]\n[file: plan.pdf]\n[audio]"),
    ("assistant", '[tool call: find {"place": "bridge"}]\n[tool call: now]\n[tool call: sql select 1]'),
    ("tool", "25 de Abril"),
    ("tool", "noon"),
    ("tool", "1"),
    ("assistant", "In Lisbon."),
    ("assistant", "I cannot say more."),
    ("assistant", "Goodbye."),
    ("assistant", '[tool call: old {"a": 1}]'),
]
ANTHROPIC = [
    {
        "role": "user",
        "content": [
            {
                "type": "document",
                "title": "Lease",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "A"},
            },
            {"type": "image", "source": {"type": "url", "url": "https://ex.org/flat.png"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0"}},
            {"type": "text", "text": "May I keep a dog?", "cache_control": {"type": "ephemeral"}},
        ],
    },
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 1},
        "content": [
            {"type": "thinking", "thinking": "Let me see.", "signature": "x"},
            {"type": "text", "text": "The lease says "},
            {"type": "text", "text": "it needs consent.", "citations": [{"cited_text": "consent"}]},
            {"type": "tool_use", "id": "t1", "name": "ask_landlord", "input": {"pet": "dog", "größe": 1}},
        ],
    },
    {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "t1",
                "content": [{"type": "text", "text": "Granted."}, {"type": "image"}],
            },
            {"type": "tool_result", "tool_use_id": "t2", "content": "Noted.", "is_error": False},
            {"type": "tool_result", "tool_use_id": "t3"},
            {"type": "text", "text": "Thank you."},
        ],
    },
    {
        "role": "assistant",
        "content": [
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "dogs"}},
            {
                "type": "web_search_tool_result",
                "tool_use_id": "s",
                "content": [
                    {
                        "type": "web_search_result",
                        "title": "Dogs",
                        "url": "https://ex.org/dogs",
                        "encrypted_content": "Zz",
                    }
                ],
            },
            {"type": "text", "text": "Dogs are fine."},
        ],
    },
]
ANTHROPIC_SAID = [
    ("user", "[file: Lease]\n[image: flat.png]\n[image]\nMay I keep a dog?"),
    ("assistant", 'The lease says it needs consent.\n[tool call: ask_landlord {"pet": "dog", "größe": 1}]'),
    ("tool", "Granted.\n[image]"),
    ("tool", "Noted."),
    ("user", "Thank you."),
    ("assistant", '[tool call: web_search {"query": "dogs"}]'),
    ("tool", "Dogs\nhttps://ex.org/dogs"),
    ("assistant", "Dogs are fine."),
]
RESPONSES = [
    {"role": "user", "content": [{"type": "input_text", "text": "Rain?"}, {"type": "input_image", "image_url": PIXEL}]},
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Weather."}]},
    {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "weather", "arguments": '{"city":"Porto"}'},
    {"type": "function_call_output", "call_id": "c", "output": "sunny"},
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "rain"}},
    {"type": "mcp_call", "id": "m_1", "server_label": "s", "name": "look", "arguments": "{}", "output": "blue sky"},
    {"type": "image_generation_call", "id": "ig_1", "result": "iVBORw0", "revised_prompt": "A sunny sky"},
    {
        "type": "message",
        "id": "msg_9",
        "role": "assistant",
        "status": "completed",
        "content": [
            {"type": "output_text", "text": "No rain.", "annotations": []},
            {"type": "refusal", "refusal": "Sorry."},
        ],
    },
    {"type": "item_reference", "id": "msg_8"},
]
RESPONSES_SAID = [
    ("user", "Rain?\n[image]"),
    ("assistant", '[tool call: weather {"city":"Porto"}]'),
    ("tool", "sunny"),
    ("assistant", '[tool call: web_search {"type": "search", "query": "rain"}]'),
    ("assistant", "[tool call: look]"),
    ("tool", "blue sky"),
    ("assistant", "[image: A sunny sky]"),
    ("assistant", "No rain.\nSorry."),
]
HISTORIES = [(CHAT, CHAT_SAID), (ANTHROPIC, ANTHROPIC_SAID), (RESPONSES, RESPONSES_SAID)]


@pytest.mark.parametrize(("history", "expected"), HISTORIES)
def test_whole_histories(history, expected):
    assert said(history) == expected


@pytest.mark.parametrize(("history", "expected"), HISTORIES)
def test_objects_of_the_libraries(history, expected):
    assert said([Dumped(**message) for message in history]) == expected
    blocks = [
        {**message, "content": [Dumped(**each) for each in message["content"]]}
        if isinstance(message.get("content"), list)
        else message
        for message in history
    ]
    assert said(blocks) == expected


def test_objects_with_attributes_alone():
    @dataclass(slots=True)
    class Block:
        type: str
        text: str

    assert said([SimpleNamespace(role="assistant", content=[Block("text", "Hello.")])]) == [("assistant", "Hello.")]


def test_a_single_object_is_a_list_of_one():
    assert said(Dumped(role="user", content="Hello.")) == [("user", "Hello.")]


@pytest.mark.parametrize("history", [CHAT, ANTHROPIC, RESPONSES])
def test_what_files_hold_is_never_sent(history):
    sent = " ".join(text for _, text in said(history))
    assert "base64" not in sent
    assert "iVBORw0" not in sent


def test_what_holds_nothing_is_told():
    history = [
        {"role": "assistant", "content": None},
        {"role": "user", "content": "Hello."},
        {"role": "user", "content": []},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm."}]},
        {"type": "reasoning", "summary": []},
        {"type": "item_reference", "id": "x"},
        {"role": "user", "content": " \n"},
    ]
    prepared = prepare(history)
    assert [sent.content for sent in prepared.turns] == ["Hello."]
    assert prepared.origins == [1]
    assert prepared.skipped == [
        Skipped(0, "EMPTY"),
        Skipped(2, "EMPTY"),
        Skipped(3, "REASONING"),
        Skipped(4, "REASONING"),
        Skipped(5, "REFERENCE"),
        Skipped(6, "EMPTY"),
    ]


def test_turns_of_one_message_have_ids_of_their_own_and_share_the_rest():
    message = {
        **ANTHROPIC[2],
        "id": "m",
        "name": "Ana",
        "created_at": "2026-05-07T09:30:00+02:00",
        "metadata": {"k": "v"},
    }
    prepared = prepare(["Hi.", message])
    assert [sent.turn_id for sent in prepared.turns][1:] == ["m", "m.1", "m.2"]
    assert prepared.origins == [0, 1, 1, 1]
    assert [sent.speaker for sent in prepared.turns] == ["", "", "", "Ana"]
    for sent in map(turn, prepared.turns[1:]):
        assert (sent.created_at.isoformat(), sent.utc_offset_minutes) == ("2026-05-07T07:30:00+00:00", 120)
        assert sent.metadata == {"k": "v"}


@pytest.mark.parametrize(
    ("message", "field", "allowed"),
    [
        ({"role": "user", "content": [{"type": "foo"}]}, "messages[1].content[0].type", "input_text"),
        ({"role": "user", "content": [{"text": "x"}]}, "messages[1].content[0].type", "tool_result"),
        ({"role": "user", "content": ["x", 7]}, "messages[1].content[1]", "a str, a dict"),
        ({"role": "user", "content": [{"type": "text", "text": None}]}, "messages[1].content[0].text", "a str"),
        ({"role": "user", "content": {"type": "text", "text": "x"}}, "messages[1].content", "a str or a list"),
        ({"role": "user", "content": b"x"}, "messages[1].content", "a str or a list"),
        (
            {"role": "user", "content": [{"type": "tool_result", "content": [{"type": "tool_result"}]}]},
            "messages[1].content[0].content[0].type",
            "text",
        ),
        ({"role": "assistant", "tool_calls": [{"type": "foo"}]}, "messages[1].tool_calls[0].type", "function"),
        ({"role": "assistant", "tool_calls": [{"id": "1"}]}, "messages[1].tool_calls[0].function", "a dict"),
        (
            {"role": "assistant", "tool_calls": [{"function": {"arguments": "{}"}}]},
            "messages[1].tool_calls[0].function.name",
            "the name of a tool",
        ),
        ({"role": "assistant", "tool_calls": "x"}, "messages[1].tool_calls", "a list"),
        ({"role": "bot", "content": "x"}, "messages[1].role", "developer"),
        ({"type": "foo_call"}, "messages[1].type", "function_call"),
        ({"type": ["x"]}, "messages[1].type", "function_call"),
        ({"role": "user", "content": "x", "body": "y"}, "messages[1].body", "content"),
        ({"type": "function_call", "arguments": "{}"}, "messages[1].name", "the name of a tool"),
        (
            {"role": "assistant", "content": [{"type": "tool_use", "name": "t", "input": {"x": {1}}}]},
            "messages[1].content[0]",
            "no JSON values",
        ),
    ],
)
def test_an_unknown_shape_is_refused_with_its_place(message, field, allowed):
    with pytest.raises(InvalidArgument) as raised:
        prepare([{"role": "user", "content": "fine"}, message])
    [violation] = raised.value.violations
    assert violation.field == field
    assert allowed in violation.description


def test_keys_that_libraries_add_without_a_value_are_no_matter():
    assert said([{"role": "user", "content": "x", "new_in_2030": None, "more": []}]) == [("user", "x")]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "image_url", "image_url": "https://ex.org/cat.png"}, "[image: cat.png]"),
        ({"type": "image_url", "image_url": {"url": "https://ex.org/i/123"}}, "[image]"),
        ({"type": "image_url", "image_url": {"url": "DATA:image/png;base64,x.y"}}, "[image]"),
        (
            {"type": "image", "alt": "A cat\non a mat", "source": {"type": "file", "file_id": "f"}},
            "[image: A cat on a mat]",
        ),
        ({"type": "input_file", "filename": "report.pdf", "file_data": PIXEL}, "[file: report.pdf]"),
        ({"type": "input_file", "file_url": "https://ex.org/b/report.pdf"}, "[file: report.pdf]"),
        ({"type": "file", "file": {"file_id": "f"}}, "[file]"),
        ({"type": "document", "source": {"type": "text", "data": "secret"}, "title": None}, "[file]"),
        ({"type": "image", "caption": "x" * 999}, f"[image: {'x' * 256}]"),
        ({"type": "image_url", "image_url": {"url": "http://[bad"}}, "[image]"),
        ({"type": "input_audio", "input_audio": {"data": "AA", "transcript": "Hello."}}, "Hello."),
    ],
)
def test_pictures_and_files_by_their_captions_or_names(part, expected):
    assert told([part]) == expected


@given(st.lists(st.text(min_size=1), min_size=1))
def test_pieces_of_an_assistants_text_follow_each_other_as_they_are(pieces):
    text = "".join(pieces).encode("utf-8", "ignore").decode()
    pieces = [piece.encode("utf-8", "ignore").decode() for piece in pieces]
    if text.strip():
        assert told([{"type": "text", "text": piece} for piece in pieces], "assistant") == text


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none(), min_size=1))
def test_arguments_are_told_as_json(arguments):
    arguments = json.loads(json.dumps(arguments).encode("utf-8", "ignore"))
    if "\\ud" in json.dumps(arguments):
        return
    text = told([{"type": "tool_use", "name": "t", "input": arguments}], "assistant")
    assert json.loads(text.removeprefix("[tool call: t ").removesuffix("]")) == arguments
