from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.ingest.names import name_faults
from memsvc.types import Role

INVISIBLE = ["\u200b", "\u200e", "\u202e", "\u2066", "\ufeff", "\u00ad", "\u2028", "\u2029", "\ue000"]


@pytest.mark.parametrize(
    "name",
    [
        *("", "Ana", "Ana-Maria", "O'Neil", "D’Angelo", "Gerard 't Hooft", "Dr. Ana Silva", "J. R. R. Tolkien"),
        *("J.R.R. Tolkien", "Martin Luther King, Jr.", "Prof. Dr. med. Meier", "St. John", "Lt. Cmdr. Data"),
        *("李明", "María José", "А. С. Пушкин", "د. أحمد", "अनिता", "Ngô Bảo Châu", "Kaʻiulani", "Ana 🌸"),
        *("ana_92", "ana.silva", "ana@example.org", "gpt-4.1", "Acme Inc.", "R2-D2", "X Æ A-12", "Tools", "User 7"),
        *("Sister Assistant", "Systems & Co", "中村 さくら", "l’Abbé Pierre"),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_names(name: str, role: Role) -> None:
    assert list(name_faults(name, role)) == []


@pytest.mark.parametrize(
    "name",
    [
        *("Ana.", "Ana. Ben", "I lied. Ana", "Ana!", "Ana?", "Ana: Ben", "Ana; Ben", "Ana…", "Ana...", "Привет. Анна"),
        *("'Ana'", '"Ana"', "“Ana”", "«Ana»", "‘Ana’", "[Ana]", "Ana (Ben)", "{Ana}", "<Ana>", "（安娜）", "Ana`"),
        *("Ana\ua789 Ben", "Ana\u2236 Ben", "Ana\u02d0 Ben"),
        *("安娜。", "安娜！", "Ana：Ben", "आना।", "آنا؟", "Ana\uff0e Ben", "「安娜」"),
    ],
)
def test_sentence_marks(name: str) -> None:
    (fault,) = name_faults(name, Role.USER)
    assert "sentence mark" in fault


@pytest.mark.parametrize("character", INVISIBLE)
def test_invisible_characters(character: str) -> None:
    faults = list(name_faults(f"Ana{character}Silva", Role.USER))
    assert any("invisible" in fault for fault in faults)


@pytest.mark.parametrize("name", [" Ana", "Ana ", "\u3000Ana", "Ana\u00a0"])
def test_blanks_at_the_ends(name: str) -> None:
    (fault,) = name_faults(name, Role.USER)
    assert "blank" in fault


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        *(("user", Role.USER), ("The User", Role.USER), ("assistant", Role.ASSISTANT), ("ASSISTANT", Role.ASSISTANT)),
        *(("The assistant", Role.ASSISTANT), ("ａｓｓｉｓｔａｎｔ", Role.ASSISTANT), ("System", Role.SYSTEM)),
        *(("developer", Role.SYSTEM), ("tool", Role.TOOL), ("the  tool", Role.TOOL), ("function", Role.TOOL)),
        *(("Us\u00e9r", Role.USER), ("\u0410ssist\u0430nt", Role.ASSISTANT), ("\u0405\u0443stem", Role.SYSTEM)),
    ],
)
def test_reserved_names_belong_to_their_roles(name: str, owner: Role) -> None:
    for role in Role:
        faults = list(name_faults(name, role))
        assert bool(faults) is (role is not owner)
        assert all(f"reserved for the role {owner.upper()}" in fault for fault in faults)


def test_of_an_unknown_role_nothing_is_reserved() -> None:
    assert list(name_faults("assistant", None)) == []


@given(st.text())
def test_faults_never_quote_the_name(name: str) -> None:
    assert all("secret" not in fault for fault in name_faults(f"secret{name}", Role.USER))


@given(st.text(st.sampled_from("ab. '()"), max_size=3000))
def test_any_length_is_read_at_once(name: str) -> None:
    list(name_faults(name * 10, Role.USER))
