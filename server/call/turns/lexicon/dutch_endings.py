"""Endings of Dutch: how a caller's text may end, and what its end tells."""

import re

from server.call.turns.lexicon.dutch_writing import NUMBERS
from server.call.turns.lexicon.grammar import last_words

_ASKING = r"(?:wat|wie|waar|wanneer|waarom|hoe|hoeveel|welke?|waarvoor|waarmee|waarover|waarheen|waarvan)"
"""Question words."""
_PERSON = r"(?:ik|je|jij|u|we|wij|jullie|hij|iemand|men)"
_NOUN = r"(?:de|een|mijn|jouw|uw|onze|ons|hun|haar)"
"""What a noun begins with."""
_ABLE = r"(?:kan|kun|kunt|kunnen|zou|zouden|zal|zullen|wilt|wil)"
"""Verbs that, before their subject, mostly want another verb at the end of the sentence."""
_AUXILIARY = (
    rf"(?:{_ABLE}|is|ben|bent|zijn|was|waren|heb|hebt|heeft|hebben|had|hadden|kon|konden|willen|wilde|wou|moet|moeten"
    r"|mag|mogen|word|wordt|worden|werd|gaat|ga|gaan|hoef|hoeft)"
)
_VERB = (
    rf"(?:{_AUXILIARY}|komt|kom|doet|doen|doe|weet|weten|kost|kosten|duurt|werkt|klopt|levert|leveren|bezorgen|bezorgt"
    r"|neemt|nemen|accepteert|accepteren|verkoopt|verkopen|sluit|sluiten|hoort|hoor|spreek|spreekt|krijg|krijgt|krijgen"
    r"|past|lukt|rijdt|vertrekt|staat|ligt|zit|geldt|begrijpt|bedoelt|bedoel|denkt)"
)
"""Verbs with which a question may begin."""
_OPENING = (
    r"(?:hallo|hoi|hé|hey|dag|goedemorgen|goedemiddag|goedenavond|goede|goeie|morgen|middag|avond|en|maar|of|dus|ja|nee"
    r"|oké|goed|nou|eh|ehm|hm|bedankt|dank u wel|dank je wel|dank u|sorry|pardon|meneer|mevrouw|zeg|prima|oh)"
)
"""What callers say before the sentence proper."""
_START = rf"(?:^(?:{_OPENING} )*)"
_PREPOSITION = r"(?:om|vanaf|tot|sinds|voor|met|van|aan|in|op|bij|onder|uit|naar|tegen|over|na|door)"
ANNOUNCES = re.compile(
    r"\b(?:(?:heb|had|hebben|hadden) (?:ik |we |wij )?(?:nog |even |ook |graag |hier )*(?:een )?(?:andere |kleine )?"
    r"(?:vraag|vraagje|probleem|probleempje|verzoek)|(?:me|mij|ons) (?:even |misschien )?helpen"
    r"(?: alstublieft| alsjeblieft)?|(?:iets|wat) vragen|heb (?:even |wat |uw |je )*hulp nodig)$"
)
_FIGURE = rf"(?:{'|'.join(map(NUMBERS.say, range(100)))}|honderd|duizend)"
LONE_FIGURE = re.compile(
    # om tien · kwart over drie · half vijf · om tien uur dertig · zeven keer acht · twaalf euro vijftig
    r"\b(?:om|rond|tegen|vanaf|tot|na|voor|over|half|plus|min|keer|maal|door|van|op|dan|euro|uur|met) "
    rf"(?:{_FIGURE}|een)$"
)
_BEFORE_ONE = rf"(?:{_FIGURE}|nummer|(?<!gaat )(?<!gaat het )om|half|plus|min|keer|tot|rond|huisnummer|code|dubbel)"
"""Words after which "een" is the number and not the article."""
MORE_FIGURES = re.compile(
    # j a n · a van anton · vier twee een
    rf"(?:.* )?[a-tv-zë]$|.*\b[a-z] van \w+$|.*\b{_BEFORE_ONE} een$"
)

