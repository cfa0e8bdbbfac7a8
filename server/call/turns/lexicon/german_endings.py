"""Endings of German: how a caller's text may end, and what its end tells."""

import re

from server.call.turns.lexicon.german_writing import NUMBERS
from server.call.turns.lexicon.grammar import last_words

_ASKING = (
    r"(?:was|wer|wem|wen|wo|wann|warum|wieso|weshalb|wie|wieviele?|wohin|woher|wofür|wozu|womit|worum|woran"
    r"|welche[rsmn]?)"
)
"""Question words."""
_PERSON = r"(?:ich|du|wir|ihr|sie|man|er)"
_NOUN = r"(?:(?:mein|dein|ihr|sein|unser|kein|ein)(?:e[nmrs]?)?|der|die|das)"
"""What a noun begins with."""
_MODAL = (
    r"(?:kann|kannst|können|könnt|könnte|könntest|könnten|darf|dürfte|dürfen|soll|sollen|sollte|sollten"
    r"|würde|würdest|würden|würdet)"
)
"""Verbs that mostly want another verb at the end of the sentence."""
_AUXILIARY = (
    rf"(?:{_MODAL}|bin|bist|ist|sind|seid|war|waren|habe?|hast|hat|haben|habt|hatten?|hätten?|hättest|werden?|wird"
    r"|wirst|muss|musst|müssen|müssten?|will|willst|wollen|wollten?|möchten?|möchtest|gibt|wäre|wären|wurden?|mag)"
)
_VERB = (
    rf"(?:{_AUXILIARY}|geht|gehen|liefern|liefert|machen|macht|nehmen|akzeptieren|öffnen|öffnet|schliessen|schliesst"
    r"|kostet|kosten|dauert|kommt|kommen|funktioniert|stimmt|wissen|weisst|hören|hörst|verstehen|bieten|arbeiten"
    r"|sprechen|brauche|brauchen|bekomme|bekommen|kriege?|reicht|passt|führen|verkaufen|fährt|steht|gilt|läuft)"
)
"""Verbs with which a question may begin."""
_OPENING = (
    r"(?:hallo|hi|hey|guten|gute|grüss|gott|moin|servus|tag|morgen|abend|und|aber|oder|also|so|ja|nein|okay|gut|bitte"
    r"|ähm|äh|hm|danke|vielen|dank|entschuldigung|entschuldigen sie|moment|sagen sie mal|sag mal|ach|super)"
)
"""What callers say before the sentence proper."""
_START = rf"(?:^(?:{_OPENING} )*)"
_PREPOSITION = r"(?:um|ab|bis|seit|für|mit|von|zu|an|in|auf|bei|unter|aus|nach|gegen|über)"
ANNOUNCES = re.compile(
    r"\b(?:(?:habe?|hätte|haben|hätten) (?:ich |wir )?(?:da |noch |mal |nur |auch |gern |gerne )*(?:eine? |ne )?"
    r"(?:andere |weitere |kurze |kleine |kleines )?(?:frage|problem|bitte|anliegen|auskunft)|helfen(?: bitte)?"
    r"|(?:etwas|was) fragen|brauche (?:mal |bitte |ihre |deine |etwas )*hilfe|folgendes(?: problem)?)$"
)
_FIGURE = rf"(?:{'|'.join(map(NUMBERS.say, range(100)))}|hundert|tausend)"
LONE_FIGURE = re.compile(
    # um zehn · viertel nach drei · um zehn uhr dreissig · sieben mal acht · zwölf euro fünfzig
    rf"\b(?:um|gegen|ab|bis|nach|vor|seit|halb|plus|minus|mal|durch|von|am|für|als|euro|uhr|zu) {_FIGURE}$"
)
MORE_FIGURES = re.compile(
    # n a g e l · o umlaut · a wie anton
    r"(?:.* )?(?:[a-zäöü]|ypsilon|eszett|umlaut)$|.*\b[a-zäöü] wie \w+$"
)

