"""Words of time of languages other than English; patterns are regular expressions without groups."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language."""

    offsets: dict[str, int]
    """Days from today."""
    units: dict[str, tuple[str, int]]
    """Unit and step of "last month", "next year"."""
    weekdays: tuple[str, ...]
    """Monday to Sunday, each a pattern."""
    last: str
    """Around a weekday that stands in the place of {day}: "letzten {day}"."""
    next: str
    months: tuple[str, ...]
    day_month: str
    """Around {day} and {month}."""
    past: str
    """What tells that a sentence is of the past."""
    recurring: str
    """What tells that its dates recur, or that their year cannot be known: birthdays."""


_GERMAN = Language(
    offsets={
        r"vorgestern": -2, r"gestern": -1, r"heute": 0, r"übermorgen": 2,
        r"(?<!guten )(?<!heute )(?<!gestern )(?<!am )(?<!jeden )(?<!bis )(?-i:morgen)": 1,
        r"(?<!\w )(?-i:Morgen)(?= (?:früh|abend|nachmittag|mittag|vormittag|um|ist|bin|habe|hat|haben|muss|kommt|komme|"
        r"fahre|fliege|gehe|gehen|fahren|fliegen|geht|wird|werde|kann)\b)": 1,
    },
    units={
        r"letzte woche": ("week", -1), r"vorige woche": ("week", -1), r"nächste woche": ("week", 1),
        r"letzten monat": ("month", -1), r"vorigen monat": ("month", -1), r"nächsten monat": ("month", 1),
        r"letztes jahr": ("year", -1), r"voriges jahr": ("year", -1), r"nächstes jahr": ("year", 1),
        r"dieses jahr": ("year", 0), r"diesen monat": ("month", 0), r"diese woche": ("week", 0),
    },
    weekdays=("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "(?:samstag|sonnabend)", "sonntag"),
    last=r"(?:letzten|vorigen|vergangenen) {day}",
    next=r"(?:nächsten|kommenden) {day}",
    months=("januar", "februar", "märz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november",
            "dezember"),
    day_month=r"{day}\. {month}",
    past=r"\b(?:war|waren|wurde|wurden|hatte|hatten|kam|kamen|ging|gingen|starb|fing|begann|fand|blieb|zog|zogen|fuhr|"
         r"fuhren|flog|flogen|traf|trafen|sah|sagte|machte|kaufte|wollte|musste|konnte)\b|\b(?:habe|hast|hat|haben|habt|bin|"
         r"bist|ist|sind|seid)\b[^.!?\n]{0,120}\b\w{2,}(?:t|en)(?=\s*[.,;!?\n]|\s*$)",
    recurring=r"\b(?:geboren|Geburtstag|jede\w*|immer|jährlich|Jahrestag|Hochzeitstag)\b",
)  # fmt: skip
_SPANISH = Language(
    offsets={
        r"anteayer": -2, r"antes de ayer": -2, r"antier": -2, r"ayer": -1, r"hoy": 0, r"pasado mañana": 2,
        r"(?<!la )(?<!esta )(?<!de )(?<!pasado )(?<!cada )(?<!una )(?<!toda la )mañana(?! de )(?!s)": 1,
    },
    units={
        r"la semana pasada": ("week", -1), r"la próxima semana": ("week", 1), r"la semana que viene": ("week", 1),
        r"el mes pasado": ("month", -1), r"el próximo mes": ("month", 1), r"el mes que viene": ("month", 1),
        r"el año pasado": ("year", -1), r"el próximo año": ("year", 1), r"el año que viene": ("year", 1),
        r"este año": ("year", 0), r"este mes": ("month", 0), r"esta semana": ("week", 0),
    },
    weekdays=("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    last=r"el {day} pasado|el pasado {day}",
    next=r"el próximo {day}|el {day} que viene",
    months=("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "sep?tiembre", "octubre",
            "noviembre", "diciembre"),
    day_month=r"{day} de {month}",
    past=r"\b(?:fue|fueron|era|eran|estaba|estuvo|estuve|tuve|tuvo|hice|hizo|fui|fuimos|hubo|vino|vine|murió|he|has|ha|"
         r"hemos|han|había|tenía|iba|quería|vivía|dijo|pude|pudo|supe|puse|\w+(?:(?<!r)é|ó|aron|ieron|aba|aban|aste|iste))\b",
    recurring=r"\b(?:nac\w+|cumpleaños|cada|siempre|aniversario|todos los)\b",
)  # fmt: skip
_FRENCH = Language(
    offsets={
        r"avant-hier": -2, r"hier": -1, r"aujourd['’]hui": 0, r"après-demain": 2, r"(?<!après-)demain": 1,
    },
    units={
        r"la semaine dernière": ("week", -1), r"la semaine prochaine": ("week", 1),
        r"le mois dernier": ("month", -1), r"le mois prochain": ("month", 1),
        r"l['’]année dernière": ("year", -1), r"l['’]an dernier": ("year", -1), r"l['’]année prochaine": ("year", 1),
        r"l['’]an prochain": ("year", 1), r"cette année": ("year", 0), r"ce mois-ci": ("month", 0),
        r"cette semaine": ("week", 0),
    },
    weekdays=("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    last=r"{day} dernier",
    next=r"{day} prochain",
    months=("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
            "décembre"),
    day_month=r"{day}(?:er)? {month}",
    past=r"\b(?:était|étaient|étais|avait|avais|avaient|fut|allait|voulait)\b|\b(?:ai|as|a|avons|avez|ont|suis|es|est|sommes|"
         r"êtes|sont)\b(?: \w+)? \w+(?:é|ée|és|ées|i|ie|is|it|u|ue|us|ues|ert|erte)\b",
    recurring=r"\b(?:né|née|anniversaire|chaque|toujours|tous les)\b",
)  # fmt: skip
_ITALIAN = Language(
    offsets={
        r"l['’]altro ieri": -2, r"avantieri": -2, r"ieri": -1, r"oggi": 0, r"dopodomani": 2, r"domani": 1,
    },
    units={
        r"la settimana scorsa": ("week", -1), r"la scorsa settimana": ("week", -1),
        r"la prossima settimana": ("week", 1), r"la settimana prossima": ("week", 1),
        r"il mese scorso": ("month", -1), r"lo scorso mese": ("month", -1), r"il mese prossimo": ("month", 1),
        r"il prossimo mese": ("month", 1), r"l['’]anno scorso": ("year", -1), r"lo scorso anno": ("year", -1),
        r"l['’]anno prossimo": ("year", 1), r"il prossimo anno": ("year", 1), r"quest['’]anno": ("year", 0),
        r"questo mese": ("month", 0), r"questa settimana": ("week", 0),
    },
    weekdays=("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"),
    last=r"(?:lo scorso |la scorsa ){day}|{day} scors[oa]",
    next=r"(?:il prossimo |la prossima ){day}|{day} prossim[oa]",
    months=("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre",
            "novembre", "dicembre"),
    day_month=r"{day}°? {month}",
    past=r"\b(?:era|erano|fu|furono|ero|avevo|aveva|avevano|volevo|\w+(?:ava|avano|evano|ò))\b|\b(?:ho|hai|ha|abbiamo|avete|"
         r"hanno|sono|sei|siamo|siete|è)\b(?: \w+)? \w+(?:at|ut|it|rt|rs|tt|st)[oaie]\b",
    recurring=r"\b(?:nat[oa]|compleanno|ogni|sempre|anniversario|tutti)\b",
)  # fmt: skip
_PORTUGUESE = Language(
    offsets={
        r"anteontem": -2, r"antes de ontem": -2, r"ontem": -1, r"hoje": 0, r"depois de amanhã": 2,
        r"(?<!depois de )amanhã": 1,
    },
    units={
        r"(?:a |na )?semana passada": ("week", -1), r"(?:a |na )?próxima semana": ("week", 1),
        r"(?:a |na )?semana que vem": ("week", 1), r"(?:o |no )?mês passado": ("month", -1),
        r"(?:o |no )?próximo mês": ("month", 1), r"(?:o |no )?mês que vem": ("month", 1),
        r"(?:o |no )?ano passado": ("year", -1), r"(?:o |no )?próximo ano": ("year", 1),
        r"(?:o |no )?ano que vem": ("year", 1), r"(?:este|neste) ano": ("year", 0), r"(?:este|neste) mês": ("month", 0),
        r"(?:esta|nesta) semana": ("week", 0),
    },
    weekdays=("segunda(?:-feira)?", "terça(?:-feira)?", "quarta(?:-feira)?", "quinta(?:-feira)?", "sexta(?:-feira)?",
              "sábado", "domingo"),
    last=r"{day} passad[oa]",
    next=r"próxim[oa] {day}|{day} que vem",
    months=("janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro",
            "novembro", "dezembro"),
    day_month=r"{day} de {month}",
    past=r"\b(?:foi|foram|era|eram|estava|esteve|tive|teve|fiz|fez|fui|fomos|houve|veio|vim|tinha|queria|vivia|disse|"
         r"\w{2,}(?:ou|ei|iu)|\w{3,}eu|\w+(?:aram|eram|iram|ava|avam))\b",
    recurring=r"\b(?:nasc\w+|aniversário|cada|sempre|todos)\b",
)  # fmt: skip
_DUTCH = Language(
    offsets={
        r"eergisteren": -2, r"gisteren": -1, r"vandaag": 0, r"overmorgen": 2,
        r"(?<!goede )(?<!elke )(?<!de )(?<!iedere )(?<!deze )(?<!op een )(?<!gister)(?-i:morgen)(?! en\b)": 1,
        r"(?<!\w )(?-i:Morgen)(?= \w)": 1,
    },
    units={
        r"vorige week": ("week", -1), r"afgelopen week": ("week", -1), r"volgende week": ("week", 1),
        r"vorige maand": ("month", -1), r"volgende maand": ("month", 1), r"vorig jaar": ("year", -1),
        r"volgend jaar": ("year", 1), r"dit jaar": ("year", 0), r"deze maand": ("month", 0), r"deze week": ("week", 0),
    },
    weekdays=("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"),
    last=r"(?:vorige|afgelopen) {day}",
    next=r"(?:volgende|komende) {day}",
    months=("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober",
            "november", "december"),
    day_month=r"{day} {month}",
    past=r"\b(?:was|waren|werd|werden|had|hadden|kwam|kwamen|ging|gingen|vond|zag|zei|kocht|moest|wilde|kon)\b|\b(?:heb|hebt|"
         r"heeft|hebben|ben|bent|is|zijn)\b[^.!?\n]{0,120}\b\w*ge\w{2,}(?:d|t|en)\b",
    recurring=r"\b(?:geboren|verjaardag|jarig|elke?|altijd|jaarlijks)\b",
)  # fmt: skip
LANGUAGES = {
    "de": _GERMAN, "es": _SPANISH, "fr": _FRENCH, "it": _ITALIAN, "pt": _PORTUGUESE, "nl": _DUTCH,
}  # fmt: skip
OFFSETS_ONLY = {
    "zh": {
        "大前天": -3,
        "前天": -2,
        "昨天": -1,
        "昨日": -1,
        "今天": 0,
        "今日": 0,
        "明天": 1,
        "明日": 1,
        "后天": 2,
        "後天": 2,
    },
    "ja": {"一昨日": -2, "おととい": -2, "昨日": -1, "今日": 0, "明日": 1, "明後日": 2, "あさって": 2},
    "ru": {"позавчера": -2, "вчера": -1, "сегодня": 0, "завтра": 1, "послезавтра": 2},
}
"""Days from today in languages of which only these words, and dates in full, are read."""

PAST_AND_RECURRING = {
    "zh": (r"[了过過]|去年|曾|前年", r"每|生日|生于|出生|纪念日|節|节"),
    "ja": (r"(?:た|ました|でした)(?=[。、！？\s]|$)|た(?:。|よ|ね|ん|の)|去年", r"毎|誕生日|生まれ|記念日"),
}
"""What tells that a sentence is of the past, and that its dates recur, where only dates in full are read."""