_NO_VERB = (
    r"(?:geen|alleen|morgen|tegen|binnen|buiten|boven|beneden|tussen|samen|negen|zeven|mensen|personen|dagen|weken|uren"
    r"|minuten|iedereen|kunnen|willen|mogen|schoenen|kinderen|gegevens|namen|gisteren|eigen|open|bloemen|kaarten"
    r"|meteen)"
)
"""Words that end as infinitives do, and are none."""
_NO_INFINITIVE = rf"(?!.* (?!{_NO_VERB}\b)(?:\w{{3,}}en|\w*(?:gaan|staan|slaan|doen|zien)|zijn)\b)"
"""Matches where no infinitive follows."""
_NO_FINITE = (
    rf"(?:{_NO_VERB}|niet|het|dat|met|wat|uit|dit|tot|pakket|\w*nacht|restaurant|markt|product|recept|bericht|laat|vast"
    r"|echt|vandaag|\w*heid|apparaat|contact|kwart|straat|rest)"
)
"""Words that end as verbs do at the end of a clause, and are none."""
_FINITE = (
    rf"(?:(?!{_NO_FINITE}\b)\w{{2,}}(?:t|en)|is|ben|zijn|was|heb|had|kan|kon|zal|zou|wil|mag|word|werd|ga|doe|kom|weet"
    r"|gaan|staan|doen|zien|hoef|woon|zoek|bel)"
)
UNFINISHED = re.compile(
    # kunt u mij het nummer · wanneer kan ik mijn pakket · ik zou graag een tafel, but: kan ik hier terecht
    rf"(?:{_START}(?:dan )?(?:(?:{_PREPOSITION} )?{_ASKING}(?: \w+){{0,2}}? )?{_ABLE} (?:{_PERSON}|er|mijn|onze|de)"
    r"|(?<!dat )(?<!dan )(?<!daar )(?<!zo )(?<!als )\b(?:kunt u|kun je|kan je|zou u|zou je|zou ik)"
    r"|\b(?:ik|we|wij) (?:zou|zouden|wilde|wou)|\bik (?:wil|moet) (?:graag |even )*(?:mijn|onze)"
    r"|\bmag ik (?:u|je|even|misschien|hier|morgen))"
    rf"\b{_NO_INFINITIVE}(?!.* (?:niet|terecht|mee|terug|langs|weg|door)$)"
    # weten of mijn pakket · weten wanneer mijn pakket
    rf"|\b(?:(?:vragen|weten|zeggen|weet|nakijken|kijken) (?:of|{_ASKING})|omdat|zodat)(?= )(?!.* {_FINITE}\b)"
    # vanaf wanneer bezorgt · hoe lang duurt
    rf"|{_START}(?:{_PREPOSITION} )?(?:wanneer|waar|wat|hoe (?:lang|laat|vaak|veel)|hoeveel) (?!is|was){_VERB}$"
)
"""A clause that lacks its verb, or a question that lacks its subject."""
_THAT_CLAUSE = (
    rf"(?:(?:als|omdat|zodat|totdat|zoals) (?:\w+ )+|(?:of|{_ASKING}|hoe \w+|welke? \w+|die|dat)"
    rf" (?:{_PERSON}|ze|het|dat|dit|er|alles|{_NOUN} \w+) (?:\w+ )*)"
)
"""The beginning of a clause that has its verb at the end."""
_PREFIXES = {
    "aan": "ga sta kom trek vraag vragen neem doe zet bied raad geef meld pas spreek kijk bel sluit rustig",
    "bij": "blijf hoor leg boek kom er",
    "door": "ga geef stuur kom lees verbind bel loop",
    "in": "houd vul log check schakel lever stap val stem schrijf voer dien stel zet",
    "na": "kijk ga denk vraag tel loop",
    "om": "ruil kleed zet draai kom val keer boek",
    "onder": "ga",
    "op": "bel hang let hou houd neem schrijf geef zoek haal los ruim stuur zeg vraag eet pas start sla leg schiet",
    "over": "is maak zet stap hou blijf draag neem",
    "tegen": "kom val werk zit zeg",
    "uit": "sta kijk zet leg zie ziet maak kom ga zoek print schakel stel val log doe voer sluit kies reken stap nodig",
    "van": "hou",
    "voor": "stel bereid doe lees kom zorg schrijf",
}
"""Prepositions that are also prefixes of verbs, with the beginnings of the verbs: "belt u me morgen op". Some are no
verbs: "rustig aan"."""

