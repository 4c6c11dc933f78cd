"""Words and set phrases that greet, thank, agree, judge or connect, and tell nothing of anybody.

Closed classes, as far as they are: in English, and the commonest words of the other large languages. Persons that
something could be told of ("I", "she", "we"), negations and verbs of doing are on no list.
"""

from __future__ import annotations

import re

_GREETINGS_WORDS = """
hi hey hello hiya howdy bye goodbye cheers welcome morning afternoon evening night goodnight ciao later soon hallo
tschüss moin servus hola adiós buenas buenos días tardes noches bonjour bonsoir salut revoir olá oi tchau bom boa
dia tarde noite hoi doei dag buongiorno buonasera arrivederci привет здравствуйте пока доброе утро добрый день вечер
مرحبا أهلا السلام عليكم صباح الخير نمस्ते नमस्ते नमस्कार merhaba selam günaydın görüşürüz
"""
_THANKS_WORDS = """
thank thanks thx ty danke dankeschön gracias merci obrigado obrigada grazie bedankt dank спасибо благодарю شكرا
धन्यवाद शुक्रिया teşekkürler teşekkür sağol
"""
_ASSENTS_WORDS = """
yes yeah yep yup yea ok okay okey sure right exactly definitely absolutely totally indeed agreed understood alright
certainly gotcha noted roger deal ja genau klar sí claro vale oui bien d'accord sim certo sì да хорошо ладно نعم حسنا हाँ
ठीक evet tamam abgemacht
"""
_JUDGING_WORDS = """
awesome great cool nice amazing wonderful fantastic incredible lovely super wow woah whoa oh ah aw aww haha hahaha
lol good perfect brilliant excellent fine glad happy fun congrats congratulations interesting impressive sweet
beautiful gorgeous fascinating inspiring exciting adorable cute stunning yay ugh gosh omg phew hooray hmm hm well
please sorry enjoy luck care sounds cheers bravo toll schön prima genial qué bueno perfecto parfait génial ottimo
perfeito здорово отлично رائع बढ़िया harika güzel
"""
_CONNECTING_WORDS = """
that's that this it it's is are be so very really too just also much lot a an the of for to and with all you you're
your yours here there now then again time day one what how look looks sound hear know mean let's up in on at god
goodness bit such pretty quite truly dear buddy friend pal man dude guys everyone way things thing stuff always week
weekend rest es das ist sehr und für el la los las un una muy y por para c'est très et
le les il è molto e
"""
_ASKING_WORDS = """
what how when why who where which about up is it it's that's you your are do did was think feel doing going been and
new else so then ok really right everything things today
"""
_WHOLE_WORDS = """
谢谢 谢谢你 谢谢您 多谢 你好 您好 再见 好的 好 嗯 哈哈 太好了 ありがとう
ありがとうございます こんにちは おはよう おはようございます こんばんは
はい うん なるほど すごい 了解 了解です いいね 감사합니다
안녕하세요 네 좋아요 ขอบคุณ สวัสดี
"""
_OPENER_WORDS = "hi hey hello hiya howdy bye goodbye hallo hola bonjour ciao olá привет مرحبا नमस्ते merhaba"
_PERSON_WORDS = "i me my mine myself we us our ours he him his she her hers they them their theirs said says"

GREETINGS = frozenset(_GREETINGS_WORDS.split())
"""Greet, or take leave."""
THANKS = frozenset(_THANKS_WORDS.split())
"""Thank."""
ASSENTS = frozenset(_ASSENTS_WORDS.split())
"""Agree."""
JUDGING = frozenset(_JUDGING_WORDS.split())
"""Judge, wish or exclaim without saying what about."""
CONNECTING = frozenset(_CONNECTING_WORDS.split())
"""Stand between the others."""
ASKING = frozenset(_ASKING_WORDS.split())
"""Of questions that name nothing."""
OPENERS = frozenset(_OPENER_WORDS.split())
"""Greet and mean nothing else; "later" or "morning" may answer a question."""
WHOLE = frozenset(_WHOLE_WORDS.split())
"""Whole sentences of scripts without blanks between words."""
PERSONS = frozenset(_PERSON_WORDS.split())
"""Of whom something may be told."""

# Set phrases with a person or a negation in them that tell nothing of anybody.
IDIOM = re.compile(
    r"\b(?:no worries|no problem|don't mention it|my pleasure|oh my (?:god|gosh)|thank god|"
    r"(?:i )?(?:really |truly |so )?appreciate (?:it|that|you|your (?:help|time|kindness|support))|"
    r"(?:i'm|i am) (?:so |really |very |truly )*(?:glad|happy|sorry|pleased|thrilled) "
    r"(?:for you|to hear (?:that|it|this))|"
    r"nice to (?:meet|see|hear from) you|you(?:'re| are) (?:very |most )?welcome|"
    r"(?:talk|speak|see|catch up) (?:to |with )?(?:you |ya )?(?:soon|later|then|around|tomorrow)|"
    r"take care(?: of yourself)?|have a (?:very )?(?:good|great|nice|lovely|wonderful|safe|fun|pleasant) "
    r"(?:day|one|night|evening|weekend|week|time|trip|flight)|enjoy (?:the|your) (?:rest of (?:the|your) )?"
    r"(?:day|night|evening|weekend|week|meal|lunch|dinner|trip|holidays?)|"
    r"well done|(?:good|great|nice) (?:job|work)|sounds like a plan|keep it up|keep up the (?:good|great) work)\b",
    re.IGNORECASE,
)
