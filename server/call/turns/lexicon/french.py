"""French: its words, as far as turn-taking needs them. How sentences end is in `french_endings.py`."""

import re
from functools import partial

from server.call.turns.lexicon.french_endings import MORE_FIGURES, OPEN_ENDINGS, UNFINISHED
from server.call.turns.lexicon.grammar import Grammar, GrammarLexicon, asked, last_question, phrases
from server.call.turns.lexicon.lexicon import Wanted
from server.call.turns.lexicon.numerals import Numerals
from server.call.turns.lexicon.writing import plain_words

_SMALL = "zéro _ deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
_NUMERALS = Numerals(
    {word: value for value, word in enumerate(_SMALL.split()) if word != "_"}
    | {"vingt": 20, "vingts": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60}
    | {"septante": 70, "huitante": 80, "octante": 80, "nonante": 90, "cent": 100, "cents": 100, "mille": 1000},
    beside={"un": 1, "une": 1},
    joint="et",
    twenties=True,
)


def _words(text: str) -> tuple[str, ...]:
    """The words of `text`, with numbers in figures. Words are not parted at an apostrophe: "l'adresse" is one."""
    return _NUMERALS.in_figures(plain_words(text))


_ANNOUNCES = re.compile(
    r"\b(?:(?:ai|aurais|avais|avons|aurait|poser|juste|encore|petite) (?:une |1 |\d+ |quelques |des )?(?:autres? "
    r"|petites? )*"
    r"(?:questions?|demandes?|problèmes?|soucis?)|(?:un|petit) (?:autre )?(?:problème|souci|renseignement)"
    r"|une information|besoin d'aide|besoin de votre aide|m'aider|me renseigner|m'aider s'il vous plaît"
    r"|(?:demander|dire) quelque chose)$"
)