_OPEN_WORDS = {
    # belt u me op · waar gaat het over · daar kan ik niet tegen
    prefix: rf"(?:(?:{verbs.replace(' ', '|')})\w*|waar|daar|er)(?: \w+)*(?<!vraag)(?<!probleem)(?<!afspraak) \w+"
    for prefix, verbs in _PREFIXES.items()
} | {
    "de zo'n mijn uw jouw onze hun en want omdat doordat zodat hoewel terwijl voordat nadat totdat tenzij mits "
    "als noch zowel behalve zoals zonder tot te met per via sinds vanaf tijdens vanwege wegens circa minstens "
    "hoogstens zelfs heel zeer nogal half dubbel dubbele apenstaartje at bijvoorbeeld namelijk plus min tussen "
    "rond volgens eh ehm hm tja goede goeie vriendelijke hartelijke": r"(?!)",
    "naar": r"(?:waar|daar|er) (?:\w+ )*naar",
    "kwart": r"(?:een|drie) kwart",
    "erg": r"(?:heel|vind|spijt) (?:\w+ )*erg",
    "of": r"(?:toch|klopt|wel) of",
    "een": rf"{_BEFORE_ONE} een",
    "geen": r"(?:er|nog) geen",
    "ongeveer bijna": r"(?:er|hoeveel|wanneer) \w+|(?:hoe lang|hoeveel|wanneer) .+ ongeveer",
    "nog": (
        r"(?:klopt|werkt|geldt|wat|wie|altijd|nu|ze|het|dat|morgen) nog"
        r"|(?:bent u|ben je|is ze|is hij|zijn we|is die) er nog"
    ),
    "maar": r"(?:zeg|doe|ga|kom|vertel|laat|geef|wacht|vraag|probeer|neem|bel|stuur|zet)\w*(?: \w+){0,3} maar",
    # sinds wanneer · dat weet ik niet waar
    "waar wanneer waarom hoe wie welke welk hoeveel waarvoor waarmee waarover": (
        rf"^(?:(?:en|ja|maar|{_PREPOSITION}) )*\w+|niet \w+"
    ),
    "toen": r"(?:van|sinds) toen",
    # waar mijn bestelling is · dat mag · kan ik een koffie hebben, but: de broek die ik besteld heb is
    "is ben bent zijn was waren heb hebt heeft hebben had hadden kan kun kunt kunnen kon zal zult zullen zou zouden "
    "wil wilt willen wilde wou moet moeten mag mogen word wordt worden werd ga gaat gaan heet hoef hoeft": (
        rf"{_THAT_CLAUSE}(?<!heb )(?<!heeft )(?<!hebt )(?<!is )(?<!kan )\w+|(?:dat|het) (?:kan|mag|moet|hoeft|gaat|wil)"
        r"|(?:open|klaar|mogelijk|goed|ge\w+) (?:is|was|zijn)|te (?:hebben|zijn|worden|gaan)"
        rf"|(?:even|verder|naar \w+) gaan|(?:{_ABLE}|moet|moeten|mag|wilde)\b.* (?:hebben|zijn|worden|kunnen|gaan)"
    ),
    # dat weet ik · denk ik · wie ben ik
    "ik": (
        r"(?:dat|die|deze|zo|ja|nee|hier) (?:weet|denk|wil|heb|ben|bedoel|neem|begrijp|snap|kan|vind|hoop|zoek|was) ik"
        r"|(?:denk|geloof|hoop|vind|dacht) ik|(?:wie|waar) ben ik|(?:wat|hoeveel) (?:doe|betaal|krijg) ik|(?:als|en) ik"
    ),
}
_CLOSING_WORDS = {
    # kunt u · wanneer u · ik geef u · ik heb bij u · wat is je, but: wie bent u · dank u
    "u je jij we wij jullie hij ze zij": (
        rf"(?<!wie )(?<!waar )(?<!wat ){_AUXILIARY} \w+|(?:of|als|dat|omdat|wanneer|waar|wat|hoe|en dan|maar|toen) \w+"
        rf"|^(?:{_OPENING} )*(?!je|jij|u)\w+|(?:ik|geef|stuur|zeg) (?:wil |wilde |geef |zou |heb )?(?:u|je)"
        r"|(?:me|mij|heb|of je|of ik) bij (?:u|jullie)|(?:is|van|voor|in|op|bij) je"
    ),
    # is het · in het · of het, but: hoe laat is het · wat kost het
    "het": (
        rf"(?<!laat )(?<!waar )(?<!hoeveel )(?<!wie )(?<!lang )"
        rf"(?<!duur )(?<!ver )(?<!zo )(?<!dat )(?<!ik )(?<!we ){_AUXILIARY} het|^het"
        rf"|{_ABLE} {_PERSON} het"
        rf"|(?:{_PREPOSITION}|en|of|als|dat|omdat|maar|want|wanneer|waar|wat|dan|toen|ja|is dit|zoek|kies) het"
    ),
    # is dat · ik hoop dat · van dat, but: wat is dat · kan dat · ik neem dat
    "dat dit die deze": (
        rf"(?<!wat )(?<!waar )(?<!wie )(?<!laat )(?:is|was|zijn|heeft) \w+|{_ABLE} {_PERSON} \w+"
        r"|(?:hoop|denk|vind|zei|zegt|zeggen|gehoord|geloof|weet|en|of|als|maar|omdat|zo) \w+"
        rf"|{_PREPOSITION} \w+|^(?:{_OPENING} )*(?:dat|dit)"
    ),
    # is er · ik heb er, but: wat is er · is mijn pakket er
    "er": (rf"(?<!wie )(?<!wat )(?<!hoeveel ){_AUXILIARY}(?: {_PERSON})? er|ik (?!ben)\w+ er|(?:of|als|dat|en) er"),
    "graag liever": (
        r"(?:ik|we|wij|zou|wil)(?: (?:wil|wilde|zou|had|heb|hebben|zouden|willen|neem|bestel))?(?: heel| ook)? \w+"
    ),
    # ik heb ook · ik heb de router al · heeft u misschien · geeft u mij even, but: ik ook · wacht even
    "ook al even alstublieft alsjeblieft misschien eens nu gewoon vandaag morgen gisteren eigenlijk echt": (
        r"(?:ik|we|wij) (?:wil|heb|ben|hebben|zijn|had|neem|moet|kan|zit)(?: (?:u|me|nu|er|ook|nog))* \w+"
        rf"(?<!ben er al)|(?:{_ABLE}|mag|heeft|hebt|heb|bent|is) (?:{_PERSON}|er|het|dat)"
        r"(?: (?:mij|me|ons|even|ook))* \w+(?<!is er al)|(?:en|of|maar|geeft u mij|geef me|gaat u|dan) \w+"
        r"|(?:ik|we) \w+(?: \w+){2} eigenlijk|(?:ik|we) (?:heb|ben|hebben)(?: \w+){2,3} al|ik wacht er al"
    ),
    "dus nou": r"^(?:en |ja |nee |oké )*\w+|ik (?:\w+ )?dus",
    # en dan · later dan, but: wanneer dan
    "dan": r"^als .*|^dan|(?:en|ja|nee|oké|maar|of|meer|minder|anders|(?!wann)\w{2,}er) dan",
    "niet": r"(?:ik|we|wij) (?:heb|ben|hebben|zijn|wil) niet|(?:het|dat|hij|ze|er) (?:is|was|zijn) niet|maar niet",
    # ik zoek, but: wat ik zoek
    "zoek neem bel denk vind geloof hoop woon bestel krijg bedoel verwacht": (
        r"(?<!wat )(?<!die )(?<!dat )(?<!als )(?<!zoals )ik \w+"
    ),
    # kunt u mij zeggen · ik wilde vragen
    "zeggen vertellen uitleggen": rf"{_ABLE} {_PERSON} (?:mij |me |ons |misschien |even )+\w+",
    "vragen weten": r"ik (?:wil|wilde|wou|zou)(?: (?:even|graag|alleen|u|je|ook|nog))* \w+",
    # geeft u mij · ik heb me, but: bel me
    "me mij ons": (
        r"(?:geef|geeft u|stuur|stuurt u|zeg|zegt u|vertel|ik heb|ik wil|ik voel|ik vergis|kunt u|of u) \w+"
        r"|is volgens mij"
    ),
    "laat lang duur": r"(?:weten|vragen|zeggen|en|weet) hoe \w+",
    "wat": r"(?:weten|vragen|zeggen|en|of|precies|zien|vertellen) wat|^maar wat",
    "veel": r"(?:weten|vragen|zeggen|en) hoe veel|heel veel",
    "meneer mevrouw": r"(?:ben|is|met|van|voor|bij|naar|spreek|heet) \w+",
    "naam": r"op naam|^mijn naam",
    "dokter": r"(?:bij|van|met|voor|is) dokter",
    "nummer": r"(?:bestelling|kamer|order|lijn) nummer|^nummer",
    # twaalf komma · anna apenstaartje web punt
    "keer maal komma punt": rf"{_FIGURE} \w+|(?:apenstaartje|at) \w+ punt",
}

OPEN_ENDINGS = last_words(_OPEN_WORDS, _CLOSING_WORDS)
