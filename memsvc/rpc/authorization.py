"""Who may call what: one table. A method that is not in it is refused."""

from __future__ import annotations

from enum import StrEnum

from memsvc.errors import PermissionDenied
from memsvc.types import KeyRole


class Access(StrEnum):
    """The least that a method asks of its caller."""

    PUBLIC = "public"
    AGENT = "agent"
    ADMIN = "admin"


_MEMORY = "/memsvc.v1.MemoryService/"
_ADMIN = "/memsvc.v1.AdminService/"

_AGENT_METHODS = (
    *(
        _MEMORY + name
        for name in (
            "Ingest",
            "StreamIngest",
            "Query",
            "Explain",
            "Ask",
            "ListMemories",
            "GetMemory",
            "UpdateMemory",
            "DeleteMemory",
            "DeleteMemories",
            "GetHistory",
            "WatchMemories",
            "ListTurns",
            "GetUserSettings",
            "UpdateUserSettings",
        )
    ),
    *(_ADMIN + name for name in ("GetStats", "ListOperations", "GetOperation", "WaitOperation")),
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
)
_ADMIN_METHODS = tuple(
    _ADMIN + name
    for name in (
        "ListSpaces",
        "GetSpace",
        "CreateSpace",
        "UpdateSpace",
        "DeleteSpace",
        "Consolidate",
        "Reindex",
        "ExportMemories",
        "ImportMemories",
        "CancelOperation",
        "RetryOperation",
        "DeleteOperation",
        "CreateKey",
        "ListKeys",
        "RevokeKey",
        "Erase",
        "ListAuditEvents",
    )
)
_PUBLIC_METHODS = ("/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/List", "/grpc.health.v1.Health/Watch")

ACCESS: dict[str, Access] = {
    **dict.fromkeys(_PUBLIC_METHODS, Access.PUBLIC),
    **dict.fromkeys(_AGENT_METHODS, Access.AGENT),
    **dict.fromkeys(_ADMIN_METHODS, Access.ADMIN),
}


def is_public(method: str) -> bool:
    """Whether a method needs no credential."""
    return ACCESS.get(method) is Access.PUBLIC


def authorize(method: str, role: KeyRole) -> None:
    """Raise PermissionDenied unless `role` may call `method`."""
    needed = ACCESS.get(method)
    if needed is Access.AGENT or (needed is Access.ADMIN and role is KeyRole.ADMIN):
        return
    raise PermissionDenied(
        f"a key with the role {role} may not call {method}",
        metadata={"method": method, "role": role, "required_role": needed or "none"},
    )
