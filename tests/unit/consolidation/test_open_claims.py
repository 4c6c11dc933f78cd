"""Claims in words that the lexicon does not join, with the real parser and embedder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from memsvc.consolidation.consolidator import Consolidator
from memsvc.consolidation.decisions import Action, Decision
from memsvc.consolidation.frames import MASK, Wordings
from memsvc.consolidation.units import look
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.models.embedder import SentenceTransformerEmbedder
from memsvc.models.tokens import Cl100kCounter
from memsvc.types import Memory, Scope, Symbolic

START = datetime(2024, 3, 1, 9, tzinfo=UTC)
TOKENS = Cl100kCounter()
ANALYZER = SpacyAnalyzer()


def memory(i: int, text: str) -> Memory:
    return Memory(
        id=f"m{i}",
        scope=Scope("ben", "", f"s{i}"),
        text=text,
        event_time=START + timedelta(days=i),
        symbolic=Symbolic(speaker="Ben"),
        token_count=TOKENS.count(text),
        dense_text=text,
        lexical_text=text,
    )


async def decide(embedder: SentenceTransformerEmbedder, texts: Sequence[str], *, frames: bool = True) -> list[Decision]:
    memories = [memory(i, text) for i, text in enumerate(texts)]
    vectors = await embedder.embed(texts)
    consolidator = Consolidator(analyzer=ANALYZER, tokens=TOKENS, embedder=embedder if frames else None)
    by_id = {m.id: vector for m, vector in zip(memories, vectors, strict=True)}
    done = await consolidator.consolidate(memories, [], by_id, now=START + timedelta(days=90))
    return list(done.decisions)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("I swallow magnesium every morning.", "Every morning I take magnesium."),
        ("I'm a patient of Dr. Novak.", "My doctor is Dr. Novak."),
        ("I'm a maths teacher.", "I teach maths."),
        ("Clara and I met in May 2015.", "I first met Clara in May 2015."),
        ("I run every Monday.", "I go for a run every Monday."),
        ("I can't eat pollen.", "I'm allergic to pollen."),
        # Told as what happened and as what holds; by relations that the lexicon tells apart; of a person's attribute.
        ("I graduated in law in Malmo.", "My degree is in law, from Malmo."),
        ("I plan to spend the summer in Bilbao.", "We're going to Bilbao for the summer."),
        ("I make a living teaching biology.", "My job is teaching biology."),
        # A name below what is mine; dates and days as subjects; nouns of nouns; verbs behind others; degrees of a word.
        ("My time in the Leeds marathon was 3.9 hours.", "I ran the marathon in Leeds in 3.9 hours."),
        ("4 March 1990 is my birthday.", "My date of birth is 4 March 1990."),
        ("Monday is when I go running.", "I always run on Monday."),
        ("I get the Guardian delivered.", "I have the Guardian delivered."),
        ("I'll spend the summer in Bilbao.", "I plan to spend the summer in Bilbao."),
        ("I have a degree in law from Malmo.", "I graduated in law in Malmo."),
        ("I am severely allergic to pollen.", "I have a pollen allergy."),
        ("We met in June 2018, Clara and I.", "I met Clara in June 2018."),
    ],
)
async def test_one_fact_in_unlike_words_is_merged(
    embedder: SentenceTransformerEmbedder, first: str, second: str
) -> None:
    decisions = await decide(embedder, (first, second))
    assert [(d.action, d.memory_ids) for d in decisions] == [(Action.MERGE, ("m0", "m1"))]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("I take ibuprofen every morning.", "I take ibuprofen every evening."),
        ("My cousin is called Pavel.", "My sister is called Pavel."),
        ("I met Clara in May 2015.", "I called Clara in May 2015."),
        ("I run every Monday.", "I swim every Monday."),
        ("I report to Nils.", "I wrote to Nils."),
        ("I report to Nils.", "My wife reports to Nils."),
        ("I report to Nils.", "I might report to Nils."),
    ],
)
async def test_what_differs_in_a_word_of_which_only_one_can_hold_is_left_alone(
    embedder: SentenceTransformerEmbedder, first: str, second: str
) -> None:
    assert await decide(embedder, (first, second)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("I report to Nils.", "I report to Ingrid now."),
        ("We get our power from Octopus.", "We get our power from Enel these days."),
        ("I work on a MacBook.", "Actually, I work on a ThinkPad."),
        ("I drink coffee in the morning.", "I've switched to tea in the morning."),
        ("I go to the office on Mondays.", "I'm in the office on Thursdays now."),
        ("I support Arsenal.", "I've stopped supporting Arsenal."),
        ("I subscribe to the Guardian.", "I cancelled the Guardian."),
        # How a thing of mine is, by whatever verb.
        ("I wear my hair blond.", "I dyed my hair red."),
        ("I have brown hair.", "My hair is blond now."),
        ("My room is white.", "I painted my room green."),
        # Corrections and ends in more words.
        ("I wear a Garmin.", "I misspoke, I wear a Casio."),
        ("I study Norwegian.", "I've dropped Norwegian."),
        ("My laptop is a ThinkPad.", "I got rid of my ThinkPad."),
        ("I buy my electricity from Enel.", "I ended my contract with Enel."),
        ("My salary is 3300 euros.", "My pay was cut to 2900 euros."),
        ("My roommate is Nils.", "My new roommate is Pavel."),
        ("My dentist is Dr. Rossi.", "I changed dentists and go to Dr. Novak now."),
        ("My energy supplier is Octopus.", "We traded in our old energy supplier for Ecotricity."),
        ("I'm down to 62 kilos.", "My weight has dropped to 71 kg."),
        ("I'm flying to Berlin on 8 August 2024.", "I'm not flying to Berlin."),
    ],
)
async def test_a_change_or_an_end_closes_what_held_in_a_place_of_no_known_name(
    embedder: SentenceTransformerEmbedder, before: str, after: str
) -> None:
    decisions = await decide(embedder, (before, after))
    assert [(d.action, d.memory_ids, d.winner) for d in decisions] == [(Action.SUPERSEDE, ("m0",), "m1")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("I support Arsenal.", "I also support Celtic now."),
        ("My suitcase weighs 20 kilos.", "I weigh 70 kilos now."),
        ("My favourite shirt is red.", "My favourite colour is green now."),
        ("My rent is 800 euros.", "My salary is 2900 euros now."),
        ("I have a sister named Clara.", "My new boss is Ingrid."),
        ("My salary is 800 euros.", "I pay 950 euros in rent now."),
        ("I have a degree in chemistry from Leeds.", "I've taken up Norwegian instead."),
        ("My flight to Madrid is on 3 May 2024.", "I'm not flying to Berlin."),
    ],
)
async def test_what_is_beside_or_of_another_thing_closes_nothing(
    embedder: SentenceTransformerEmbedder, before: str, after: str
) -> None:
    assert await decide(embedder, (before, after)) == []


async def test_what_tells_of_the_same_name_ends_with_the_claim_that_ended(
    embedder: SentenceTransformerEmbedder,
) -> None:
    decisions = await decide(embedder, ("My boss is Nils.", "I met Nils in May 2015.", "I report to Nils."))
    assert decisions == []
    decisions = await decide(
        embedder, ("My boss is Nils.", "I met Nils in May 2015.", "I report to Nils.", "My new boss is Ingrid.")
    )
    assert {(d.action, d.memory_ids, d.winner) for d in decisions} == {
        (Action.SUPERSEDE, ("m0",), "m3"),
        (Action.SUPERSEDE, ("m2",), "m3"),
    }


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("I lived in Porto.", "I live in Porto."),
        ("I used to work for Contoso.", "I work for Contoso."),
        ("I owned a Fairphone.", "I own a Fairphone."),
        ("I'm flying to Lisbon on 3 May 2024.", "My brother is flying to Lisbon on 3 May 2024."),
        ("I bought a desk for 300 euros.", "I paid 300 euros for a sofa."),
        ("I teach chemistry in Graz.", "I have a degree in physics from Graz."),
    ],
)
async def test_near_frames_join_no_other_time_person_or_thing(
    embedder: SentenceTransformerEmbedder, first: str, second: str
) -> None:
    assert [d for d in await decide(embedder, (first, second)) if d.action is Action.MERGE] == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("I'm so proud of my sister!", "I'm thankful for all of you."),
        ("Painting is a great way to relax.", "Painting landscapes is my favourite now!"),
        ("That bowl is awesome.", "That plate is amazing."),
        ("I'm back in town.", "I'm now sure that it was together with her."),
        ("Pets bring happiness to people.", "My pets have been so lucky."),
        ("My family is my motivation.", "My family is awesome: the missus and the kids."),
        ("I drink coffee.", "I didn't stop drinking coffee."),
        ("I visit my aunt once a month.", "Actually, I've never been fishing."),
        ("I always run on Friday.", "I've started going to bed at midnight."),
        ("I use a Pixel.", "I use a ThinkPad as my laptop."),
        ("I run every Monday.", "I can't wait to run on Monday."),
        ("I'm swamped with the kids.", "I'm off to swim with the kids."),
        (
            "I inspire students by my drive to make a difference in town.",
            "The training was intense and taxing, but it changed my view on helping others and on all that I had done.",
        ),
    ],
)
async def test_what_people_feel_and_what_long_sentences_say_closes_and_joins_nothing(
    embedder: SentenceTransformerEmbedder, first: str, second: str
) -> None:
    assert [d.action for d in await decide(embedder, (first, second))] == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("I find awesome people for the cause.", "We ended up with awesome people for the cause."),
        ("I'm going to keep pushing forward.", "I'm not giving up, I'm going to keep pushing forward."),
    ],
)
async def test_verbs_that_end_something_elsewhere_end_nothing_here(
    embedder: SentenceTransformerEmbedder, first: str, second: str
) -> None:
    assert [d.action for d in await decide(embedder, (first, second))] == [Action.MERGE]


async def test_what_says_that_it_replaces_something_replaces_the_nearest(embedder: SentenceTransformerEmbedder) -> None:
    told = ("I study Hindi.", "I work with Pavel.", "I live near Lisbon.")
    decisions = await decide(embedder, (*told, "I've taken up Italian instead."))
    assert [(d.action, d.memory_ids, d.winner) for d in decisions] == [(Action.SUPERSEDE, ("m0",), "m3")]
    assert await decide(embedder, (*told, "I've taken up Italian.", "I went to Oslo.")) == []
    assert await decide(embedder, ("I love Paris.", "I have a Pixel.", "I've switched to Celtic.")) == []


@pytest.mark.parametrize(("more", "closed"), [("It's great!", True), ("The harbour there smells of tar.", False)])
async def test_a_memory_is_closed_only_where_every_sentence_was_read(
    embedder: SentenceTransformerEmbedder, more: str, closed: bool
) -> None:
    decisions = await decide(embedder, (f"I live in Porto. {more}", "I live in Lisbon now."))
    assert [(d.action, d.memory_ids) for d in decisions] == [(Action.SUPERSEDE, ("m0",))] * closed


async def test_of_long_memories_only_those_of_the_same_words_are_merged(embedder: SentenceTransformerEmbedder) -> None:
    volunteer = "I'm still volunteering at the homeless shelter."
    talks = f"{volunteer} I recently gave a few talks there, and got lots of compliments from the others."
    pup = f"{volunteer} And my kids want to adopt the puppy that we saw at the market in Porto."
    assert [d for d in await decide(embedder, (talks, pup)) if d.action is Action.MERGE] == []
    (merge,) = [d for d in await decide(embedder, (talks, volunteer)) if d.action is Action.MERGE]
    assert merge.result is not None
    assert merge.result.text == talks


async def test_a_memory_that_repeats_two_groups_makes_them_one(embedder: SentenceTransformerEmbedder) -> None:
    texts = tuple(f"I {met} Clara in October 2020." for met in ("met", "became friends with", "first met"))
    apart = await decide(embedder, texts[:2])
    assert [d for d in apart if d.action is Action.MERGE] == []
    (merge,) = [d for d in await decide(embedder, texts) if d.action is Action.MERGE]
    assert merge.memory_ids == ("m0", "m1", "m2")


async def test_without_an_embedder_only_equal_frames_are_alike(embedder: SentenceTransformerEmbedder) -> None:
    assert await decide(embedder, ("I'm a maths teacher.", "I teach maths."), frames=False) == []
    decisions = await decide(embedder, ("I report to Nils.", "I report to Ingrid now."), frames=False)
    assert [d.action for d in decisions] == [Action.SUPERSEDE]


async def test_a_frame_has_no_filling_and_no_cue_of_change() -> None:
    text = "Actually, I bank with Monzo these days."
    (claim,) = look(memory(0, text), (await ANALYZER.analyze([text]))[0]).claims
    (slot,) = claim.slots
    assert slot.frame == f"I bank with {MASK}"
    assert slot.names == {"monzo"}


def test_wordings_note_what_they_are_asked_for_and_do_not_have() -> None:
    wordings = Wordings()
    assert wordings.likeness("I bank with X", "I bank with X") == 1.0
    assert wordings.likeness("I bank with X", "My bank is X") == 0.0
    assert wordings.missing == {"I bank with X", "My bank is X"}
