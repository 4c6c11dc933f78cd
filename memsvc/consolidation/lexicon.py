"""English words that consolidation reads by: synonyms, relations between a subject and a value, and how they end.

A relation is a class of predicates that say the same of a subject ("lives in", "is based in", "moved to": `home`).
A relation that is in `FUNCTIONAL` holds one value at a time: a newer one replaces the older.
"""

from __future__ import annotations

import re


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_GROUPS = """
child kid; dog puppy pup doggy; cat kitten kitty; colour color; favourite favorite; flat apartment; film movie
car automobile; bicycle bike; phone telephone cellphone mobile; lawyer attorney; doctor physician gp; sofa couch
mother mom mum; father dad; job position role; salary wage income; employer company; boss supervisor manager
grandmother grandma granny; grandfather grandpa; wife spouse; trip journey; flight plane; euro eur €; dollar usd $ buck
pound gbp £; kilo kilogram kg; gramme gram g; kilometre kilometer km; metre meter; mile mi; holiday vacation
profession occupation trade; exam examination; photo picture photograph; tv television; laptop notebook
sick ill unwell poorly; healthy well fine recovered better okay ok recover
broken defective damaged; repaired fixed mended
fiance fiancé fiancee fiancée; girlfriend boyfriend partner; allergic allergy intolerant intolerance
weight weigh; birthdate birthday birth; e-mail email mail; daughter girl; son boy; parent mother-father
major degree study; marathon marathon; concert gig; meeting appointment; present gift; big large; small little
"""

SYNONYM: dict[str, str] = {
    word: group.split()[0]
    for line in _GROUPS.strip().splitlines()
    for group in line.split(";")
    for word in group.split()
}
"""Lemma to the lemma that stands for its group."""

_VERBS = {
    "home": "live reside settle relocate dwell move base",
    "job": "work employ join",
    "partner": "date",
    "have": "have own get possess adopt acquire keep raise",
    "buy": "buy purchase pay spend cost",
    "like": "like love enjoy adore",
    "dislike": "hate hat dislike despise loathe detest",
    "visit": "visit go travel",
    "fly": "fly",
    "drive": "drive",
    "weigh": "weigh",
    "earn": "earn make",
    "study": "study major graduate",
    "play": "play",
    "learn": "learn",
    "train": "train",
    "run": "run finish complete participate",
    "sell": "sell",
    "use": "use",
    "read": "read",
}
VERB: dict[str, str] = {verb: relation for relation, verbs in _VERBS.items() for verb in verbs.split()}
"""Verb lemma to relation; a verb that is not here is a relation of its own."""

_NOUNS = {
    "home": "home house residence place",
    "job": "job employer workplace",
    "title": "profession title",
    "partner": "partner wife husband spouse fiance",
    "drive": "car vehicle",
    "weigh": "weight",
    "earn": "salary pay",
    "phone number": "number phone",
}
NOUN: dict[str, str] = {noun: relation for relation, nouns in _NOUNS.items() for noun in nouns.split()}
"""Attribute noun to relation ("my employer is"); any other noun is an attribute of its own."""

_DERIVED = {
    "like": "fan fond keen crazy into enthusiast lover",
    "partner": "relationship partner girlfriend boyfriend",
    "allergy": "allergic allergy",
    "have": "parent owner",
    "job": "job employment work",
    "fly": "flight plane",
    "visit": "trip visit",
    "study": "student degree major study",
    "play": "player",
    "member": "member membership",
    "run": "run jog",
    "swim": "swim",
    "subscribe": "subscription subscriber",
    "meet": "acquaintance",
}
RELATION_NOUN: dict[str, str] = {
    SYNONYM.get(noun, noun): relation for relation, nouns in _DERIVED.items() for noun in nouns.split()
}
"""Noun or adjective that a light verb turns into a relation: "is a fan of", "has an allergy to", "took a trip to"."""

LIGHT = words("be have get do make take go book plan schedule receive suffer become own hold reserve keep")
"""Verbs that leave the meaning to their object."""

ASPECT = words("start begin stop quit keep give continue switch use finish try go resume plan intend")
"""Verbs that tell of the beginning, course or end of what another verb says."""

