"""Wordings of facts that are said again, and of values that change: development templates and held-out ones.

The rules of consolidation were tuned on `DEVELOPMENT` alone. `HELD_OUT` has other attributes and other wordings; it is
measured, and its failures are not looked at one by one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact in several wordings, and sentences that look like it and say something else.

    `{v}` is the value, `{w}` another one, `{k}` a second slot of the same fact and `{l}` another filling of it.
    """

    name: str
    says: tuple[str, ...]
    near: tuple[str, ...]
    values: tuple[str, ...]
    seconds: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something with one value at a time: how it is stated, changed, corrected, ended, and merely talked about."""

    name: str
    states: tuple[str, ...]
    changes: tuple[str, ...]
    corrections: tuple[str, ...]
    ends: tuple[str, ...]
    unsaid: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Templates:
    """One half of the evaluation."""

    facts: tuple[Fact, ...]
    attributes: tuple[Attribute, ...]


_CITIES = ("Porto", "Lisbon", "Berlin", "Madrid", "Vienna", "Prague", "Dublin", "Oslo")
_FIRMS = ("Acme", "Globex", "Initech", "Northwind", "Contoso", "Umbrella")

DEVELOPMENT = Templates(
    facts=(
        Fact(
            "home",
            (
                "I live in {v}.",
                "My home is in {v}.",
                "I'm based in {v}.",
                "I reside in {v}, by the way.",
                "As I said, I live in {v}.",
                "{v} is where I live.",
                "We're living in {v}.",
                "I still live in {v}.",
            ),
            (
                "I visited {v} last month.",
                "My sister lives in {v}.",
                "I would love to live in {w} one day.",
                "I was born in {w}.",
            ),
            _CITIES,
        ),
        Fact(
            "pet",
            (
                "I have a dog called {v}.",
                "My dog's name is {v}.",
                "I adopted a dog named {v}.",
                "We got a dog called {v}.",
                "{v} is my dog.",
                "I own a dog named {v}.",
                "My dog is called {v}.",
                "I've got a dog, {v}.",
            ),
            (
                "I have a cat called {w}.",
                "My sister has a dog called {v}.",
                "I don't have a cat.",
                "My brother's dog is called {w}.",
            ),
            ("Rex", "Bella", "Max", "Luna", "Rocky", "Daisy"),
        ),
        Fact(
            "like",
            (
                "I like {v}.",
                "I love {v}.",
                "I really enjoy {v}.",
                "I'm a big fan of {v}.",
                "I'm fond of {v}.",
                "I am really into {v}.",
                "I adore {v}.",
                "I like {v} a lot.",
            ),
            ("I like {w}.", "My brother likes {v}.", "I can't stand {w}.", "My mother hates {v}."),
            ("jazz", "sushi", "chess", "opera", "hiking", "green tea"),
        ),
        Fact(
            "trip",
            (
                "I'm flying to {v} on {k}.",
                "My flight to {v} is on {k}.",
                "I booked a flight to {v} for {k}.",
                "I have a flight to {v} on {k}.",
                "On {k} I'm flying to {v}.",
                "My plane to {v} leaves on {k}.",
                "I fly to {v} on {k}.",
                "I've booked my flight to {v} for {k}.",
            ),
            (
                "My brother is flying to {v} on {k}.",
                "I'm flying to {w} on {l}.",
                "I'm not flying to {w}.",
                "My train to {w} is on {k}.",
            ),
            _CITIES,
            ("3 May 2024", "12 June 2024", "21 July 2024", "8 August 2024"),
        ),
        Fact(
            "work",
            (
                "I work at {v}.",
                "I work for {v}.",
                "I'm employed at {v}.",
                "My employer is {v}.",
                "I have a job at {v}.",
                "My job is at {v}.",
                "I'm working for {v}.",
                "I am employed by {v}.",
            ),
            (
                "My brother works at {v}.",
                "I applied for a job at {w}.",
                "I don't want to work at {w}.",
                "I bought shares of {v}.",
            ),
            _FIRMS,
        ),
        Fact(
            "children",
            (
                "I have {v} children.",
                "I have {v} kids.",
                "I've got {v} kids.",
                "We have {v} children.",
                "I'm a parent of {v} kids.",
                "I am the parent of {v} children.",
                "There are {v} kids in my family.",
                "I'm raising {v} children.",
            ),
            ("My sister has {v} kids.", "I have {w} cats.", "I have {w} bikes.", "My boss has {w} children."),
            ("two", "three", "four", "five"),
        ),
        Fact(
            "visit",
            (
                "I visited {v} in {k}.",
                "I went to {v} in {k}.",
                "I travelled to {v} in {k}.",
                "In {k} I visited {v}.",
                "I took a trip to {v} in {k}.",
                "I was in {v} in {k}.",
                "I made a trip to {v} in {k}.",
                "We went to {v} in {k}.",
            ),
            (
                "I visited {v} in {l}.",
                "I visited {w} in {k}.",
                "My sister visited {v} in {k}.",
                "I didn't go to {w} in {k}.",
            ),
            _CITIES,
            ("May 2021", "June 2022", "March 2020", "October 2019"),
        ),
        Fact(
            "purchase",
            (
                "I bought a {v} for {k} euros.",
                "I paid {k} euros for a {v}.",
                "I purchased a {v} for {k} euros.",
                "I got a {v} for {k} euros.",
                "I bought a new {v} for {k} euros.",
                "I spent {k} euros on a {v}.",
                "My new {v} cost {k} euros.",
                "The {v} I bought cost {k} euros.",
            ),
            (
                "I bought a {v} for {l} euros for my mother.",
                "I bought a {w} for {k} euros.",
                "My sister bought a {v} for {k} euros.",
                "I didn't buy the {w}.",
            ),
            ("camera", "tent", "sofa", "guitar", "desk", "bicycle"),
            ("120", "250", "300", "480"),
        ),
    ),
    attributes=(
        Attribute(
            "home",
            ("I live in {v}.", "My home is in {v}.", "I'm based in {v}.", "I reside in {v}."),
            (
                "I moved to {v} last week.",
                "I've just moved to {v}.",
                "I live in {v} now.",
                "I relocated to {v}.",
                "We moved to {v}.",
            ),
            ("Actually, I live in {v}.", "Correction: my home is in {v}."),
            (),
            (
                "I'm thinking about moving to {v}.",
                "My sister moved to {v}.",
                "I visited {v}.",
                "If I get rich I will move to {v}.",
                "I might move to {v} next year.",
            ),
            _CITIES,
        ),
        Attribute(
            "employer",
            ("I work at {v}.", "I work for {v}.", "I'm employed at {v}.", "My employer is {v}."),
            (
                "I started working at {v}.",
                "I joined {v} as an analyst.",
                "I have a new job at {v}.",
                "I now work for {v}.",
            ),
            ("Actually, I work at {v}.", "Sorry, I meant that I work for {v}."),
            ("I no longer work at {v}.", "I quit my job at {v}.", "I left {v}.", "I was laid off at {v}."),
            (
                "I have an interview at {v}.",
                "My brother works at {v}.",
                "I would like to work at {v}.",
                "I applied at {v}.",
            ),
            _FIRMS,
        ),
        Attribute(
            "phone number",
            ("My phone number is {v}.", "My number is {v}.", "You can reach me at {v}, that's my phone number."),
            ("My new phone number is {v}.", "I changed my phone number to {v}.", "My phone number is now {v}."),
            ("Correction: my phone number is {v}.", "Actually my phone number is {v}."),
            (),
            ("My sister's phone number is {v}.", "My office's phone number is {v}.", "The dentist's number is {v}."),
            ("555 1234", "555 9876", "555 4410", "555 7302"),
        ),
        Attribute(
            "favourite colour",
            ("My favourite colour is {v}.", "My favorite color is {v}.", "{v} is my favourite colour."),
            (
                "My favourite colour is {v} now.",
                "My new favourite colour is {v}.",
                "These days my favourite colour is {v}.",
            ),
            ("Actually, my favourite colour is {v}.", "No, wait, my favourite colour is {v}."),
            (),
            ("My sister's favourite colour is {v}.", "I bought a {v} sofa.", "My favourite shirt is {v}."),
            ("green", "blue", "red", "purple", "orange"),
        ),
        Attribute(
            "cats",
            ("I have {v} cats.", "I own {v} cats.", "I've got {v} cats."),
            ("I have {v} cats now.", "I now own {v} cats.", "We have {v} cats these days."),
            ("Actually, I have {v} cats.", "Correction: I've got {v} cats."),
            (),
            ("My neighbour has {v} cats.", "I have {v} bikes.", "I would like to have {v} cats."),
            ("two", "three", "four", "five"),
        ),
        Attribute(
            "meeting",
            (
                "The meeting with the lawyer is on {v}.",
                "My meeting with the lawyer is on {v}.",
                "I have a meeting with the lawyer on {v}.",
            ),
            (
                "The meeting with the lawyer has been moved to {v}.",
                "We moved the meeting with the lawyer to {v}.",
                "The meeting with the lawyer was postponed to {v}.",
                "The meeting with the lawyer is now on {v}.",
            ),
            ("Actually, the meeting with the lawyer is on {v}.", "Correction: the meeting with the lawyer is on {v}."),
            ("The meeting with the lawyer was cancelled.", "The meeting with the lawyer has been called off."),
            (
                "The meeting with the teacher is on {v}.",
                "My concert is on {v}.",
                "My sister has a meeting with the lawyer on {v}.",
            ),
            ("5 May 2024", "9 May 2024", "14 May 2024", "20 May 2024"),
        ),
        Attribute(
            "partner",
            ("I'm dating {v}.", "I'm in a relationship with {v}.", "My partner is {v}."),
            ("I'm dating {v} now.", "I'm now in a relationship with {v}.", "My new partner is {v}."),
            ("Actually, my partner is {v}.",),
            ("I broke up with {v}.", "{v} and I split up.", "I'm no longer dating {v}."),
            ("My sister is dating {v}.", "I had dinner with {v}.", "I met {v} at the gym."),
            ("Tom", "Alex", "Robin", "Chris"),
        ),
        Attribute(
            "car",
            ("I drive a {v}.", "My car is a {v}.", "I own a {v}."),
            ("I drive a {v} now.", "My new car is a {v}.", "I switched to a {v}, that's my car now."),
            ("Actually, my car is a {v}.",),
            ("I sold my {v}.", "I no longer have the {v}."),
            ("My brother drives a {v}.", "I rented a {v} for the weekend.", "I'd like to buy a {v}."),
            ("Toyota", "Honda", "Volvo", "Tesla"),
        ),
        Attribute(
            "rent",
            ("My rent is {v} euros.", "I pay {v} euros in rent.", "My rent is {v} euros a month."),
            ("My rent went up to {v} euros.", "My rent is now {v} euros.", "My rent was raised to {v} euros."),
            ("Actually, my rent is {v} euros.", "Correction: my rent is {v} euros."),
            (),
            ("My brother's rent is {v} euros.", "My phone cost {v} euros.", "My salary is {v} euros."),
            ("800", "950", "1100", "1250"),
        ),
        Attribute(
            "diet",
            ("I'm {v}.", "I am {v}, by the way."),
            ("I'm {v} now.", "I became {v}.", "I've gone {v}."),
            ("Actually, I'm {v}.",),
            ("I'm not {v} anymore.", "I'm no longer {v}."),
            ("My sister is {v}.", "I ate at a {v} restaurant.", "I might become {v}."),
            ("vegan", "vegetarian", "pescatarian"),
        ),
        Attribute(
            "pet's state",
            ("My dog Rex is {v}.", "Rex is {v}."),
            ("Rex is {v} now.", "My dog Rex is {v} again.",),
            ("Actually, Rex is {v}.",),
            ("My dog Rex died.",),
            ("My cat Luna is {v}.", "My brother is {v}.",),
            ("sick", "healthy"),
        ),
    ),
)  # fmt: skip

HELD_OUT = Templates(
    facts=(
        Fact(
            "allergy",
            (
                "I'm allergic to {v}.",
                "I have an allergy to {v}.",
                "I suffer from a {v} allergy.",
                "I can't eat {v} because of my allergy.",
                "I've been allergic to {v} since I was a kid.",
                "My allergy is to {v}.",
                "Just remember that I'm allergic to {v}.",
                "I have a bad {v} allergy.",
            ),
            (
                "My son is allergic to {v}.",
                "I'm not allergic to {w}.",
                "I bought some {v}.",
                "I'm allergic to {w}.",
            ),
            ("peanuts", "shellfish", "strawberries", "pollen", "gluten"),
        ),
        Fact(
            "instrument",
            (
                "I play the {v}.",
                "I'm a {v} player.",
                "I've been playing the {v} for {k} years.",
                "I play {v} in my free time.",
                "The instrument I play is the {v}.",
                "My instrument is the {v}.",
                "I have played the {v} for {k} years.",
                "I can play the {v}.",
            ),
            (
                "My daughter plays the {v}.",
                "I never learned the {w}.",
                "I play the {w}.",
                "I heard a {v} concert.",
            ),
            ("violin", "cello", "trumpet", "piano", "flute"),
            ("six", "ten", "twelve"),
        ),
        Fact(
            "birthday",
            (
                "My birthday is on {v}.",
                "My birthday falls on {v}.",
                "I celebrate my birthday on {v}.",
                "I was born on {v}.",
                "{v} is my birthday.",
                "I have my birthday on {v}.",
                "My date of birth is {v}.",
                "It's my birthday on {v}.",
            ),
            (
                "My wife's birthday is on {v}.",
                "The party is on {v}.",
                "My wedding is on {w}.",
                "My daughter was born on {v}.",
            ),
            ("4 October", "19 November", "2 December", "30 September"),
        ),
        Fact(
            "study",
            (
                "I study {v} at the university.",
                "I'm studying {v}.",
                "I am a {v} student.",
                "I major in {v}.",
                "My major is {v}.",
                "I'm doing a degree in {v}.",
                "I'm majoring in {v}.",
                "My degree is in {v}.",
            ),
            (
                "My cousin studies {v}.",
                "I have never studied {w}.",
                "I read a book about {v}.",
                "My roommate majors in {w}.",
            ),
            ("biology", "economics", "physics", "linguistics", "history"),
        ),
        Fact(
            "marathon",
            (
                "I ran the {v} marathon in {k}.",
                "I finished the marathon of {v} in {k}.",
                "In {k} I ran the marathon in {v}.",
                "I completed the {v} marathon in {k}.",
                "I took part in the {v} marathon in {k}.",
                "My {v} marathon was in {k}.",
                "I did the {v} marathon in {k}.",
                "I participated in the marathon in {v} in {k}.",
            ),
            (
                "I ran the {v} marathon in {l}.",
                "My wife ran the {v} marathon in {k}.",
                "I didn't run the {w} marathon in {k}.",
                "I watched the {w} marathon in {k}.",
            ),
            ("Chicago", "Boston", "Tokyo", "Valencia"),
            ("October 2018", "April 2019", "March 2017"),
        ),
        Fact(
            "doctor",
            (
                "My dentist is Dr. {v}.",
                "I go to Dr. {v} for my teeth.",
                "Dr. {v} is my dentist.",
                "The name of my dentist is Dr. {v}.",
                "My dentist's name is Dr. {v}.",
                "I have a dentist called Dr. {v}.",
                "Dr. {v} takes care of my teeth.",
                "I see Dr. {v} as my dentist.",
            ),
            (
                "My daughter's dentist is Dr. {v}.",
                "My lawyer is Mr. {w}.",
                "I met Dr. {w} at a party.",
                "My optician is Dr. {w}.",
            ),
            ("Keller", "Moreau", "Novak", "Santos"),
        ),
        Fact(
            "siblings",
            (
                "I have {v} brothers.",
                "I've got {v} brothers.",
                "I grew up with {v} brothers.",
                "There are {v} brothers in my family.",
                "I'm the sister of {v} brothers.",
                "My parents have {v} sons besides me.",
                "My {v} brothers and I are close.",
                "I am one of a family with {v} brothers.",
            ),
            (
                "My husband has {v} brothers.",
                "I have {w} cousins.",
                "I have {w} aunts.",
                "I have no sisters.",
            ),
            ("two", "three", "four"),
        ),
        Fact(
            "sold",
            (
                "I sold my {v} for {k} dollars.",
                "I got {k} dollars for my {v}.",
                "My {v} was sold for {k} dollars.",
                "Somebody paid me {k} dollars for my {v}.",
                "I've sold my {v} for {k} dollars.",
                "My {v} sold for {k} dollars.",
                "I received {k} dollars for my {v}.",
                "I sold the {v} for {k} dollars.",
            ),
            (
                "My aunt sold her {v} for {k} dollars.",
                "I sold my {w} for {k} dollars.",
                "I haven't sold my {w}.",
                "I found {l} dollars in my {w}.",
            ),
            ("scooter", "kayak", "piano", "boat"),
            ("700", "950", "1300"),
        ),
    ),
    attributes=(
        Attribute(
            "address",
            ("My address is {v}.", "I live at {v}.", "You'll find me at {v}."),
            ("My new address is {v}.", "I have moved to {v}.", "My address has changed to {v}."),
            ("Oops, my address is {v}.", "Let me correct that: my address is {v}."),
            (),
            ("My mother's address is {v}.", "The bakery is at {v}.", "We looked at a flat at {v}."),
            ("12 Mill Lane", "48 Park Street", "7 Harbour Road", "31 Hill Avenue"),
        ),
        Attribute(
            "job title",
            ("I work as a {v}.", "I'm a {v}.", "My profession is {v}."),
            ("I retrained and now work as a {v}.", "I became a {v}.", "I got promoted, I'm a {v} now."),
            ("To be precise, I work as a {v}.", "I should say that I'm a {v}."),
            ("I stopped working as a {v}.", "I'm not a {v} any longer."),
            ("My uncle is a {v}.", "I talked to a {v}.", "As a kid I wanted to be a {v}."),
            ("nurse", "teacher", "carpenter", "translator", "pilot"),
        ),
        Attribute(
            "email",
            ("My email address is {v}.", "My email is {v}.", "Please write to me at {v}, that is my email."),
            ("My email has changed to {v}.", "I have a new email address, {v}.", "From now on my email is {v}."),
            ("I mistyped, my email is {v}.", "Sorry, my email is {v}."),
            (),
            ("My manager's email is {v}.", "The school's email is {v}.", "I got a message from {v}."),
            ("ana@mail.com", "home@post.org", "me@inbox.net", "hello@world.io"),
        ),
        Attribute(
            "salary",
            ("My salary is {v} dollars.", "I earn {v} dollars a month.", "I make {v} dollars per month."),
            ("My salary rose to {v} dollars.", "I got a raise to {v} dollars.", "I earn {v} dollars a month now."),
            ("Actually I earn {v} dollars a month.", "More exactly, my salary is {v} dollars."),
            (),
            ("My wife earns {v} dollars a month.", "My laptop cost {v} dollars.", "My car is worth {v} dollars."),
            ("3200", "3900", "4500", "5100"),
        ),
        Attribute(
            "gym",
            ("My gym is {v}.", "I train at {v}.", "I'm a member of {v}."),
            ("I switched my gym to {v}.", "I train at {v} now.", "My new gym is {v}."),
            ("Actually my gym is {v}.", "I meant to say that my gym is {v}."),
            ("I cancelled my membership at {v}.", "I don't train at {v} anymore."),
            ("My wife trains at {v}.", "I walked past {v}.", "A friend recommended {v}."),
            ("Ironworks", "Planet Lift", "Sportopia", "CoreFit"),
        ),
        Attribute(
            "dog's weight",
            ("My dog Bruno weighs {v} kilos.", "Bruno weighs {v} kilos.", "My dog Bruno's weight is {v} kilos."),
            ("Bruno weighs {v} kilos now.", "Bruno is down to {v} kilos.", "Bruno now weighs {v} kilos."),
            ("Actually, Bruno weighs {v} kilos.",),
            (),
            ("My cat Mimi weighs {v} kilos.", "I lifted {v} kilos.", "The suitcase weighs {v} kilos."),
            ("18", "21", "24", "27"),
        ),
        Attribute(
            "wedding",
            ("Our wedding is on {v}.", "We're getting married on {v}.", "The wedding will be on {v}."),
            (
                "We had to push the wedding to {v}.",
                "The wedding was rescheduled to {v}.",
                "Our new wedding date is {v}.",
            ),
            ("Actually, our wedding is on {v}.", "I mixed it up, our wedding is on {v}."),
            ("The wedding is off.", "We called off the wedding.",),
            ("My cousin's wedding is on {v}.", "The exam is on {v}.", "My holiday starts on {v}."),
            ("1 June 2024", "15 June 2024", "6 July 2024", "3 August 2024"),
        ),
        Attribute(
            "language",
            ("I'm learning {v}.", "I'm currently learning {v}.", "At the moment I learn {v}."),
            (
                "I stopped that and I'm learning {v} instead.",
                "Instead I'm learning {v} now.",
                "I switched to learning {v}.",
            ),
            ("Actually, I'm learning {v}.",),
            ("I gave up learning {v}.", "I'm not learning {v} anymore."),
            ("My son is learning {v}.", "I had lunch with a {v} teacher.", "Maybe I will learn {v} one day."),
            ("Spanish", "Japanese", "Polish", "Greek"),
        ),
        Attribute(
            "marital status",
            ("I'm {v}.", "I am {v}, you know."),
            ("I'm {v} now.", "As of today I'm {v}."),
            ("To be clear, I'm {v}.",),
            ("I'm no longer {v}.",),
            ("My cousin is {v}.", "My best friend is {v}.", "I wish I were {v}."),
            ("single", "engaged", "married", "divorced"),
        ),
        Attribute(
            "doctor",
            ("My doctor is Dr. {v}.", "Dr. {v} is my doctor.", "My doctor's name is Dr. {v}."),
            (
                "I changed doctors, my doctor is Dr. {v} now.",
                "My new doctor is Dr. {v}.",
                "I have a new doctor, Dr. {v}.",
            ),
            ("Correction, my doctor is Dr. {v}.",),
            ("Dr. {v} is no longer my doctor.",),
            ("My mother's doctor is Dr. {v}.", "I read a book by Dr. {v}.", "My neighbour is Dr. {v}."),
            ("Hansen", "Okafor", "Petit", "Rossi"),
        ),
        Attribute(
            "bike state",
            ("My bike is {v}.", "My bike is {v} at the moment."),
            ("My bike is {v} now.", "By now my bike is {v}."),
            ("Actually my bike is {v}.",),
            ("I sold my bike.", "My bike was stolen."),
            ("My sister's bike is {v}.", "The washing machine is {v}."),
            ("broken", "repaired"),
        ),
    ),
)  # fmt: skip