_NO_VERB = (
    r"(?:morgen|übermorgen|ihnen|denen|gegen|wegen|zwischen|neben|oben|unten|hinten|zusammen|sieben|namen|karten|daten"
    r"|wochen|minuten|stunden|personen|tagen|einen|keinen|meinen|deinen|seinen|ihren|unseren|diesen|jeden|welchen"
    r"|allen|anderen|vielen|neuen|nächsten|letzten|ersten|guten|freien|grossen|kleinen|halben|ganzen|wollen|können"
    r"|gern|gestern|kindern|kunden|laden|garten|kuchen|\w+ungen)"
)
"""Words that end as infinitives do, and are none."""
_NO_INFINITIVE = rf"(?!.* (?!{_NO_VERB}\b)(?:\w{{2,}}(?:en|ern|eln)|tun|sein)\b)"
"""Matches where no infinitive follows."""
_NO_FINITE = (
    rf"(?:{_NO_VERB}|\w*(?:paket|geschäft|arzt|zeit|rezept|konto|gerät|fahrt|markt|schaft|heit|keit)|nicht|jetzt|erst"
    r"|fast|zuletzt|selbst|sonst|dort|sofort|produkt|angebot|brot|bett|gericht|nacht|vielleicht|bereits)"
)
"""Words that end as verbs do at the end of a clause, and are none."""
_FINITE = (
    rf"(?:(?!{_NO_FINITE}\b)\w{{2,}}(?:t|st|te|en|ern|eln)|bin|sind|war|habe?|hätte|wäre|würde|kann|muss|will|darf|soll"
    r"|wird|mag|kam|ging|gab|lag|tun|sein)"
)
_ASKED_START = rf"{_START}(?:dann )?(?:(?:{_PREPOSITION} )?{_ASKING}(?: \w+){{0,2}}? )?"
UNFINISHED = re.compile(
    # wann kann ich mein paket · ich würde gern einen tisch, but: kann ich einen kaffee bitte · kann ich nicht
    rf"(?:{_ASKED_START}{_MODAL} (?:ich|wir)|\b(?:ich|wir) (?:würden?|wollten?))\b{_NO_INFINITIVE}"
    r"(?!.* (?:\w{4,} bitte|nicht|rein|raus|los|weg|zurück|vorbei|dafür)$)"
    # kann mein mann · können sie mir die nummer · ich möchte meinen termin
    rf"|(?:{_ASKED_START}{_MODAL} (?:man|er|sie|du|ihr|mir|mich|uns|jemand|mein|meine|unser|unsere|der|die)"
    r"|(?<!das )(?<!da )(?<!dann )(?<!so )(?<!morgen )"
    r"\b(?:(?:können|könnten|würden) sie|(?:kannst|könntest|würdest) du)"
    r"|\b(?:ich|wir) (?:möchten?|will|wollen|muss|müssen) (?:\w+ )?(?:mein|unser)(?:en?)?)"
    rf"\b{_NO_INFINITIVE}(?!.* (?:zurück|nicht)$)"
    # ob mein paket · wissen wann mein paket, but: wenn ich morgen komme
    r"|\b(?:ob|dass|weil|falls|wenn(?! möglich| nötig| nicht| ja| überhaupt)"
    rf"|(?:wissen|fragen|sagen|nachsehen|nachschauen) {_ASKING})(?= )(?! ich .*e$)(?!.* {_FINITE}\b)"
    # ab wann liefern · wie lange dauert
    rf"|{_START}(?:{_PREPOSITION} )?(?:wann|wo|was|wie (?:viel|lange|oft)|wie viel uhr) (?!war|ist|gibt){_VERB}$"
)
"""A clause that lacks its verb, or a question that lacks its subject."""
_THAT_CLAUSE = (
    rf"(?:(?:ob|dass|weil|wenn|falls|damit|bis|sobald) (?:\w+ )+"
    rf"|(?:{_ASKING}|wie \w+|welche[rsn]? \w+|der|die|das|den|dem) (?:{_PERSON}|es|das|alles|etwas|jemand|{_NOUN} \w+)"
    r" (?:\w+ )*)"
)
"""The beginning of a clause that has its verb at the end."""
_PREFIXES = {
    "ab": "hol sag lehn häng geb gib schick schliess nehm nimm brech brich bestell meld zieh schalt fahr fähr flieg "
    "leg räum geht lauf läuf reis bieg auf jetzt ist",
    "an": "ruf fang fäng komm biet nehm nimm hör schau seh sieh meld pass probier zeig geb gib steh stell mach schalt "
    "zieh leg frag sprech sprich liefer geht klick hab ist fühlt jetzt heute sofort anfang",
    "auf": "hab hat mach hör pass schreib nehm nimm geb gib geh fall fäll leg steh tauch lös füll räum ist sind seid "
    "bleib zähl wach weck klär trag heb treten tritt",
    "aus": "seh sieh fall fäll reich probier kenn mach schalt füll geh gib geb tausch such wähl komm ist war druck "
    "zieh liefer steig richt lass pack stell sprech von",
    "bei": "trag träg bring leg füg wohn",
    "durch": "komm stell les führ geb gib geh fahr sag lass",
    "ein": "trag träg kauf lad fall fäll geb gib steig stell richt schalt zahl pack schick reich setz plan schlaf leit "
    "zieh lös log bau kehr seh",
    "mit": "komm bring nehm nimm teil mach hör fahr fähr geh schreib schick geb gib spiel zähl red les",
    "nach": "frag seh sieh schau prüf denk reich liefer les schlag füll send zähl guck bestell und meinung",
    "um": "zieh buch tausch stell meld steig schau dreh änder leg plan bestell",
    "vor": "hab hat hast komm stell schlag schläg les lies bereit zieh lieg leg zeig merk wie",
    "zu": "hab hat hast mach hör geh schick send sag stimm trifft treffen nehm lass ist sind ab",
}
"""Prepositions that are also prefixes of verbs, with the beginnings of the verbs: "rufen Sie mich an". Some are no
verbs: "ab und zu"."""