SINGLE = words(
    "dentist doctor boss manager partner girlfriend boyfriend husband wife landlord landlady car roommate flatmate "
    "school office"
)
"""Nouns of `KIN` of which a subject has one at a time."""

FUNCTIONAL = words("home job title partner drive weigh earn study train learn be diet marital health condition when")
"""Relations with one value at a time. Attributes of the form "my N is V" are so too, whatever N."""

CHANGE = words(
    "move relocate join start begin become switch change turn rise raise increase drop fall decrease grow "
    "shrink climb reschedule postpone push shift delay bring upgrade promote rename replace settle swap trade exchange"
)
"""Verbs that tell of a change: in the past tense they say what holds since."""

RESCHEDULE = words("move reschedule postpone push shift delay bring change set fix plan schedule book have")

OF = words("date place day time name kind type colour")
"""Nouns that leave the meaning to what they are of: "my date of birth"."""

STATES: dict[str, str] = {
    word: name
    for name, words in {
        "diet": "vegan vegetarian pescatarian omnivore carnivore",
        "marital": "single married engaged divorced widowed separated",
        "health": "sick healthy pregnant injured hospitalized",
        "condition": "broken repaired lost found open closed empty full ready finished",
        "work state": "employed unemployed retired jobless",
    }.items()
    for word in words.split()
}
"""Adjective (its `SYNONYM`) to the dimension it is a value of: two values of one dimension exclude each other."""

KIN = words(
    "sister brother mother father parent wife husband partner daughter son child cousin aunt uncle niece "
    "nephew grandmother grandfather friend neighbour neighbor colleague boss roommate flatmate girlfriend "
    "boyfriend fiance dog cat horse rabbit hamster parrot bird bike bicycle car office school "
    "mother-in-law father-in-law teacher landlord landlady stepmother stepfather stepson stepdaughter "
    "twin ex manager dentist doctor family pet"
)
"""Nouns whose bearer is somebody or something with facts of its own: "my sister lives" is not about the speaker."""

OCCUPATION = re.compile(
    r"(?:\w{2,}(?:er|or|ist|ian|man|woman|eer)|nurse|pilot|chef|cook|clerk|judge|surgeon|architect|accountant|analyst|"
    r"assistant|consultant|attorney|scientist|professor|guard|mechanic|intern|nanny|tailor|florist|vet|coach|monk|priest)"
)
NOT_OCCUPATION = words(
    "lover member player owner user fan father mother brother sister daughter partner winner smoker "
    "drinker speaker foreigner stranger reader beginner teetotaler number letter summer corner paper "
    "dinner computer other"
)

UNREAL = words(
    "might may could would should if maybe perhaps hope want wish think consider dream wonder unless "
    "imagine hopefully whether apply interview considering thinking"
)
"""Words that make a sentence speak of what is not so, or not yet."""

NEGATION = words("not n't never no without nobody nothing none neither nor")

FILLER = words(
    "just also really very still so too much well actually correction sorry wait mean meant say said "
    "remember precise exactly clear oops basically honestly btw way lot bit currently now today nowadays "
    "day moment time new old again instead finally recently always ever already only even please however "
    "anyway yes yeah oh hey know know guess be have do get go make take come use call name one thing let "
    "there here that this it its own free good nice longer anymore long since ago last week month year "
    "such month per big huge severely extremely highly slightly totally completely quite fairly strongly terribly"
)
"""Words that tell the same fact with or without them."""

CORRECTION = re.compile(
    r"\b(?:actually|correction|i meant|i mean|sorry|no,? wait|oops|to be precise|to be clear|more exactly|mistyped|"
    r"mixed (?:it|that) up|misspoke|i was wrong|got (?:it|that|this) wrong|my mistake|let me correct|i should say|"
    r"in fact|rather)\b",
    re.IGNORECASE,
)
NOW = re.compile(
    r"\b(?:now|these days|nowadays|from now on|as of today|by now|no longer|any ?more|any longer|instead|again)\b"
    r"|\b(?:my|our|a) new\b",
    re.IGNORECASE,
)
"""Words that set what is said apart from what was so before."""


EVENTS = words("visit buy run sell")
"""Relations that happen at a time, and never hold."""

LASTING = words("study meet know birthdate")
"""Relations of which it is the same to have happened and to hold: "graduated in", "has a degree in"."""

