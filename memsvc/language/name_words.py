"""Words that tell names from other words: what is never a name, and what stands before or behind one."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CALENDAR = """
monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays
sundays mon tue tues wed thu thur thurs fri sat sun january february march april may june july august september
october
november december jan feb mar apr jun jul aug sep sept oct nov dec christmas easter thanksgiving halloween ramadan eid
diwali hanukkah passover carnival spring summer autumn winter
montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag januar jänner februar märz mai juni juli oktober
dezember weihnachten ostern pfingsten silvester neujahr
lunes martes miércoles jueves viernes sábado domingo enero febrero marzo abril mayo junio julio agosto septiembre
octubre
noviembre diciembre navidad
lundi mardi mercredi jeudi vendredi samedi dimanche janvier février mars avril juin juillet août septembre octobre
novembre décembre noël pâques
lunedì martedì mercoledì giovedì venerdì sabato domenica gennaio febbraio aprile maggio giugno luglio settembre
ottobre
dicembre natale pasqua segunda terça quarta quinta sexta janeiro fevereiro março maio junho julho setembro outubro
novembro dezembro natal páscoa
maandag dinsdag woensdag donderdag vrijdag zaterdag zondag januari februari maart juni juli augustus kerst pasen
понедельник вторник среда среду четверг пятница пятницу суббота субботу воскресенье январь января февраль февраля март
марта апрель апреля май мая июнь июня июль июля август августа сентябрь сентября октябрь октября ноябрь ноября декабрь
декабря рождество пасха
pazartesi salı çarşamba perşembe cuma cumartesi pazar ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim
kasım
aralık ramazan bayram
"""
_PEOPLES = """
english german french spanish italian portuguese dutch russian arabic chinese japanese hindi turkish korean greek
polish
czech swedish norwegian danish finnish hungarian romanian bulgarian serbian croatian ukrainian hebrew latin thai
vietnamese indonesian malay bengali urdu persian farsi swahili tamil telugu punjabi mandarin cantonese catalan basque
welsh irish scottish british american canadian australian mexican brazilian argentinian argentine chilean colombian
peruvian cuban indian pakistani bangladeshi nepali iranian iraqi syrian lebanese egyptian moroccan tunisian algerian
nigerian kenyan ghanaian ethiopian african asian european scandinavian swiss austrian belgian israeli palestinian
saudi
filipino filipina georgian armenian afghan lithuanian latvian estonian slovak slovenian icelandic maltese cypriot
albanian bosnian americans germans brits italians russians indians canadians europeans africans asians muslim muslims
christian christians jewish jew jews catholic catholics protestant buddhist hindu hindus sikh orthodox roman viking
deutsch deutsche deutscher deutschen englisch englische französisch spanisch italienisch russisch türkisch
español española inglés francés alemán
türk türkçe ingilizce almanca fransızca
"""
_PERSONS_WITHOUT_NAME = """
i me my mine we us you he him she her it they them who mr mrs ms miss dr prof professor sir madam ma'am doctor nurse
mom mum mama dad daddy mommy mummy papa grandma grandpa granny nana auntie uncle aunt sis bro sister brother mother
father
grandmother grandfather boss coach captain king queen prince princess president minister chancellor judge officer
teacher professor sergeant general god lord jesus santa
mutter vater mama papa oma opa tante onkel bruder schwester herr frau fräulein doktor professor gott chef kanzlerin
kanzler
mamá papá abuela abuelo tía tío señor señora doctor doctora don doña dios
maman papi mamie tonton tata monsieur madame mademoiselle maître docteur dieu
мама папа бабушка дедушка тётя дядя доктор профессор президент господин госпожа бог
anne baba abla abi teyze amca doktor avukat bey hanım profesör cumhurbaşkanı allah
mamma papà nonna nonno signor signora signorina dottor dottore dottoressa
mamãe papai mãe pai senhor senhora doutor doutora
mevrouw meneer dokter opa oma
"""
_OTHER = """
ok okay yes no yeah yep nope hi hello hey bye thanks please sorry wow haha lol omg btw fyi asap faq diy etc ps pps
re fwd
cc tbh imo idk brb api url uri pdf csv json xml html css sql http https ssh tcp udp ip id ids uuid cpu gpu ram ssd
usb tv
pc hr ceo cto cfo vp pm am eta gps vat tax mri ct ecg ekg hiv aids dna rna covid bmi sms sim pin atm iban bic kpi
okr faq
ui ux qa ci cd os vm vpn dns ide sdk cli gui todo fixme none null true false nan info warning warn error debug fatal
history biology physics chemistry maths math mathematics geography economics religion sport art music science
internet web wifi wi-fi email e-mail bluetooth earth moon world type vitamin section chapter article page part step
phase
level version grade class room floor gate terminal platform plan option appendix table figure question answer subject
main none monsieur ask call dear hi regards cheers best
"""
CALENDAR = _words(_CALENDAR)
"""Weekdays, months, seasons and feasts: neither names nor a part of one at its beginning."""
NEVER = _words(_CALENDAR) | _words(_PEOPLES) | _words(_PERSONS_WITHOUT_NAME) | _words(_OTHER)
"""Case-folded words that are no name of their own, whatever their capital."""

COMMON_NAMES = _words(
    """
