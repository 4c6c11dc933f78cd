"""What the service accepts. Lengths are in characters (Unicode code points)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MAX_TURNS = 256
"""Turns of one Ingest call; at least one."""
MAX_CONTENT = 32_768
"""Length of a turn's content and of a memory's text; at least one."""
MAX_ID = 256
"""Length of a turn id and of each field of a scope."""
MAX_SPEAKER = 128
MAX_DISPLAY_NAME = 256
MAX_QUERY_TEXT = 4_096
MAX_QUERY_TOKENS = 100_000
"""Largest token budget of a query."""
MAX_QUERY_DEPTH = 1_000
"""Most memories a query may ask for."""
MAX_NAMES = 64
"""People, and entities, of a filter or of a memory."""
MAX_NAME = 256
"""Length of one of them, of a place and of a topic."""
DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1_000
MAX_TOKEN = 2_048
"""Length of a page or resume token."""
MAX_CONSISTENCY_TOKEN = 16_384
"""Length of a consistency token; it names up to `MAX_TURNS` jobs."""
EARLIEST_EVENT = datetime(1900, 1, 1, tzinfo=UTC)
MAX_FUTURE = timedelta(hours=24)
"""How far a turn's event time may lie ahead of the server's clock."""
LATEST_ASK = datetime(2200, 1, 1, tzinfo=UTC)
"""A question is asked between `EARLIEST_EVENT` and this."""
STREAM_BATCH_TURNS = 64
"""Most turns of a stream that one transaction commits."""
STREAM_BATCH_SECONDS = 0.02
"""How long a batch of a stream waits for more turns."""
