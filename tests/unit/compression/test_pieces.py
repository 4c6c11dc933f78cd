"""Pieces of a turn, and what they stand under."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.compression.blocks import BlockKind
from memsvc.compression.pieces import MAX_TOKENS, Piece, pieces
from support.compressing import TOKENS


def under(content: str) -> list[tuple[str, tuple[str, ...]]]:
    """Each piece of a turn with what it stands under."""
    return [
        (piece.text(content), tuple(content[start:end] for start, end in piece.leads))
        for piece in pieces(content, TOKENS)
    ]


def test_prose_is_divided_into_sentences_and_everything_else_into_blocks() -> None:
    assert under("The kiln cracked. We fire on Tuesdays.\n- clay\n- glaze\n") == [
        ("The kiln cracked.", ()),
        ("We fire on Tuesdays.", ()),
        ("- clay", ()),
        ("- glaze", ()),
    ]


def test_pieces_stand_under_their_heading() -> None:
    assert under("Hello.\n\n## Glazes\nCeladon is food safe.\n\n## Clays\n- stoneware") == [
        ("Hello.", ()),
        ("## Glazes", ()),
        ("Celadon is food safe.", ("## Glazes",)),
        ("## Clays", ()),
        ("- stoneware", ("## Clays",)),
    ]


def test_what_follows_a_colon_in_its_paragraph_stands_under_it() -> None:
    assert under("My aunt texted me: I sold the bakery! I leave in June. Don't tell Rosa.") == [
        ("My aunt texted me: I sold the bakery!", ()),
        ("I leave in June.", ("My aunt texted me:",)),
        ("Don't tell Rosa.", ("My aunt texted me:",)),
    ]


def test_a_closed_quotation_or_a_rule_ends_what_stands_under_a_lead_in() -> None:
    assert under('My boss said: "You are late." I went home.')[-1] == ("I went home.", ())
    assert under("Li wrote:\n\nI quit.\n\n---\n\nI am shocked.")[-1] == ("I am shocked.", ())


def test_the_paragraphs_of_a_quotation_stand_under_who_is_quoted_and_what_follows_it_does_not() -> None:
    content = (
        'It rained. My landlord told me "the roof leaks.\n\nI will sell. Move out.\n\nI am sorry." I cried.\n\nI stay.'
    )
    assert under(content)[2:] == [
        ("I will sell.", ('My landlord told me "',)),
        ("Move out.", ('My landlord told me "',)),
        ('I am sorry."', ('My landlord told me "',)),
        ("I cried.", ()),
        ("I stay.", ()),
    ]


def test_a_mark_that_opens_no_quotation_leads_in_to_nothing() -> None:
    assert under('I own a 27" screen.\n\nIt hums.')[-1] == ("It hums.", ())
    assert under('He said "no.\n\nIt hums.')[-1] == ("It hums.", ())  # never closed


@pytest.mark.parametrize("opening", ['"', ""])
def test_a_quotation_whose_paragraphs_open_anew_goes_on(opening: str) -> None:
    content = f'My landlord wrote: "I sell.\n\n{opening}Move out.\n\n{opening}I am sorry."\n\nI stay.'
    assert under(content)[1:] == [
        (f"{opening}Move out.", ('My landlord wrote: "',)),
        (f'{opening}I am sorry."', ('My landlord wrote: "',)),
        ("I stay.", ()),
    ]


def test_a_quotation_under_a_lead_in_ends_it() -> None:
    content = 'My landlord wrote me:\n\n"I sell.\n\nMove out."\n\nI stay.\n\nMy cat too.'
    assert under(content)[1:] == [
        ('"I sell.', ("My landlord wrote me:",)),
        ('Move out."', ("My landlord wrote me:",)),
        ("I stay.", ()),
        ("My cat too.", ()),
    ]


def test_a_later_quotation_does_not_close_one_that_stays_open() -> None:
    assert under('He wrote "no.\n\nI stay.\n\nKim said "yes" to that.')[1] == ("I stay.", ())


def test_french_quotation_marks_stand_apart_from_their_words() -> None:
    content = "Mon père a écrit « Je vends.\n\nJe pars. »\n\nMoi je reste."
    assert under(content)[1:] == [("Je pars. »", ("Mon père a écrit «",)), ("Moi je reste.", ())]


@pytest.mark.parametrize("rule", ["---------- Forwarded message ---------", "-----Original Message-----"])
def test_what_a_forwarded_mail_says_stands_under_its_head(rule: str) -> None:
    head = f"{rule}\nFrom: Li Wei <li@moor.test>\nSubject: news"
    assert under(f"{head}\n\nI quit.\n\nI leave in June.")[-1] == ("I leave in June.", (head,))


@pytest.mark.parametrize("content", ["The train is at 14:25. I hate it.", "It is on http://moor.test:80/a. I hate it."])
def test_a_colon_within_a_word_leads_in_to_nothing(content: str) -> None:
    assert under(content)[-1] == ("I hate it.", ())


def test_a_list_stands_under_the_words_before_it_and_ends_them() -> None:
    assert under("Pack these:\n- tent\n- stove\n\nThe car is full.") == [
        ("Pack these:", ()),
        ("- tent", ("Pack these:",)),
        ("- stove", ("Pack these:",)),
        ("The car is full.", ()),
    ]


def test_every_paragraph_of_a_quoted_mail_stands_under_its_head() -> None:
    head = "From: Ines Roth\nSubject: the lease"
    assert under(f"{head}\n\nI am moving out.\n\nMy cat stays.") == [
        (head, ()),
        ("I am moving out.", (head,)),
        ("My cat stays.", (head,)),
    ]


def test_paragraphs_behind_a_colon_stand_under_it() -> None:
    content = "Translate this for my landlord:\n\nI am ill.\n\nI need a heater."
    assert under(content)[1:] == [
        ("I am ill.", ("Translate this for my landlord:",)),
        ("I need a heater.", ("Translate this for my landlord:",)),
    ]


def test_a_long_table_is_divided_at_its_rows_under_its_head() -> None:
    rows = [f"| pump {i} | valve number {i} of the northern hall |" for i in range(40)]
    content = "\n".join(["| pump | part |", "|---|---|", *rows])
    made = under(content)
    assert [text for text, _ in made] == content.split("\n")
    assert {leads for _, leads in made[2:]} == {("| pump | part |\n|---|---|",)}
    assert {leads for _, leads in made[:2]} == {()}


def test_long_code_is_divided_at_its_lines_under_its_first() -> None:
    content = "\n".join(["```python", *(f"reading_{i} = sensor.measure(channel={i})" for i in range(40)), "```"])
    made = under(content)
    assert [text for text, _ in made] == content.split("\n")
    assert made[9][1] == ("```python",)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Did the vet call?", True),
        ("你住在哪里？", True),
        ('Who wrote "Dune"?', True),
        ("How far is the quarry", True),
        ("and when does it open", True),
        ("anyone free at noon", True),
        ("Delete the branch? [y/N]", True),
        ("The vet did call.", False),
        ("What a night", False),
        ("I know who did it", False),
        ("When it rains, we stay.", False),
    ],
)
def test_questions(text: str, asks: bool) -> None:
    assert Piece(0, len(text), BlockKind.PROSE).is_question(text) is asks


def test_what_is_no_prose_asks_nothing() -> None:
    assert not Piece(0, 4, BlockKind.CODE).is_question("a ?b")


_MARKUP = st.lists(
    st.sampled_from(
        ["# T", "- a:", "  b", "> q", "| a | b |", "```", "", "So: yes. No.", "From: x", "He said:", "漢字。漢"]
    ),
    max_size=14,
).map("\n".join)


@given(st.one_of(st.text(max_size=200), _MARKUP))
def test_pieces_hold_every_character_that_is_not_blank_in_order(content: str) -> None:
    at = 0
    for piece in pieces(content, TOKENS):
        assert piece.start >= at
        assert not content[at : piece.start].strip()
        assert piece.text(content).strip()
        assert all(0 <= start < end <= piece.end for start, end in piece.leads)
        assert not any(piece.start < end and start < piece.end for start, end in piece.leads)
        at = piece.end
    assert not content[at:].strip()


@given(st.lists(st.text("abc |", min_size=1, max_size=30), min_size=1, max_size=60))
def test_a_piece_that_is_no_prose_is_no_longer_than_a_memory_or_is_one_line(lines: list[str]) -> None:
    content = "\n".join(f"> {line}" for line in lines)
    for piece in pieces(content, TOKENS):
        text = piece.text(content)
        assert TOKENS.count(text) <= MAX_TOKENS or "\n" not in text