_asked = partial(
    asked,
    verbs=r"dites|dis|donnez|donne|donner|indiquez|indiquer|répétez|répéter|préciser|précisez|communiquer|besoin",
)
_YES_OR_NO = last_question(
    "et|donc|alors|bon|d'accord|ou|mais",
    r"est-ce (?!que (?:vous|tu) (?:pouvez|pourriez|avez|peux|pourrais|as)\b|que (?:je|on) \w+ avoir)\w+"
    r"|c'est (?![^.!?]*\bqu(?:el|elle|oi)\b)(?:bien|toujours|votre|ton|le bon|la bonne|correct)|s'agit-il"
    r"|dois-je|devons-nous|habitez-vous|(?:voulez|souhaitez|préférez)-vous qu\w+"
    r"|(?:puis-je|peut-on|pouvons-nous) (?:vous |l'|le |la |les )?(?:envoyer|livrer|rappeler|appeler|utiliser|joindre)"
    r"|(?:votre|ton|ta) [^.!?]*\best-(?:il|elle)",
    r"c'est (?:bien )?ça|correct|n'est-ce pas|c'est (?:exact|correct|juste)|oui",
)
_REQUESTS = {
    Wanted.SPELLING: re.compile(r"\bép[eè]l(?:er|ez|es|le|lez)\b[^.!?]*[.!?]?\s*$"),
    Wanted.EMAIL: _asked("e-?mail|mail|courriel|adresse électronique"),
    Wanted.NUMBER: _asked("numéros?|code|chiffres|téléphone|date de naissance|quand êtes-vous née?"),
    Wanted.ADDRESS: _asked(r"adresse|rue|où (?:habit\w+|devons|dois|faut|souhait\w+|voul\w+|peut|livr\w+)"),
}
_LONE_FIGURE = re.compile(
    # à dix heures trente · vers 10 h 30 · moins dix · le 12 · une table pour quatre
    r"\b(?:à|vers|avant|après|dès|jusqu'à|pour|moins|plus|fois|le|du|au|heures?|h) \d{1,2}(?: (?:h"
    r"|heures?))?(?: \d\d)?$"
)
_FILLERS = frozenset("euh heu hum ben bah hein le la les l et donc alors bon enfin".split())
_LEAD_INS = frozenset("mais j'ai dit".split())
_BACKCHANNELS = phrases(
    "mm | mmm | mh | mh mh | mmh | mhm | hm | hmm | mm hmm | mm hm | hum hum | ah | oh | oui | ouais | ouaip",
    "mouais | ok | okay | si",
    "d'accord | bien | très bien | bien sûr | parfait | super | génial | nickel | impeccable | excellent | top",
    "cool",
    "c'est bon | c'est bien | c'est ça | c'est parfait | c'est super | c'est noté | c'est gentil | c'est vrai",
    "c'est clair",
    "exactement | exact | tout à fait | absolument | effectivement | en effet | évidemment | certainement | voilà",
    "volontiers",
    "entendu | compris | j'ai compris | je comprends | je vois | je sais | noté | ça marche | ça va | ça me va",
    "ah bon",
    "vraiment | d'acc | oui oui | merci | merci beaucoup | merci bien | je vous remercie | avec plaisir",
    "je vous en prie",
    "comme vous voulez | comme vous voudrez | faites comme vous voulez | comme tu veux | parfaitement",
    # said while the agent is busy
    "pas de problème | pas de souci | pas de soucis | aucun problème | aucun souci | il n'y a pas de problème",
    "il n'y a pas de souci | y a pas de problème | y a pas de souci | pas grave | c'est pas grave",
    "ce n'est pas grave",
    "je patiente | j'attends | je vais attendre | je vais patienter | je peux attendre | je peux patienter",
    "je vous attends",
    "je reste en ligne | je suis là | je suis toujours là | je ne quitte pas | je quitte pas | j'ai le temps",
    "j'ai tout mon temps",
    "prenez votre temps | prends ton temps | rien ne presse | ça ne presse pas | ça presse pas | pas d'urgence",
    "il n'y a pas d'urgence | y a pas d'urgence | il n'y a pas le feu | ne vous pressez pas | ne vous inquiétez pas",
    "vous inquiétez pas | ne t'inquiète pas | t'inquiète pas | t'inquiète | ne vous en faites pas | sans problème",
    "sans souci",
    "allez y | vas y | je vous en prie | faites | faites donc | je vous écoute | continuez | à votre rythme",
    "tranquille",
    "oui s'il vous plaît | oui s'il te plaît | oui merci | c'est pas un problème | ce n'est pas un problème",
    "pas du tout",
    "je ne suis pas pressé | je ne suis pas pressée | je suis pas pressé | je suis pas pressée | ça ira | non ça ira",
    "non c'est tout | non ce sera tout",
)
_REFUSALS = phrases("non")
_STOPS = _REFUSALS | phrases(
    "stop | arrêtez | arrête | arrêtez ça | arrête ça | arrêtez vous | arrête toi | attendez | attends | annulez",
    "annule | annulez ça | annule ça | annulez tout | annule tout | ça suffit | suffit | c'est assez",
    "laissez tomber",
    "laisse tomber | oubliez | oublie | oubliez ça | oublie ça | ne faites pas ça | ne fais pas ça | surtout pas",
    "non merci",
    "pas la peine | c'est pas la peine | ce n'est pas la peine | laissez | laisse",
)
_STATEMENTS = phrases(
    "ça va pas | ça marche pas | ça me va pas | je comprends pas | je sais pas | je vois pas | je patiente pas",
    "bien sûr que non | certainement pas | absolument pas | vraiment pas | non plus | évidemment pas | pas vraiment",
)
_COMMANDS = phrases(
    "excusez moi | excuse moi | pardon | allô | allo | hé | hep | écoutez | écoute | dites | dites donc | dis donc",
    "pause",
    "s'il vous plaît | s'il te plaît | un instant | un moment | une minute | une seconde | 2 secondes | 2 minutes",
    "minute",
    "juste un instant | juste une seconde | juste une minute | une petite seconde | au revoir | répétez | répète",
    "silence",
    "taisez vous | tais toi | chut | à l'aide | aidez moi | attendez voir | ne quittez pas",
)

FRENCH = GrammarLexicon(
    Grammar(
        words=_words,
        written=_words,
        announcements=_ANNOUNCES,
        unfinished=UNFINISHED,
        open_endings=OPEN_ENDINGS,
        inside_numbers={"double": 1, "virgule": 0},
        more_figures=MORE_FIGURES,
        lone_figure=_LONE_FIGURE,
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