OPINIONS = words(
    "great good nice awesome amazing beautiful cute gorgeous wonderful fantastic incredible lovely cool fun funny "
    "tough hard easy difficult important special perfect adorable happy sad proud glad thankful grateful excited sure "
    "lucky ready interesting interested inspiring rewarding fulfilling peaceful joyful joy challenging impressive "
    "stunning super best better worth helpful useful vital key able busy overwhelming stressful calm relaxing fine "
    "crazy"
)
"""What somebody thinks of something, or feels: no value that a later one takes the place of."""

CURRENCY = words("euro dollar pound franc yen cent crown")
"""Units of money, in the form of `SYNONYM`."""

RELATIONS = frozenset({*_VERBS, *_NOUNS, *_DERIVED, *STATES.values()})
"""Relations that the lexicon gives; any other is a verb or a noun as it was said."""

MANY = words(
    "like dislike have visit buy sell run know meet speak play watch see call eat own friend hobby language member "
    "teach write help cook collect volunteer"
)
"""Relations with many values at a time: "now" adds to them, and takes nothing away."""

_RIVALS = """
morning evening afternoon night noon midnight; monday tuesday wednesday thursday friday saturday sunday
mondays tuesdays wednesdays thursdays fridays saturdays sundays; spring summer autumn winter fall
january february march april may june july august september october november december
breakfast lunch dinner supper brunch; left right; upper lower; north south east west; weekday weekend
day week month year hour minute; red blue green yellow black white brown orange purple pink grey blond
sister brother cousin aunt uncle niece nephew mother father son daughter grandmother grandfather husband wife child
dog cat horse rabbit hamster parrot fish bird; car bicycle motorcycle van boat; bus train tram ferry subway metro
wrist ankle knee elbow shoulder hip toe finger; phone tablet laptop watch television
tea coffee juice water milk beer wine
run swim ski cycle hike climb row; break sprain bruise; buy sell; rent salary; winter summer; first second third
learn teach study; call meet email text; read write; arrive leave; open close
friend colleague neighbour boss teacher doctor dentist lawyer
"""
RIVALS: dict[str, str] = {}
"""Word to the group of words of which only one fills a place: "morning" against "evening"."""
for _line in _RIVALS.strip().splitlines():
    for _group in _line.split(";"):
        for _word in _group.split():
            RIVALS.setdefault(_word, _group.split()[0])

TIME_OF_DAY = words("this last next ago today yesterday tomorrow now week")
"""Words of time expressions that are of the day they are said on."""

WEEKDAYS = words("monday tuesday wednesday thursday friday saturday sunday")
HABIT = re.compile(
    r"\b(?:every|each|always|usually|\w+day is when|(?:mon|tues|wednes|thurs|fri|satur|sun)days)\b", re.IGNORECASE
)
"""Words by which a day of the week is every one of them."""

ADDED = re.compile(r"\b(?:also|too|as well|in addition|another|besides|a second|additionally)\b", re.IGNORECASE)
"""Words that set something beside what holds."""

REPLACES = re.compile(
    r"\b(?:instead|rather than|switch(?:ed|ing)?|swapp?(?:ed|ing)?|traded? in|replac(?:ed?|ing)|upgraded?|"
    r"chang(?:ed|ing)|went back|gone back|gone over|going over|moved? over|moved my|turned to|"
    r"(?:my|our|the) new|got a new|no longer|in place of)\b",
    re.IGNORECASE,
)
"""Words that say that something takes the place of something."""

CUE = re.compile(
    r"\b(?:actually|correction|sorry|i mean(?:t)? to say that|i mean(?:t)? that|i mean(?:t)?|i misspoke|i was wrong|"
    r"i got that wrong|no wait|wait no|wait|oops|to be clear|to be precise|for the record|in fact|well|by the way|"
    r"as i said|these days|nowadays|from now on|now|again|instead|still|just|any ?more|any longer|no longer|really|"
    r"usually|always)\b|(?<=\bmy )(?:new|old)\b|(?<=\bour )(?:new|old)\b|(?<=\bthe )(?:new|old)\b",
    re.IGNORECASE,
)
"""Words that tell how something is said, and not what."""
