"""Dutch: its words, as far as turn-taking needs them. How its sentences end is told by `dutch_endings.py`."""

import re
from functools import partial

from server.call.turns.lexicon.dutch_endings import (
    ANNOUNCES,
    LONE_FIGURE,
    MORE_FIGURES,
    OPEN_ENDINGS,
    UNFINISHED,
)
from server.call.turns.lexicon.dutch_writing import NUMBERS, spoken, words_of
from server.call.turns.lexicon.grammar import Grammar, GrammarLexicon, asked, last_question, phrases
from server.call.turns.lexicon.lexicon import Wanted

_asked = partial(
    asked,
    verbs="noemt?|zegt?|geeft?|geef|vertelt?|herhaalt?|herhaal|spelt?|heb|hebben|mag",
    about_it=r"\bwat (?:is|was) (?:de|het) (?:uwe|jouwe)|\b(?:het|dat|die|deze) [^.!?]*(?:herhalen|noemen|zeggen"
    r"|geven)",
)
_YES_OR_NO = last_question(
    "en|dus|oké|goed|dan|of|maar",
    r"(?:is|zijn|was|klopt|kloppen|zal|zullen|woont|woon|bedoelt|bedoel|wilt|wil)(?! er\b)(?![^.!?]* (?:geven"
    r"|noemen|zeggen|spellen|herhalen|vertellen)\b)"
    r"|(?:moet|kan|kunnen|mag|mogen) (?:ik|we|wij) [^.!?]*(?:sturen|gebruiken|bellen|leveren|bezorgen|bereiken"
    r"|boeken|mailen)",
    r"klopt|klopt dat|toch|hè|juist|ja",
)
_REQUESTS = {
    Wanted.SPELLING: re.compile(
        r"\bspel(?:t|len|d)?\b[^.!?]*[.?]?\s*$|\bhoe (?:schrijf\w*|wordt [^?]*geschreven|spel\w*)\b[^.!?]*\?\s*$"
    ),
    Wanted.EMAIL: _asked(r"(?:e-?)?mail(?:-?adres)?"),
    Wanted.ADDRESS: _asked(
        r"\w*adres|straat\w*|huisnummer|woonplaats|waar (?:woont?|woon) (?:u|je)|waar (?:moet|mogen)\w*"
    ),
    Wanted.NUMBER: _asked(
        r"\w*nummers?|\w*cijfers?|\w*code|iban|geboortedatum|telefonisch|wanneer (?:bent u|ben je) (?:geboren|jarig)"
    ),
}
_FILLERS = frozenset("eh ehm hm hoor dus en de het een zo maar even nou nu dan eens alstublieft alsjeblieft".split())
_LEAD_INS = frozenset("maar ik zei zeg sorry pardon hallo moment momentje".split())
_BACKCHANNELS = phrases(
    "interessant | nou goed | dat is geen probleem | ja hoor | geen punt | is prima",
    "mhm | hm | aha | ah | oh | o | ja | jaja | jawel | jep | yep | oké | goed | heel goed | prima | mooi | leuk",
    "top | fijn | super | perfect | precies | klopt | dat klopt | inderdaad | juist | zeker | natuurlijk",
    "tuurlijk | vanzelfsprekend | snap ik | ik snap het | ik begrijp het | begrijp ik | dat begrijp ik",
    "dat snap ik | begrepen | duidelijk | helder | ik weet het | graag | heel graag | dank u | dank je",
    "dank u wel | dank je wel | bedankt | is goed | dat is goed | dat is prima | dat is fijn | dat is mooi",
    "dat is oké | klinkt goed | dat klinkt goed | in orde | echt | echt waar | tja | goh | nou ja | ach | zo",
    # said while the agent is busy
    "geen probleem | geen enkel probleem | geen haast | er is geen haast | rustig aan | doe rustig aan",
    "doet u rustig aan | neem de tijd | neem uw tijd | neem je tijd | neem rustig de tijd | neemt u de tijd",
    "neemt u rustig de tijd | geen zorgen | ik wacht | ik wacht wel | ik wacht even | dan wacht ik",
    "ik heb geen haast | dat heeft geen haast | ik kan wachten | ik blijf hangen | ik blijf aan de lijn",
    "ik ben er nog | ik heb de tijd | ik heb tijd | geeft niet | geeft niks | dat geeft niet | maakt niet uit",
    "het maakt niet uit | ga door | ga maar door | gaat u door | gaat u verder | ga verder | ga uw gang",
    "ga je gang | doe maar | doet u maar | zeg het maar | komt goed",
    "nee hoor | nee joh | niet erg | dat is niet erg | maakt u zich geen zorgen | maak je geen zorgen",
    "het geeft niet",
    "ik heb helemaal geen haast | neem gerust de tijd | neemt u gerust de tijd | het is goed | het is prima",
    "dat komt goed | nee dat was het | nee dat is alles",
)
_REFUSALS = phrases("nee | neen")
_STOPS = _REFUSALS | phrases(
    "hou alstublieft op | hou alsjeblieft op | houdt u alstublieft op | laat dat maar | laat dat | doet u dat niet",
    "stop | stopt u | ho | hou op | houd op | houdt u op | hou maar op | nee bedankt | nee dank u | nee dank je",
    "nee dank u wel | nee dank je wel | wacht | wacht u | annuleer",
    "annuleren | annuleer dat | annuleer het | annuleert u dat | genoeg | zo is het genoeg | het is genoeg",
    "laat maar | laat maar zitten | niet doen | doe dat niet | doe maar niet | toch niet | liever niet",
    "vergeet het | vergeet het maar | breek af | afbreken",
)
_STATEMENTS = phrases(
    "klopt niet | dat klopt niet | ik weet het niet | ik begrijp het niet | begrijp ik niet | dat begrijp ik niet",
    "ik snap het niet | snap ik niet | dat snap ik niet | is niet goed",
    "natuurlijk niet | zeker niet | echt niet | juist niet | graag niet | goed niet",
)
_COMMANDS = phrases(
    "een klein momentje | klein momentje | bent u er nog | ben je er nog | hoort u mij | hoor je me",
    "moment | momentje | een moment | een momentje | ogenblik | een ogenblikje | wacht even | wacht eens",
    "wacht eens even | even wachten | seconde | sorry | pardon | excuus | excuseer | excuseert u mij",
    "neem me niet kwalijk | hallo | hé | hey | hoi | luister | luister eens | luistert u eens | stil | wees stil",
    "pauze | dag | doei | tot ziens | wat zegt u | wat zeg je | wablief | herhaal | herhaal dat | herhaalt u dat",
    "nog een keer | nog eens | help",
)

DUTCH = GrammarLexicon(
    Grammar(
        words=spoken,
        written=words_of,
        announcements=ANNOUNCES,
        open_endings=OPEN_ENDINGS,
        unfinished=UNFINISHED,
        digits=NUMBERS.digits(),
        inside_numbers={"een": 1, "komma": 0, "dubbel": 1},
        more_figures=MORE_FIGURES,
        lone_figure=LONE_FIGURE,
        yes_or_no=_YES_OR_NO,
        requests=_REQUESTS,
        fillers=_FILLERS,
        lead_ins=_LEAD_INS,
        backchannels=_BACKCHANNELS,
        commands=_COMMANDS,
        stops=_STOPS,
        refusals=_REFUSALS,
        statements=_STATEMENTS,
    )
)
