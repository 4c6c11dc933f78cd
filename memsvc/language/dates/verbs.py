"""English verb forms, as far as they tell a tense."""

from __future__ import annotations

from memsvc.language.dates.words import word_list, word_set

PAST = word_set(
    """
    arose ate awoke became began blew bled bred broke brought built burnt came caught chose clung crept dealt
    did drank dreamt drew drove dug dwelt fell felt fled flew flung forbade forgot forgave fought found froze
    gave grew had heard held hid hung kept knelt knew leapt learnt left lent lost made meant met mistook
    overcame overheard overslept paid rang ran rebuilt redid rewrote said sang sank sat saw sent sewed shone
    shook shrank slept slid sold sought sped spent spilt spoke sprang stank stole stood struck stuck stung swam
    swept swore swung taught threw told took tore understood undertook underwent went withdrew woke won wore
    wove wrote did didn't hadn't got
    """
)
"""Irregular past forms that are hardly ever anything else; "got" is looked at more closely."""
PAST_OR_NOUN = word_set(
    """
    shot rose wound ground bore lay bit dove bound thought bent lit fed led spat lied felt
    """
)
"""Past forms that are nouns, adjectives or present forms as well: verbs where a subject pronoun stands before them."""
PAST_OR_BASE = word_set(
    """
    put set cut let hit cost quit read shut hurt beat spread split bet burst cast shed thrust upset fit bid rid
    broadcast forecast
    """
)
"""Past forms equal to the base form: past after a singular subject of the third person."""
PARTICIPLES = word_set(
    """
    been gone done seen taken given written eaten driven flown fallen known shown broken chosen spoken stolen
    worn torn sworn grown drawn thrown blown forgotten frozen hidden ridden risen sung sunk begun drunk run come
    become swum woken bitten beaten gotten proven arisen forgiven mistaken overdue
    """
)
NO_PAST_ED = word_set(
    """
    need feed speed seed weed bleed breed exceed proceed succeed indeed hundred naked wicked sacred kindred
    hatred embed greed creed heed reed deed red bed shed sled wed fed led ted ned med newlywed unfed infrared
    """
)
"""Words in -ed that are no past forms."""
SCHEDULING = word_set(
    """
    booked scheduled moved postponed pushed rescheduled shifted planned set reserved arranged invited delayed
    extended pencilled penciled slated brought changed deferred adjourned fixed
    """
)
"""With "for", "to" or "until", the date is the one that was settled, not the one of settling it."""
INTENDING = word_set(
    """
    wanted planned hoped decided agreed promised intended needed forgot asked told offered arranged meant
    expected threatened refused chose wished reminded invited urged begged advised encouraged aimed volunteered
    swore vowed thought fixed scheduled booked supposed preferred liked used allowed
    """
)
"""With an infinitive, they leave open when that is done: "I wanted to go on Monday"."""
REPORTING = word_set(
    """
    said told heard knew thought noticed realised realized believed wrote texted emailed mentioned announced
    confirmed promised found learned learnt assumed guessed claimed insisted warned
    """
)
THINKING = word_set(
    """
    think know hope guess said says say told believe suppose bet feel figure reckon suggest wish hear
    """
)
"""A clause without "that" may follow: "I think Monday works"."""
_PRESENT = word_list(
    """
    accept add agree announce answer apply arrive ask attend become begin believe bring build buy call cancel
    catch celebrate change check clean close collect come complete consult contact continue convene cook cover
    cut dance decide deliver deploy depart dine do drive drop eat end enjoy enter exercise expect expire face
    feed feel fetch fill finish fix fly follow forget forward gather get give go graduate grab graduate guess
    hand hang have head hear help hire hit hold hope host inspect install interview introduce invite join keep
    know land last launch lead learn leave let lift like listen live look lose love mail make marry mean meet
    message miss move need open order organise organize pack paint park participate pass pay perform phone pick
    ping plan play prefer prepare present propose print promise publish pull push put reach read receive
    remember remind rent renew repair replace reply report reschedule rest resume retire return review ride ring
    run sail say schedule see sell send serve set ship show shut sign sing sit skip sleep speak spend stand
    start stay stop study submit suggest suit swap swim switch take talk teach tell test text think throw train
    transfer travel treat try turn undergo unlock update upload use vacate visit wait wake walk want wash watch
    wear work write cost depend include own require remain belong fall fail rise hurt expect host raise reopen
    restart resign re-open
    """
)
_NOUN_LIKE = word_set(
    """
    answer apply call change check cook cover cut dance dine drive drop end exercise face feed fill fix forward
    guess hand head help hit hold hope host interview invite land last launch lead lift like look love mail
    message move need open order paint park pass pay phone pick ping plan play present print promise publish
    pull push reach read rent repair reply report rest return review ride ring run sail schedule set ship show
    sign start stay stop study switch talk test text train transfer treat try turn update upload use visit wait
    walk wash watch work cost rise raise
    """
)
"""Verbs whose form in -s is often the plural of a noun."""


def _third(base: str) -> str:
    if base in {"have", "do", "go"}:
        return {"have": "has", "do": "does", "go": "goes"}[base]
    if base.endswith("y") and base[-2] not in "aeiou":
        return f"{base[:-1]}ies"
    return f"{base}es" if base.endswith(("s", "sh", "ch", "x", "z", "o")) else f"{base}s"


def _progressive(base: str) -> str:
    if base in {"run", "get", "put", "set", "sit", "stop", "swim", "drop", "begin", "cut", "let", "hit", "shut", "plan",
                "skip", "travel", "ship", "swap", "submit", "grab"}:  # fmt: skip
        return f"{base}{base[-1]}ing"
    return f"{base[:-1]}ing" if base.endswith("e") and base not in {"see", "be"} else f"{base}ing"


BASE = frozenset(_PRESENT)
THIRD = frozenset(_third(base) for base in _PRESENT if base not in _NOUN_LIKE)
"""Present forms of the third person that are hardly ever nouns."""
THIRD_OR_NOUN = frozenset(_third(base) for base in _NOUN_LIKE)
_NOUNS_IN_ING = word_set(
    """
    building meeting showing cleaning feeling hearing training painting being thing ring
    """
)
PROGRESSIVE = frozenset(_progressive(base) for base in _PRESENT) - _NOUNS_IN_ING
EVENTS = word_set(
    """
    start begin leave arrive end open close expire launch move fly come return turn retire graduate finish
    depart resume reopen land marry renew
    """
)
EVENT_FORMS = EVENTS | frozenset(_third(base) for base in EVENTS)
"""Present forms that, with a date, tell what is planned."""
