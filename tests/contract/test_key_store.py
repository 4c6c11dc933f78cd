from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from memsvc.errors import InvalidInput, NotFound, Reason
from memsvc.storage.keys import SqlKeyStore
from memsvc.types import KeyRole, SpaceKey
from support.storage import SPACE, walk

if TYPE_CHECKING:
    from contract.conftest import Stores

    from memsvc.storage.database import Database


async def test_a_secret_finds_its_key(stores: Stores) -> None:
    key, secret = await stores.keys.create("acme", "laptop", KeyRole.AGENT)
    assert secret.startswith(f"msk_{key.id}_")
    assert len(secret.removeprefix(f"msk_{key.id}_")) == 43
    assert await stores.keys.authenticate(secret) == key
    assert (key.tenant, key.display_name, key.role, key.revoke_time) == ("acme", "laptop", KeyRole.AGENT, None)


async def test_wrong_secrets_find_nothing(stores: Stores) -> None:
    key, secret = await stores.keys.create("acme", "", KeyRole.AGENT)
    other = f"msk_{key.id}_" + "A" * 43
    for wrong in ("", "msk_", secret + "x", secret[:-1], f"msk_{'0' * 16}_{'A' * 43}", other, secret.upper()):
        assert await stores.keys.authenticate(wrong) is None


async def test_only_a_digest_is_stored(stores: Stores) -> None:
    _, secret = await stores.keys.create("acme", "", KeyRole.AGENT)
    rows = await stores.database.read(lambda session: session.connection().execute(text("SELECT * FROM keys")).all())
    assert rows
    assert secret.rpartition("_")[2] not in str(rows)


async def test_revoked_keys_stop_working_and_stay_listed(stores: Stores) -> None:
    key, secret = await stores.keys.create("acme", "", KeyRole.ADMIN)
    revoked = await stores.keys.revoke("acme", key.id)
    assert await stores.keys.authenticate(secret) is None
    stores.clock.advance(60)
    assert await stores.keys.revoke("acme", key.id) == revoked
    assert revoked in (await stores.keys.page("acme", limit=10)).items


async def test_keys_of_another_tenant_cannot_be_seen_or_revoked(stores: Stores) -> None:
    key, secret = await stores.keys.create("acme", "", KeyRole.ADMIN)
    for tenant, key_id in (("globex", key.id), ("acme", "0" * 16)):
        with pytest.raises(NotFound) as caught:
            await stores.keys.revoke(tenant, key_id)
        assert caught.value.reason is Reason.KEY_NOT_FOUND
    assert key not in (await stores.keys.page("globex", limit=10)).items
    with pytest.raises(InvalidInput):
        await stores.keys.page("globex", limit=1, cursor=(await stores.keys.page("acme", limit=1)).cursor)
    assert await stores.keys.authenticate(secret) == key


async def test_pages_walk_every_key_oldest_first(stores: Stores) -> None:
    made = []
    for n in range(5):
        stores.clock.advance(n % 2)
        made.append((await stores.keys.create("new", str(n), KeyRole.AGENT))[0])
    found = await walk(lambda cursor: stores.keys.page("new", limit=2, cursor=cursor))
    assert found == sorted(made, key=lambda key: (key.create_time, key.id))


async def test_the_first_key_of_a_tenant_makes_its_default_space(database: Database) -> None:
    from contract.conftest import stores_over

    from support.storage import Clock

    stores = stores_over(database, Clock())
    assert await SqlKeyStore(database).is_empty()
    await stores.keys.create(SPACE.tenant, "", KeyRole.ADMIN)
    await stores.keys.create(SPACE.tenant, "", KeyRole.ADMIN)
    assert not await stores.keys.is_empty()
    assert await stores.spaces.all() == [SpaceKey(SPACE.tenant, "default")]
