"""English verb forms, as far as they tell a tense."""

from __future__ import annotations

from enum import StrEnum

from memsvc.language.dates.words import word_list, word_set


class Tense(StrEnum):
    """When what a clause tells happens. UNKNOWN stands for "cannot be told" as well as for mixed signals."""

    PAST = "past"
    PRESENT = "present"
    FUTURE = "future"
    UNKNOWN = "unknown"


PAST = word_set(
    """
    bought laid leant spun slung spelt spoilt smelt strung trod wrung overtook oversaw misunderstood outgrew
    undid withstood foresaw arose ate awoke became began blew bled bred broke brought built burnt came
    caught chose clung crept dealt did drank dreamt drew drove dug dwelt fell felt fled flew flung forbade
    forgot forgave fought found froze gave grew had heard held hid hung kept knelt knew leapt learnt left
    lent lost made meant met mistook overcame overheard overslept paid rang ran rebuilt redid rewrote said
    sang sank sat saw sent sewed shone shook shrank slept slid sold sought sped spent spilt spoke sprang
    stank stole stood struck stuck stung swam swept swore swung taught threw told took tore understood
    undertook underwent went withdrew woke won wore wove wrote did didn't hadn't got
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
    switched swapped
    """
)
"""With "for", "to" or "until", the date is the one that was settled, not the one of settling it."""
MOTION = word_set(
    """
    went came had got began started managed continued happened drove flew ran walked returned stopped rushed headed
    turned ended failed sat stayed cycled travelled traveled
    """
)
"""With an infinitive, that was done then too: "went to see the doctor on Monday"; of other verbs it is open."""
OPEN_PAST = word_set(
    """
    wanted needed required requested hoped expected preferred wished dreaded awaited anticipated feared
    predicted promised offered asked
    """
)
"""What was wanted or feared may lie behind or ahead: "needed it on Monday"."""
INTENDING_NOW = word_set(
    "plan plans hope hopes want wants intend intends need needs expect expects aim aims wish wishes"
)
"""With an infinitive, they look ahead."""
SETTLING = word_set(
    """
    cancelled canceled postponed mentioned forgot discussed announced confirmed accepted declined planned organised
    organized arranged prepared registered reminded remembered invited rescheduled moved proposed suggested chose picked
    agreed booked scheduled cancel postpone reschedule announce confirm considered recommended imagined debated decided
    settled insisted
    """
)
"""What is done with an event, at another time than it: "I cancelled the class on Tuesday", "we moved Saturday"."""
BARE_INFINITIVE = word_set("helped made let saw heard watched had felt help make let see hear watch")
"""Verbs with an infinitive without "to": "helped paint"."""
REPORTING = word_set(
    """
    said told heard knew thought noticed realised realized believed wrote texted emailed mentioned announced
    confirmed promised found learned learnt assumed guessed claimed insisted warned meant typed replied answered
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
    accept accrue add adjourn adopt agree announce answer appeal appear apply arrive ask assess attend audit
    bake become begin believe belong benchmark berth board brew bring build buy call camp cancel catch celebrate
    change check clean clear climb close collect come commute compete complete consult contact continue convene
    cook cost cover cut dance debut decide decorate defend deliver demo depart depend deploy dine discharge
    disembark do dock drive drop eat elect end enjoy enrol enroll enter evaluate examine exercise expect expire
    export face fail fall feed feel fetch file fill finish fix fly follow forget forward foster furnish gather
    get give go grab grade graduate guess hand hang harvest have head hear help hike hire hit hold hope host
    hurt import include inject inspect install interview introduce invite join keep knit know label land lapse
    last launch lead learn lease leave lecture let lift like listen live load lodge look lose love mail make
    marry mean meet merge message migrate miss monitor move mow need negotiate open operate order organise
    organize own pack paint park participate pass patch pay perform phone pick ping plan plant play prefer
    premiere prepare present print promise propose protest prune publish pull push put race raise rally reach
    read reboot receive reconvene refactor register rehearse relocate remain remember remind renew rent reopen
    repair replace reply report require reschedule resign rest restart restore resume retire return review
    revise revoke ride ring rise roll rotate run sail say scan schedule see sell send serve set settle ship show
    shut sign sing sit ski skip sleep sow speak spend stand start stay stop strike study sublet submit sue
    suggest suit support swap swim switch sync tag take talk teach tell test testify text think throw train
    transfer travel treat try turn undergo unfreeze unload unlock update upload use vacate visit volunteer vote
    wait wake walk want wash watch water wear work write
    """
)
_NOUN_LIKE = word_set(
    """
    answer appeal apply audit benchmark berth board brew call camp change check climb cook cost cover cut dance
    debut demo dine dock drive drop end exercise export face feed file fill fix forward foster grade guess hand
    harvest head help hike hit hold hope host import interview invite label land last launch lead lease lecture
    lift like load lodge look love mail merge message monitor move need open order paint park pass patch pay
    phone pick ping plan plant play premiere present print promise publish pull push race raise rally reach read
    rent repair reply report rest return review ride ring rise roll run sail scan schedule set ship show sign
    ski start stay stop strike study support swap switch sync tag talk test text train transfer treat try turn
    update upload use visit vote wait walk wash watch water work
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
BASE_OR_NOUN = frozenset(_NOUN_LIKE)
THIRD_OR_NOUN = frozenset(_third(base) for base in _NOUN_LIKE)
_NOUNS_IN_ING = word_set(
    """
    building meeting showing cleaning feeling hearing training painting being thing ring
    """
)
PROGRESSIVE = frozenset(_progressive(base) for base in _PRESENT) - _NOUNS_IN_ING
EVENTS = word_set(
    """
    run start begin leave arrive end open close expire launch move fly come return turn retire graduate finish
    depart resume reopen land marry renew
    """
)
EVENT_FORMS = EVENTS | frozenset(_third(base) for base in EVENTS)
"""Present forms that, with a date, tell what is planned."""
VISITS = EVENT_FORMS | word_set("visit visits stay stays host hosts go goes drive drives meet meets")
"""Present forms that, with a holiday, tell what is planned."""