will may can art bill mark rose grace hope faith joy dawn sue pat rob drew grant chase hunter mason carter baker dean
miles heath clay cliff rich penny ruby pearl amber ivy daisy lily violet iris olive holly heather ginger melody
harmony
angel junior major earl duke gene guy buddy sonny sunny star sky rain storm river brook lake ocean sandy rusty dusty
misty rocky june summer autumn april august  frank  chance crystal don dick ray  honor van sterling stone
forest norm herb gay bud chip pierce flash    page cash king prince queen baron sage basil reed wade lance
tab skip patience charity mercy destiny constance prudence felicity clement  victory paris young long little
said
even made love ever lot job line ago else boy mine store beat gun brain floor spring carry silver aid lies kick loan
tiny
desire mile lane tone harm odd comfort colonel ties alert toy hung nail ally fairy martial man per son golden urban
brand
vital edit wolf foster liberty era ring lady hall  price short sharp smart friend able early reason judge true
case
ace bear bee berry birdie blue bo candy cat cherry coco cookie dot fox gem honey jay jet jewel lark merry moon penn
pip
poppy robin roman rowan sailor sienna sparrow trip tripp wren
ernst wolf mark rosa stern horst beat will ehrlich engel klein gross sommer winter wind wald berg jung lang kurz bach
reich kraft frank fein heide linde ute rand rat sie an in am mai
split bath reading nice mobile cork sale male orange deal lens nancy tours march hull rugby sandwich derby bury lead
most normal bend tyre hook hope paradise surprise independence phoenix buffalo hull
luz sol paz rosa pilar mercedes dolores consuelo esperanza alba aurora estrella gloria ángel blanca clara mar nieves
rocío
soledad victoria vida reina cielo perla linda bella bruno justo salvador domingo león flor dulce amor
pierre claire rose aimé marguerite violette blanche fleur prudence constance clémence désiré juste olive ange cerise
jade perle parfait noël
umut deniz yağmur güneş bahar yaz kaya aslan bulut savaş barış onur emin zeki yeni hayat dünya zaman sabah hava can
sevgi
gül çiçek nur ışık toprak rüzgar eylül ekim ay yıldız su derya melek özgür evrim devrim
вера надежда любовь роза лилия майя слава
"""
)
"""Given names and places that are ordinary words too: they need more than a capital at a sentence's beginning."""

TITLES = _words(
    """
mr mrs ms miss mx dr prof professor sir dame madam nurse judge captain sergeant officer coach doctor st saint
herr herrn frau fräulein doktor señor señora sr sra don doña doctor doctora dra monsieur madame mademoiselle mme
mlle m
maître docteur me доктор профессор господин госпожа адвокат doktor avukat profesör öğretmen sayın bay bayan signor
signora
dottor dottoressa senhor senhora doutor doutora mevrouw meneer dokter rechtsanwalt anwalt kollege kollegin
"""
)
"""What stands before a person's name."""

RELATIVES = _words(
    """
sister brother mother father mom mum dad aunt uncle auntie cousin niece nephew wife husband son daughter partner
girlfriend boyfriend fiancé fiancée fiance friend friends buddy pal roommate flatmate neighbour neighbor colleague
coworker boss manager lawyer teacher doctor therapist dentist nurse witness technician driver baby puppy dog cat
kitten
grandma grandpa grandmother grandfather ex stepson stepdaughter twins twin kid named called name's
schwester bruder mutter vater tante onkel cousine cousin nichte neffe frau mann ehemann sohn tochter freund freundin
nachbar nachbarin kollege kollegin chef chefin anwalt anwältin lehrer lehrerin heißt namens hund katze
hermana hermano madre padre tía tío prima primo sobrina sobrino esposa marido mujer hijo hija amigo amiga novio novia
vecino vecina jefe jefa abogado abogada llama llamo
sœur soeur frère mère père tante oncle cousine cousin nièce neveu femme mari fils fille ami amie copain copine voisin
voisine collègue patron appelle
сестра брат мама папа тётя дядя жена муж сын дочь друг подруга сосед соседка коллега начальник адвокат зовут
kardeşim ablam abim annem babam teyzem amcam eşim kocam karım oğlum kızım arkadaşım komşum adım patronum
sorella fratello madre padre zia zio moglie marito figlio figlia amico amica chiama irmã irmão mãe pai tia tio mulher
marido filho filha amigo amiga zus broer moeder vader vriend vriendin vrouw man zoon dochter heet
"""
)
"""Who a person is: a name behind it is a person's."""

