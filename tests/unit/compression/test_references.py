"""Sentences as said by Ben to Ana on Wednesday 13 March 2024, and how they are stated."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memsvc.compression.agreement import third_person
from memsvc.compression.references import needs_voice, speaks_of_self
from memsvc.compression.statements import state
from memsvc.compression.utterances import Utterance, read
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.types import Role, Scope, Token, Turn

WHEN = datetime(2024, 3, 13, 10, tzinfo=UTC)

ROWS = [
    ("I moved to Porto in 2019.", "Ben moved to Porto in 2019."),
    ("I'm learning the cello.", "Ben is learning the cello."),
    ("I've adopted two cats.", "Ben has adopted two cats."),
    ("I don't eat meat.", "Ben doesn't eat meat."),
    ("I haven't seen the sea since March.", "Ben hasn't seen the sea since March."),
    ("I'll start a new job next Monday.", "Ben will start a new job on 18 March 2024."),
    ("I'd love to visit Kyoto.", "Ben would love to visit Kyoto."),
    ("I have a brother called Tom.", "Ben has a brother called Tom."),
    ("My sister lives in Leeds.", "Ben's sister lives in Leeds."),
    ("My favourite colour is green.", "Ben's favourite colour is green."),
    ("I sold my car yesterday.", "Ben sold their car on 12 March 2024."),
    ("I was born in Oslo.", "Ben was born in Oslo."),
    ("I were ill last week.", "Ben was ill in the week of 4 March 2024."),
    ("I teach chemistry at a school.", "Ben teaches chemistry at a school."),
    ("I carry my lunch to the office.", "Ben carries their lunch to the office."),
    ("I watch birds every Sunday.", "Ben watches birds every Sunday."),
    ("I go to the gym and lift weights.", "Ben goes to the gym and lifts weights."),
    ("I bought a bike and I ride it to work.", "Ben bought a bike and rides it to work."),
    ("I wrote a poem, but I lost it.", "Ben wrote a poem, but lost it."),
    ("She told me about the concert.", "She told Ben about the concert."),
    ("The doctor gave me new pills two days ago.", "The doctor gave Ben new pills on 11 March 2024."),
    ("My boss wants me to move to Berlin.", "Ben's boss wants Ben to move to Berlin."),
    ("That necklace is mine.", "That necklace is Ben's."),
    ("I made myself a sandwich.", "Ben made themselves a sandwich."),
    ("I taught myself Portuguese.", "Ben taught themselves Portuguese."),
    ("John and I run a bakery.", "John and Ben run a bakery."),
    ("My wife and I bought a house.", "Ben's wife and Ben bought a house."),
    ("We painted the fence last weekend.", "Ben said they painted the fence on the weekend of 9 March 2024."),
    ("Our dog is called Rufus.", "Ben said their dog is called Rufus."),
    ("You're training for a marathon.", "Ben: Ana is training for a marathon."),
    ("You told me about your trip to Peru.", "Ana told Ben about their trip to Peru."),
    ("Your garden has roses.", "Ben: Ana's garden has roses."),
    ("You never know what the weather brings.", "Ben: One never knows what the weather brings."),
    ("I can help you with the garden.", "Ben can help Ana with the garden."),
    ("Thank you for the recipe, Ana!", "Ben thanked Ana for the recipe."),
    ("Wow, Ana, that pie has cinnamon in it!", "Ben: That pie has cinnamon in it!"),
    ("Hey Ana! I got a puppy today.", "Ben got a puppy on 13 March 2024."),
    ("Yes, I passed my driving test on Friday.", "Ben passed their driving test on 8 March 2024."),
    ("I wanna learn Dutch.", "Ben wants to learn Dutch."),
    ("I'm gonna paint the kitchen tomorrow.", "Ben is gonna paint the kitchen on 14 March 2024."),
    ("I am not allergic to nuts.", "Ben is not allergic to nuts."),
    ("I do yoga on Tuesdays.", "Ben does yoga on Tuesdays."),
    ("I did my taxes last month.", "Ben did their taxes in February 2024."),
    ("I think I need glasses.", "Ben thinks they need glasses."),
    ("I know that my father served in the navy.", "Ben knows that their father served in the navy."),
    ("When I was ten, I broke my arm.", "When Ben was ten, they broke their arm."),
    ("If I win, I will buy a boat.", "If Ben wins, they will buy a boat."),
    ("The book that I read was long.", "The book that Ben read was long."),
    ('I said "I love you" to my grandmother.', 'Ben said "I love you" to their grandmother.'),
    ('My mum says "keep your feet dry" all the time.', 'Ben\'s mum says "keep your feet dry" all the time.'),
    ("Luna ate my homework!", "Luna ate Ben's homework!"),
    ("It made me cry.", "It made Ben cry."),
    ("Running helps me clear my head.", "Running helps Ben clear their head."),
    ("I used to smoke.", "Ben used to smoke."),
    ("I can't swim.", "Ben can't swim."),
    ("I could see the whole valley.", "Ben could see the whole valley."),
    ("I studied law before I became a chef.", "Ben studied law before they became a chef."),
    ("I, too, collect stamps.", "Ben, too, collects stamps."),
    ("I fixed the roof myself.", "Ben fixed the roof themselves."),
    ("Just finished a 10k race!", "Ben just finished a 10k race!"),
    ("Gonna visit my aunt in Rome.", "Ben is gonna visit their aunt in Rome."),
    ("Going to the beach with my kids tomorrow.", "Ben is going to the beach with their kids on 14 March 2024."),
    ("My phone number ends in 42.", "Ben's phone number ends in 42."),
    ("I've been a nurse for ten years.", "Ben has been a nurse for ten years."),
    ("I might quit my job in two weeks.", "Ben might quit their job in the week of 25 March 2024."),
    ("I go running with Sara on Mondays.", "Ben goes running with Sara on Mondays."),
    ("I push and pull the cart.", "Ben pushes and pulls the cart."),
    ("I always wash my hands.", "Ben always washes their hands."),
    ("I hope you like your new flat.", "Ben hopes Ana likes their new flat."),
    ("I never met my grandfather.", "Ben never met their grandfather."),
    ("I work at Acme Corp and live in Lyon.", "Ben works at Acme Corp and lives in Lyon."),
    ("Me and my brother fish at the lake.", "Ben and their brother fish at the lake."),
    ("The cat scratched me last night.", "The cat scratched Ben on the night of 12 March 2024."),
    ("I wish I had a garden.", "Ben wishes they had a garden."),
    ("My dogs' names are Rex and Bo.", "Ben's dogs' names are Rex and Bo."),
    ("I miss you.", "Ben misses Ana."),
    ("There is a park near my house.", "There is a park near Ben's house."),
    ("Both of my kids play chess.", "Both of Ben's kids play chess."),
    ("We're saving for a house.", "Ben said they're saving for a house."),
    ("Our landlord sold the building to us.", "Ben said their landlord sold the building to them."),
    ("Yesterday we drove to the coast.", "Ben said on 12 March 2024 they drove to the coast."),
    (
        "I was the only one awake when we crossed the border.",
        "Ben was the only one awake when they crossed the border.",
    ),
    ("The nurse showed us the new ward.", "Ben said the nurse showed them the new ward."),
    ("They lost the match and we cheered anyway.", 'Ben said: "They lost the match and we cheered anyway."'),
    ("Old songs bring us back to school.", "Ben: Old songs bring people back to school."),
    ("Since we last talked, I moved to a smaller flat.", "Ben moved to a smaller flat."),
    ("Let's rent a canoe in June.", "Ben suggested they rent a canoe in June 2024."),
    ("Let's paint my kitchen.", "Ben suggested they paint Ben's kitchen."),
    (
        "I went sailing with my brother. We capsized.",
        "Ben went sailing with their brother. Ben and their brother capsized.",
    ),
    ("My wife and I adopted a greyhound.", "Ben's wife and Ben adopted a greyhound."),
    ("You and Max make a good team.", "Ben: Ana and Max make a good team."),
    ("Thanks for the plums.", "Ben thanked Ana for the plums."),
    ("Thank you so much for lending me your ladder!", "Ben thanked Ana for lending Ben their ladder!"),
    ("Congratulations on your degree!", "Ben congratulated Ana on their degree!"),
    ("Let me know if you need a lift.", "Ben asked Ana to let Ben know if they need a lift."),
    ("Don't forget your passport.", "Ben told Ana not to forget their passport."),
    (
        "Take your umbrella and don't forget your keys.",
        "Ben told Ana to take their umbrella and not to forget their keys.",
    ),
    ("Check out this photo of my tomato plants.", "Ben showed Ana this photo of Ben's tomato plants."),
    ("Can't wait to show you my boat.", "Ben can't wait to show Ana Ben's boat."),
    ("Been practising my scales for weeks.", "Ben has been practising their scales for weeks."),
    ("Been a while since I swam.", 'Ben said: "Been a while since I swam."'),
    ("Haven't found my keys yet.", "Ben hasn't found their keys yet."),
    ("Hope you sleep well tonight.", "Ben hopes Ana sleeps well on the night of 13 March 2024."),
    ("Glad you liked the soup.", "Ben is glad Ana liked the soup."),
    ("So proud of my daughter, she won the race.", "Ben is so proud of their daughter, she won the race."),
    ("Sorry about the noise from my drill.", "Ben is sorry about the noise from their drill."),
    ("Reminds me of my old village.", "It reminds Ben of their old village."),
    ("Wanted to tell you that I quit smoking.", "Ben quit smoking."),
    ("Oh wow those lilies smell strong.", "Ben: Those lilies smell strong."),
    ("Yeah the ferry was late again.", "Ben: The ferry was late again."),
    ("It's important to stretch your back.", "Ben: It's important to stretch one's back."),
    ("Walking helps when you feel low.", "Ben: Walking helps when one feels low."),
    ("It's great that you fixed your bike.", "Ben: It's great that Ana fixed their bike."),
    ("You should see a dentist about your tooth.", "Ben: Ana should see a dentist about their tooth."),
    ("I told you I failed the exam.", "Ben told Ana that Ben failed the exam."),
    ("I love my cats and they love my sofa.", "Ben loves their cats and they love Ben's sofa."),
    ("My knee hurts when I run.", "Ben's knee hurts when Ben runs."),
    ("Where did you park my car?", 'Ben asked Ana: "Where did you park my car?"'),
    ("How big is the garden in Leeds?", 'Ben asked: "How big is the garden in Leeds?"'),
    ("I'd been hoping for rain.", "Ben had been hoping for rain."),
    ("She makes me laugh.", "She makes Ben laugh."),
    ("They are Jack Russells.", "Ben: They are Jack Russells."),
    ("But my favourite is the red one.", "Ben's favourite is the red one."),
    ("And we planted beans and peas.", "Ben said they planted beans and peas."),
    ("WE WON THE CUP!", "Ben said they WON THE CUP!"),
    ("I met Zoe, who asked me to sing.", "Ben met Zoe, who asked Ben to sing."),
]


async def said_by_ben(analyzer: SpacyAnalyzer, content: str, *, alone: bool = False) -> Utterance:
    turns = [
        Turn(turn_id=str(i), scope=Scope("u"), role=Role.USER, content=text, event_time=WHEN, speaker=speaker)
        for i, (speaker, text) in enumerate([("Ana", "Hi."), ("Ben", content)])
    ][alone:]
    return read(turns, await analyzer.analyze([turn.content for turn in turns]))[-1]


@pytest.mark.parametrize(("said", "expected"), ROWS)
async def test_states(analyzer: SpacyAnalyzer, said: str, expected: str) -> None:
    utterance = await said_by_ben(analyzer, said)
    assert state(utterance.pieces, utterance.voices) == expected


@pytest.mark.parametrize("said", ["You're training for a marathon.", "I sold your car."])
async def test_an_unknown_addressee_is_not_guessed(analyzer: SpacyAnalyzer, said: str) -> None:
    utterance = await said_by_ben(analyzer, said, alone=True)
    assert state(utterance.pieces, utterance.voices) == f'Ben said: "{said}"'


async def test_one_unsure_sentence_among_sure_ones_is_quoted(analyzer: SpacyAnalyzer) -> None:
    utterance = await said_by_ben(analyzer, "I live in Rome. I teach physics. They beat us twice.")
    stated = state(utterance.pieces, utterance.voices)
    assert stated == 'Ben lives in Rome. Ben teaches physics. Ben said: "They beat us twice."'


@pytest.mark.parametrize(
    ("text", "voiced", "own"),
    [("what they gave us", True, False), ("The mayor mused", False, False), ("It is mine", True, True)],
)
def test_pronouns(text: str, voiced: bool, own: bool) -> None:
    assert (needs_voice(text), speaks_of_self(text)) == (voiced, own)


@pytest.mark.parametrize(
    ("word", "tag", "expected"),
    [
        ("try", "VBP", "tries"),
        ("play", "VBP", "plays"),
        ("pass", "VBP", "passes"),
        ("went", "VBD", None),
        ("can", "MD", None),
        ("put", "VBP", None),
        ("’m", "VBP", "is"),
        ("'ll", "MD", "will"),
    ],
)
def test_third_person(word: str, tag: str, expected: str | None) -> None:
    token = Token(word, word, "VERB", tag, "ROOT", 0, 0, len(word))
    assert third_person(token, bare_is_finite=True) == expected
