"""German: its words, as far as turn-taking needs them. How its sentences end is told by `german_endings.py`."""

import re
from functools import partial

from server.call.turns.lexicon.german_endings import (
    ANNOUNCES,
    LONE_FIGURE,
    MORE_FIGURES,
    OPEN_ENDINGS,
    SHORT_QUESTIONS,
    UNFINISHED,
)
from server.call.turns.lexicon.german_writing import NUMBERS, spoken, words_of
from server.call.turns.lexicon.grammar import Grammar, GrammarLexicon, asked, last_question, phrases
from server.call.turns.lexicon.lexicon import Wanted

_asked = partial(
    asked,
    verbs=r"nennen?|nenn|sagen?|sag|geben|gib|verraten|wiederholen?|buchstabieren?|diktieren?|brauche|benötigen?|bräuchte"
    r"|brauchen",
    about_it=r"\bwie (?:lautet|ist|war) (?:ihre?|deine?|sie|die)|\b(?:sie|die|das) [^.!?]*(?:wiederholen|nennen|sagen)",
)
_YES_OR_NO = last_question(
    "und|also|okay|gut|dann|oder|aber|so",
    r"(?:ist|sind|war|stimmt|stimmen|passt|lautet|gilt|hat sich|wohnen|wohnst|meinen|meinten|meinst|meintest"
    r"|möchten|möchtest|wollen|willst)(?![^.!?]* (?:geben|nennen|sagen|buchstabieren|wiederholen|verraten"
    r"|diktieren)\b)"
    r"|(?:soll|sollen|darf|dürfen|kann|können) (?:ich|wir) [^.!?]*(?:schicken|senden|liefern|rufen|verwenden"
    r"|nutzen|erreichen|buchen|mailen)",
    r"richtig|korrekt|ja|oder|nicht wahr|stimmt's",
)
_REQUESTS = {
    Wanted.SPELLING: re.compile(
        r"\bbuchstabier\w*\b[^.!?]*[.?]?\s*$|\bwie (?:schreib\w*|wird [^?]*geschrieben)\b[^.!?]*\?\s*$"
    ),
    Wanted.EMAIL: _asked(r"(?:e-?)?mail(?:-?adresse)?|e-mail-adresse"),
    Wanted.ADDRESS: _asked(
        r"\w*adresse|anschrift|\w*stra(?:ß|ss)e|hausnummer|wohnort|wo (?:wohn|sollen wir|soll ich)\w*|wohin"
    ),
    Wanted.NUMBER: _asked(
        r"\w*nummern?|\w*ziffern?|code|pin|\w*zahl|iban|plz|geburtsdatum|geburtstag|telefonisch"
        r"|wann (?:sind sie|bist du) geboren"
    ),
}
_FILLERS = frozenset("äh ähm hm also und der die das ein eine einen so bitte mal doch na nun jetzt tja".split())
_LEAD_INS = frozenset("aber ich sagte hab habe gesagt entschuldigung moment hallo sorry".split())
_BACKCHANNELS = phrases(
    "jaja | schon klar | ist gut | na gut | interessant | spannend | das ist gut so | das ist kein problem",
    "mhm | hm | aha | ah | ach | ach so | oh | ja | jo | jep | jawohl | okay | genau | gut | sehr gut",
    "ganz genau | eben | super | toll | prima | perfekt | klasse | schön | wunderbar | fein | stimmt | richtig",
    "klar | alles klar | na klar | verstehe | ich verstehe | verstanden | natürlich | sicher | gern | gerne",
    "sehr gerne | danke | danke schön | dankeschön | vielen dank | danke ihnen | in ordnung | alles in ordnung",
    "passt | passt schon | passt so | das passt | das passt schon | wirklich | echt | ach was | tatsächlich",
    "schon gut | alles gut | das ist gut | das ist super | das ist toll | das ist okay | das ist in ordnung",
    "das ist schön | das ist richtig | das stimmt | das klingt gut | klingt gut | hört sich gut an | ich weiss",
    # said while the agent is busy
    "machen sie in ruhe | machen sie es in ruhe | ich habe es nicht eilig | ich hab's nicht eilig | keine sorge",
    "ich bleibe in der leitung | ich bin noch in der leitung | ich habe keine eile",
    "kein problem | gar kein problem | kein stress | kein ding | keine eile | keine hektik | macht nichts",
    "das macht nichts | lassen sie sich zeit | lass dir zeit | nehmen sie sich zeit | nimm dir zeit",
    "lassen sie sich ruhig zeit | nur keine eile | lass dir ruhig zeit | ich warte | ich warte gern",
    "ich warte gerne | ich warte so lange | ich warte solange | ich warte kurz | dann warte ich | das eilt nicht",
    "das hat zeit | ich kann warten | ich bleibe dran | ich bleib dran | ich bin noch dran | ich bin noch da",
    "ich habe zeit | ich hab zeit | nur zu | machen sie nur | mach nur | machen sie ruhig | mach ruhig",
    "sprechen sie weiter | reden sie weiter | fahren sie fort | weiter | machen sie weiter",
    "nicht schlimm | das ist nicht schlimm | halb so schlimm | ist schon gut | ist okay | ist in ordnung",
    "ist kein problem | gar kein stress | überhaupt kein problem | machen sie sich keine sorgen",
    "mach dir keine sorgen | ich habe es gar nicht eilig | ich habe es überhaupt nicht eilig",
    "ich hab es nicht eilig | tut mir leid | das war's | nein das war's | nein das ist alles",
)
_REFUSALS = phrases("nein | nee | nö")
_STOPS = _REFUSALS | phrases(
    "hören sie bitte auf | hör bitte auf | brechen sie bitte ab | brechen sie das bitte ab | lassen sie das bitte",
    "tun sie das nicht | tu das nicht | machen sie das nicht | mach das nicht",
    "nein danke | nein vielen dank | nee danke | nö danke | stopp | stop | halt | warte | warten sie",
    "warten sie bitte | abbrechen | abbruch",
    "brechen sie ab | brich ab | brechen sie das ab | hör auf | hören sie auf | hör auf damit",
    "hören sie auf damit | aufhören | schluss | genug | es reicht | das reicht | jetzt reicht's | lass das",
    "lassen sie das | vergiss es | nicht doch | vergessen sie es | vergessen sie das | doch nicht | lieber nicht",
    "stornieren | moment stopp",
)
_STATEMENTS = phrases(
    "stimmt nicht | das stimmt nicht | passt nicht | das passt nicht | ich weiss nicht | ich verstehe nicht",
    "natürlich nicht | sicher nicht | eben nicht | wirklich nicht | echt nicht | gern nicht | gerne nicht",
    "gut nicht",
)
_COMMANDS = phrases(
    "kleiner moment | einen kleinen moment | sind sie noch da | sind sie noch dran | bist du noch da",
    "können sie mich hören",
    "moment | moment mal | moment bitte | einen moment | einen moment bitte | kleinen moment | augenblick",
    "einen augenblick | sekunde | eine sekunde | warte mal | warten sie mal | wart mal | entschuldigung",
    "entschuldigen sie | entschuldige | sorry | verzeihung | pardon | hallo | hey | he | hören sie | hör mal",
    "hören sie mal | hören sie zu | hör zu | ruhe | sei still | seien sie still | leise | pause | wie bitte",
    "tschüss | auf wiederhören | auf wiedersehen | noch mal | noch einmal | hilfe | wiederholen sie",
    "wiederholen sie das | wiederhole das | bitte wiederholen",
)

GERMAN = GrammarLexicon(
    Grammar(
        words=spoken,
        written=words_of,
        announcements=ANNOUNCES,
        open_endings=OPEN_ENDINGS,
        short_questions=SHORT_QUESTIONS,
        unfinished=UNFINISHED,
        digits=NUMBERS.digits(),
        inside_numbers={"komma": 0, "doppel": 1},
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