_OPEN_WORDS = {
    prefix: rf"(?:{verbs.replace(' ', '|')})\w*(?: \w+)*(?<!ne frage)(?<!problem)(?<!termin) \w+"
    for prefix, verbs in _PREFIXES.items()
} | {
    "und aber sondern weil dass wenn falls obwohl während bevor nachdem sobald solange sodass sowie entweder weder als "
    "sowohl beziehungsweise nämlich zwar anstatt statt trotz ausser dem des ne nen für von in im zum zur vom beim am "
    "ans ins aufs bis seit gegen ohne wegen zwischen über unter hinter neben pro per circa spätestens frühestens "
    "mindestens höchstens fast sogar besonders ziemlich "
    "plus minus jeweils einige vielen herzlichen schönen guten herr doktor halb doppel at ät "
    "klammeraffe unterstrich äh ähm hm na tja naja": r"(?!)",
    # ich nehme die · genau den
    "der die den": r"(?:nehme?|genau|nur|lieber) \w+",
    # nur einen · das ist meiner · wie sie meinen · die neue
    "eine einen einem einer eines dieser diese dieses diesen diesem jeder jede jeden jedes mein meine meinen meinem "
    "meiner dein deine deinen deinem unser unsere unseren unserem unserer seine seinen ihre ihren ihrem ihrer neue "
    "neuen": (
        r"(?:nur|nehme) (?:eine[nrs]?|diese[nrs]?)|(?:das ist|nicht) (?:meiner?|deiner?|unserer?|ihre?)"
        r"|(?:sie|wir) meinen|die \w+"
    ),
    "oder": r"(?:doch|stimmt|richtig|geht|ja|noch|schon|klar)(?: \w+){0,4} oder",
    # wo denn · wo ist das denn · was kostet das denn
    "denn": (
        rf"{_ASKING} denn|{_ASKING} (?:\w+ )*{_NOUN} \w+ denn|was (?:ist los|haben sie) denn"
        rf"|{_ASKING} (?:\w+ )*(?!haben|können|sind)\w+ (?:das|es|sie|er|ich|los) denn"
    ),
    "wie": r"(?:nicht|egal|und) wie|^wie",
    "ob": r"und ob",
    "sehr nur ungefähr etwa": (
        r"(?:danke|bitte|freut mich) sehr|(?:was|warum|wie|wer) nur"
        r"|(?:wie viel|wie lange|was|wann) (?:.+ )?(?:ungefähr|etwa)"
    ),
    "inklusive": r"(?:ist|sind|alles|wäre) .*inklusive",
    # immer noch · ich brauche das noch
    "noch": (
        r"(?:immer|was|wer|wie|sonst|heute|da|weiss|überhaupt|denn|ja|nein|geht"
        r"|läuft|stimmt|gilt|reicht|klappt|funktioniert|wie \w+) noch"
        r"|(?:brauche|habe|will|möchte|geht|gibt) (?:ich |es )?(?:das|die|den|ihn|es) noch"
    ),
    # seit wann · ich weiss nicht wo · haben sie welche
    "welche welcher welches welchen wofür wohin woher wozu wo wann warum wieso weshalb wer wem wen wieviel wieviele": (
        rf"^(?:(?:und|ja|aber|{_PREPOSITION}) )*\w+|(?:nicht|egal|sicher) \w+"
        r"|(?:haben sie|gibt es|ich) (?:noch |auch )*welche"
    ),
    "eigentlich sozusagen irgendwie": r"(?:was|wer|wie) eigentlich|\w+ \w+ \w+ irgendwie",
    "also": r"(?:na|nun) also",
    # wo meine bestellung ist · ob das möglich ist · kann ich einen kaffee haben, but: die die ich bestellt habe ist
    "ist sind bin war waren wird werden wurde wurden hat haben habe hab hatte hatten hätte hätten wäre kann können "
    "könnte könnten könnt kannst darf dürfen muss müssen müsste müssten will wollen wollte wollten soll sollen sollte "
    "möchte möchten würde würden willst hast bist lautet heisst heissen brauchen bräuchten gibt": (
        rf"{_THAT_CLAUSE}(?<!habe )(?<!haben )(?<!hat )(?<!hatte )(?<!ist )(?<!kann )\w+|^was (?:ist|war)"
        r"|(?:geöffnet|möglich|fertig|offen|richtig|ge\w+t) (?:ist|war|sind)|zu (?:haben|werden|können)"
        rf"|(?:{_MODAL}|muss|müssen|will|wollen|möchten?|wird|werden)\b.* "
        r"(?:haben|werden|können|müssen|heissen|brauchen)"
    ),
    # das weiss ich · glaube ich · was brauche ich
    "ich": (
        r"^(?:(?:das|den|die|dies|so|ja|nein|doch|hier|nee|okay|gut) )+(?!würde)\w+ ich"
        r"|(?:das|den|hier|doch|die) (?:kann|weiss|will|möchte|nehme|brauche|habe?|bin|mache?|meine|war|kenne|denke"
        r"|glaube?|verstehe) ich|(?:glaube?|denke|hoffe|meine|finde|vermute|schätze) ich|(?:und|nur|auch) ich"
        r"|(?:was|wer|wo|wie viel) (?:bin|mache?|brauche|zahle|bekomme|kriege|schulde|meine) ich"
    ),
    # hilf mir · das gefällt mir · das ist von mir · was empfehlen sie mir
    "mir uns dir": (
        r"(?:helfen sie|hilf|hilft|gefällt|gehört|passt|reicht|fehlt|schmeckt|glauben sie|von|mit|bei|zu|an|für|ist es"
        r"|(?:was|wie|wann|wen) \w+ (?:sie|du|ihr)) \w+"
    ),
}
_CLOSING_WORDS = {
    # können sie · wann haben sie · ich möchte sie · rufen sie, but: wo sind sie · was sagen sie
    "sie": (
        rf"^(?!.*\b(?:welche[rsn]?|wie viele?|was für) (?:\w+ ){{1,2}}haben sie$)(?:.* )?"
        rf"(?:(?<!was )(?<!wo )(?<!wer )(?:{_MODAL}|haben|hätten|sind|wollen|möchten|müssen|werden|ist)"
        r"|ich (?:möchte|wollte|rufe|würde|kann|bitte|habe|muss)|ob|dass|weil|wenn|wo|wie|und|oder|bevor|damit"
        r"|(?:darf|kann|könnte) ich|(?<!was )(?:rufen|geben|sagen|schicken|senden|bringen|nehmen|stellen|buchen)) sie"
    ),
    "du ihr er wir man": (
        rf"(?:(?<!was )(?<!wo )(?<!wer ){_AUXILIARY}|ob|dass|weil|wenn|wo|wie|was|bis|und|dann|damit|aber|die|das|den)"
        r" \w+|^\w+"
    ),
    # ist es · wann gibt es, but: wo ist es · was gibt es
    "es": (
        rf"(?<!wo )(?<!was )(?<!spät )(?<!wie viel )(?<!so )(?<!das )(?<!wer )(?!bin es){_AUXILIARY} es|wie geht es"
        r"|(?:ob|dass|weil|wenn|wann|und|aber|wo|wie|bis) es"
    ),
    # ist das · können sie das · für das, but: was ist das · ich nehme das
    "das": (
        rf"(?<!was )(?<!wer )(?<!wo )(?<!wie viel )(?<!wann ){_AUXILIARY} das|{_MODAL} {_PERSON} das|^das"
        rf"|(?:ob|dass|weil|wenn|und|oder|aber|ja|nein|also|{_PREPOSITION}|hallo|ist hier|suche|bestellt) das"
    ),
    # kann ich ihnen · können sie mich · ich möchte mich, but: danke ihnen · hören sie mich
    "ihnen mich dich euch": (
        rf"(?:{_MODAL}|hätten|ob|dass|weil|wenn) (?:{_PERSON} )?\w+|ich (?:möchte|wollte|würde|will|muss|habe|hätte|hab"
        r"|rufe|gebe|schicke|interessiere) \w+|(?:rufen|bringen|stellen|informieren|verbinden) sie \w+|ruf \w+"
        r"|(?:gibt es|haben sie|habe|mich) bei \w+"
    ),
    # ich hätte gern · dann nehme ich gern, but: ja gern · das hätte ich gern
    "gern gerne lieber eher": (
        r"(?:(?:ich|wir)(?: (?:möchten?|hätten?|würden?|wollten?|will|nehme))?|würden?)"
        r"(?: sehr| auch| bitte| noch)* \w+"
        r"|(?:dann|jetzt|heute|morgen) \w+ ich \w+"
    ),
    # kann ich bitte · ich wollte nur mal · rufen sie mich bitte · gib mir mal
    # but: einen kaffee bitte · warten sie bitte
    "bitte mal kurz einmal vielleicht eben einfach gerade schnell": (
        rf"(?:{_MODAL}|haben|hätten|ich|wir|wollte|möchte|hätte|habe|nehme|und|oder|dann|mir bitte|gerne?) "
        rf"(?:{_PERSON} )?(?:mir |mich |uns |das |nur |bitte |vielleicht |mal )*\w+"
        r"|(?!warten |helfen )(?<!was )\w+en sie(?: mir| mich| uns)?(?<!helfen sie mir)"
        r"(?: bitte| doch)* (?:bitte|mal|kurz|einfach|einmal)|^(?:sag|gib|ruf|schick)(?: \w+)? \w+"
    ),
    "dann": r"^dann|(?:und|ja|nein|also|okay|gut|aber|^wenn .*|(?:kann|könnte|darf|soll) ich) dann",
    # ich habe auch · ich habe den router schon · haben sie schon · das ist ja, but: ich auch · ist jemand da
    "auch schon ja doch nicht heute morgen jetzt da immer gestern leider direkt": (
        r"(?:ich|wir) (?:habe?|haben|hätten?|bin|sind|möchten?|wollte|brauche|muss|würde|hatte)(?: \w+)?? \w+"
        r"(?<!zeit nicht)(?<!das nicht)(?<!nummer nicht)(?<!ja da)(?<!noch da)(?<!bin da)(?<!sind da)"
        r"|(?:ich|wir) (?:kann (?:auch|ja|schon|heute|jetzt)|war (?:nicht|ja))"
        r"|(?:ich|wir) (?:habe?|haben|hatte|bin)(?: \w+){2,3} schon"
        r"|(?:haben|hätten|können) sie \w+(?<!sie nicht)"
        r"|(?:das|es|er|sie) (?:ist|war|sind) (?:ja|auch|nicht|schon|leider)"
        r"|(?:und|aber|gibt es|ob \w+|ich \w+ ja) (?:auch|schon|leider)|^(?:und |aber )(?:jetzt|heute|morgen|da|leider)"
    ),
    # ich brauche · ich suche, but: was ich brauche
    "brauche suche nehme bräuchte hätte wohne heisse glaube denke finde bestelle fürchte bekomme kriege interessiere "
    "kenne rufe frage": r"(?<!was )(?<!wie )(?<!wo )(?<!das )(?<!die )ich \w+",
    # können sie mir sagen · ich wollte nur fragen
    "sagen erklären mitteilen": (
        r"(?:können|könnten|würden|kannst|könntest) (?:sie|du) (?:mir |uns |mal |bitte |vielleicht |kurz )+\w+"
    ),
    "fragen wissen": (r"ich (?:wollte|möchte|würde|will)(?: (?:nur|mal|gern|gerne|kurz|bitte|auch|noch|sie))* \w+"),
    "gibt's geht's": rf"^(?:(?:{_OPENING}|wann|wo) )*\w+'s",
    "insgesamt": r"(?:wir|ich|es|das) \w+ \w+",
    "viel viele": r"(?:wissen|und|fragen|sagen) wie \w+|^wie \w+",
    "beispiel": r"zum beispiel",
    "name namen": r"(?:auf|unter) (?:den|dem) namen|^mein name",
    "frau": r"(?:ist|bin|mit|an|für|bei|zu|hallo|und) frau|^frau",
    "nummer": r"(?:bestellung|auftrag|zimmer|ticket|vorgang|linie) nummer|^nummer",
    # zwölf komma · anna at web punkt, but: auf den punkt
    "komma punkt mal hoch geteilt": rf"{_FIGURE} \w+|(?:at|ät) \w+ punkt|(?:ich|sie) (?:wollte|möchte|würde|mir) mal",
    "was": r"(?:wissen|fragen|sagen|oder|dass|ob|weiss|alles) was|^und was",
}

SHORT_QUESTIONS = re.compile(
    rf"(?:{_OPENING} )*(?:haben sie (?:noch )?(?:eine[ns]?|die|den)|wann (?:kommt|fährt|öffnet) (?:der|die|das))"
)
OPEN_ENDINGS = last_words(_OPEN_WORDS, _CLOSING_WORDS)
