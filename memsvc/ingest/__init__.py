"""Accepting turns: limits, validation, idempotency, numbered streams. Pure: no grpc and no SQL."""