DOING = _words(
    """
said says told tells asked asks thinks thought wants wanted loves loved likes liked hates called calls texted phoned
wrote writes replied answered lives lived moved worked studied teaches knew met bought sold brings brought booked
signed
owes lent gave came comes went goes left made proposes proposed agreed suggested promised started stopped played ran
drove
increased lost found won needs felt looked forgot remembered visited stayed kept sent opened joined launched announced
acquired warned denied confirmed runs wrote rewrote deployed sued
hat sagt sagte meint wohnt arbeitet bringt kommt kam ging schuldet mag möchte baut vive trabaja dice dijo trae viene
quiere
habite travaille dit vient veut réserve живёт работает сказал сказала говорит приедет привезёт dedi diyor geliyor
getirecek lavora mora trabalha disse woont werkt zegt zei
"""
)
"""What people do: a sentence's first word before one of these is rather a name than a thing."""

BEING = DOING | _words(
    """
is isn't was wasn't has hasn't had does doesn't did didn't will won't would can can't could should and or who got gets
never always just still already also finally
me te le se nos ist war und wird will kann es está tiene va y est a va et и должна должен ve yarın dün ile nerede
bana è ha e tem é
heeft en
"""
)
"""The same, and what is said of things too."""

LOCATIVES = _words(
    """
in near around across towards toward through outside inside visit visiting visited leaving reach reached leave
nach aus nahe bei en à vers chez depuis в во из на до под из-за около a desde hacia da di em para naar uit te
"""
)
"""Before a name that no list knows: it is a place's."""

BRANDS = _words(
    """
adidas adobe airbnb aldi allianz amazon android apple audi azure bbc boeing bosch bmw canon carrefour chevrolet chrome
cisco citroën coca-cola danone dell deepmind deutsche discord disney docker dropbox ebay edeka ericsson esso facebook
ferrari fiat firefox ford gazprom github gitlab gmail google gucci heineken hertz honda huawei hyundai ibm ikea
instagram
intel oxford cambridge stanford harvard yale princeton berkeley sorbonne java javascript kotlin rust jira kafka kia
kubernetes lego lenovo lidl linkedin linux lufthansa mastercard mazda mcdonald
mercedes messenger microsoft mongodb motorola mysql nestlé netflix nike nikon nintendo nissan nokia nvidia openai opel
oracle panasonic paypal pepsi peugeot philips pinterest playstation porsche postgres postgresql python react reddit
redis
renault revolut rewe rolex ryanair safari salesforce samsung santander shell shopify siemens signal skype slack
snapchat
sony sparkasse spotify starbucks stripe subaru swatch telegram telekom tesla teslas tiktok toshiba toyota twitch
twitter
typescript uber unilever vodafone volkswagen volvo walmart whatsapp wikipedia windows xbox xiaomi yahoo youtube
zalando zara
сбербанк сбербанке сбербанка яндекс яндексе яндекса озон озоне озона вконтакте газпром газпроме газпрома телеграм
телеграме ютуб ютубе авито мегафон билайн
"""
)
"""Organisations and products of daily talk, in scripts with capitals."""

CONNECTORS = _words("of the de da do dos das del della di du des van von der den ten la le el al bin ibn")
"""Small words within a name."""

PLACE_NOUNS = _words(
    """
lake mount mountain mountains mt river park street road avenue lane canyon falls island islands bay beach cross square
valley city town village county province coast desert forest sea ocean gulf strait bridge hill hills creek harbor
harbour
port heights district republic kingdom states peninsula strasse straße platz allee see lac rue avenue calle plaza
playa
avenida via piazza
"""
)
ENTITY_NOUNS = _words(
    """
university college school academy institute bank hospital clinic hotel inn corp corporation inc ltd llc gmbh ag plc
company
co group organization organisation nations union association foundation ministry department committee council agency
commission court museum gallery theatre theater library church festival award cup league club team airlines airways
railways energy insurance treaty war agreement act show times post news app store market cafe café restaurant bar
bakery
pharmacy universidad universität université università universiteit hochschule banco banque banca postale sparkasse
verein verlag krankenhaus klinik museo musée hôpital international systems technologies labs software studio studios
"""
)

ORGANISATIONS = _words(
    """
nasa ibm bbc cnn nato unesco unicef fbi cia bmw dhl ups ikea un eu who nhs nba nfl fifa uefa hsbc kfc aws gcp sap vw
lg hp
amd mit ucla nyu wwf imf oecd opec usps fedex esa cern ing axa kpmg pwc ey bp
"""
)
"""Names written in capitals only; other words of capitals are mostly no names."""
COUNTRIES_IN_CAPITALS = _words("usa uk uae us nyc la dc sf eu")

ELISIONS = _words("l d j qu c n s m t un dell all nell sull dall jusqu lorsqu puisqu")
"""What French and Italian put before an apostrophe."""

CODE_ENDINGS = (
    "Error", "Exception", "Service", "Manager", "Handler", "Form", "View", "Factory", "Config", "Controller", "Model",
    "Client", "Server", "Id", "Test", "Impl", "Base", "Type", "Request", "Response", "Provider", "Warning", "List",
)  # fmt: skip
"""Of identifiers of several capitalised words, which are no names of products."""
