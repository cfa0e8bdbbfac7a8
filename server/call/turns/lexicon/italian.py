"""Italian: its words, as far as turn-taking needs them. How sentences end is in `italian_endings.py`."""

import re
from functools import partial

from server.call.turns.lexicon.grammar import Grammar, GrammarLexicon, asked, last_question, phrases
from server.call.turns.lexicon.italian_endings import MORE_FIGURES, OPEN_ENDINGS, SHORT_QUESTIONS, UNFINISHED
from server.call.turns.lexicon.lexicon import Wanted
from server.call.turns.lexicon.numerals import Numerals
from server.call.turns.lexicon.writing import plain_words

_SMALL = (
    "zero _ due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici "
    "diciassette diciotto diciannove"
).split()
_TENS = "venti trenta quaranta cinquanta sessanta settanta ottanta novanta".split()
_UNITS = "uno due tre quattro cinque sei sette otto nove".split()


def _below_a_thousand() -> dict[str, int]:
    """The numbers as they are written in one word: "quarantadue", "ventuno", "duecento", "centoventi"."""
    values = {word: value for value, word in enumerate(_SMALL) if word not in ("_", "sei")}
    for tens, word in zip(range(20, 100, 10), _TENS, strict=True):
        values[word] = tens
        for unit, name in enumerate(_UNITS, 1):
            values[(word[:-1] if name[0] in "uo" else word) + name.replace("tre", "tré")] = tens + unit
        values[word + "tre"] = tens + 3
        values[word[:-1] + "un"] = tens + 1
    small = dict(values) | {"uno": 1, "sei": 6}
    for hundreds, name in enumerate(("", *_UNITS[1:]), 1):
        values |= {f"{name}cento{word}": 100 * hundreds + value for word, value in small.items()}
        values[f"{name}cento"] = 100 * hundreds
    return values


_NUMERALS = Numerals(
    _below_a_thousand()
    | {f"{name}mila": 1000 * value for name, value in zip((*_UNITS[1:], "dieci"), range(2, 11), strict=True)},
    beside={"uno": 1, "un": 1, "una": 1, "sei": 6, "mille": 1000},
    joint="",
)


def _words(text: str) -> tuple[str, ...]:
    """The words of `text`, with numbers in figures. Words are not parted at an apostrophe: "l'ordine" is one."""
    return _NUMERALS.in_figures(plain_words(text))


_ANNOUNCES = re.compile(
    r"\b(?:(?:ho|avrei|avevo|farle|fare|farti|solo) (?:solo )?(?:una |1 |\d+ |un'|un'altra |un |alcune "
    r"|qualche )?(?:altra |piccola |altro )?"
    r"(?:domand[ae]|problema|richiesta|dubbio)|(?:bisogno|bisogno di) (?:di )?(?:un )?(?:aiuto|informazion[ei])"
    r"|una domanda"
    r"|un'informazione|(?:mi|ci) (?:può|puoi|potrebbe|potete|potresti) aiutare|aiutarmi"
    r"|(?:chiedere|chiederle|chiederti|dire|dirle) una cosa)(?: per favore)?$"
)


_asked = partial(
    asked,
    verbs=r"dica|dice|dimmi|dirmi|mi dia|darmi|dammi|indichi|indicarmi|indicami|ripet\w+|conferm\w+|forni\w+|lasci\w*"
    r"|bisogno|serve"
    r"|servirebbe",
)
_YES_OR_NO = last_question(
    "e|allora|quindi|bene|ok|ma|o",
    r"(?:(?:questo|questa|quello|quella) )?(?:è|sono|era)(?! possibile)(?![^.!?]*\b(?:quale|qual|che|chi)\b)"
    r"|(?:glielo|gliela|gliele|glieli|te lo|ve lo|lo|la|le) (?:mand|sped|invi|consegn|chiam|richiam)\w+"
    r"|(?:vuole|vuoi|preferisce|preferisci|desidera) che|(?:abita|abiti|vive) (?:ancora|sempre)"
    r"|(?:posso|possiamo|devo|dobbiamo) (?:mand|sped|invi|consegn|chiam|richiam|usar)\w*",
    r"giusto|vero|corretto|esatto|è (?:giusto|corretto|esatto)|no",
)
_REQUESTS = {
    Wanted.SPELLING: re.compile(r"\b(?:spelling|compit\w+|sillab\w+|lettera per lettera)\b[^.!?]*[.!?]?\s*$"),
    Wanted.EMAIL: _asked("e-?mail|mail|posta elettronica"),
    Wanted.NUMBER: _asked(r"numer[oi]|codice|cap|cifre|telefono|data di nascita|quando (?:è|sei) nat[oa]"),
    Wanted.ADDRESS: _asked(r"indirizzo|via|dove (?:abit\w+|viv\w+|dobbiamo|devo|possiamo|la|lo|consegn\w+)"),
}
_LONE_FIGURE = re.compile(
    # alle dieci · alle 10:30 · alle dieci e dieci · il 12 · per quattro
    r"\b(?:alle|dalle|le|verso le|per le|il|per|meno|più|siamo in|in) (?:\d{1,2}|sei)(?: e)?(?: \d\d?)?$"
    r"|\ball'una(?: e)?(?: \d\d?)?$"
)
_FILLERS = frozenset("ehm eh uhm mmm beh il lo la i gli le l e allora dunque cioè ecco un una".split())
_LEAD_INS = frozenset("ma ho detto".split())
_BACKCHANNELS = phrases(
    "mm | mmm | mh | mh mh | mmh | mhm | hm | hmm | mm hmm | ah | oh | sì | sì sì | ok | okay | già | esatto",
    "esattamente | certo",
    "bene | benissimo",
    "va bene | va benissimo | molto bene | perfetto | ottimo | d'accordo | chiaro | capisco | ho capito | capito",
    "giusto | vero",
    "è vero | lo so | certamente | assolutamente | sicuro | naturalmente | ovviamente | infatti | appunto | bello",
    "fantastico",
    "davvero | ah sì | ecco | grazie | grazie mille | molte grazie | la ringrazio | prego | volentieri | sì certo",
    "è giusto | per me va bene | mi va bene | ci sto | tutto bene | tutto chiaro | tutto a posto | a posto",
    "come vuole | come vuole lei | come vuoi | come preferisce | perfettamente | è perfetto | va bene così",
    # said while the agent is busy
    "nessun problema | non c'è problema | non ci sono problemi | non c'è fretta | senza fretta | nessuna fretta",
    "con calma",
    "faccia con calma | fai con calma | faccia pure | fai pure | faccia | prenda il suo tempo",
    "si prenda il suo tempo",
    "prenditi il tuo tempo | aspetto | io aspetto | aspetto qui | sto aspettando | posso aspettare | aspetterò",
    "attendo",
    "resto in linea | rimango in linea | sono qui | sono ancora qui | sono in linea | ho tempo | tranquillo",
    "tranquilla",
    "stia tranquillo | stia tranquilla | non si preoccupi | non ti preoccupare | non preoccuparti | non fa niente",
    "non importa",
    "figurati | si figuri | vada avanti | vai avanti | continui | continua | vada | mi dica | dica pure",
    "la ascolto | l'ascolto | ci mancherebbe",
    "sì per favore | ok per favore | sì grazie | basta così | no basta così | non è un problema | non ho fretta",
    "non ho nessuna fretta | va tutto bene | tutto ok | no è tutto",
)
_REFUSALS = phrases("no")
_STOPS = _REFUSALS | phrases(
    "stop | basta | aspetti | aspetta | aspetti aspetti | aspetta aspetta | ferma",
    "fermo | fermi",
    "si fermi | fermati | fermatevi | alt | annulla | annulli | annullare | annullalo | lo annulli | la annulli",
    "annulla tutto",
    "cancella | cancelli | cancelli tutto | lasci stare | lascia stare | lasci perdere | lascia perdere",
    "non importa più",
    "non farlo | non lo faccia | no grazie | smetta | smettila | la smetta | attenda | attendi",
)
_STATEMENTS = phrases(
    "certo che no | certo non | assolutamente no | certamente no | certamente non | davvero non",
)
_COMMANDS = phrases(
    "scusi | scusa | mi scusi | scusami | scusate | pronto | senta | senti | ascolti | ascolta | mi ascolti | ehi",
    "permesso",
    "un momento | un momentino | un attimo | un attimino | un secondo | un minuto | momento | attimo | 1 attimo",
    "solo un attimo",
    "arrivederci | ripeta | ripeti | può ripetere | silenzio | zitto | stia zitto | stai zitto | aiuto | pausa",
    "per favore | mi perdoni",
    "perdono",
)

ITALIAN = GrammarLexicon(
    Grammar(
        words=_words,
        written=_words,
        announcements=_ANNOUNCES,
        short_questions=SHORT_QUESTIONS,
        unfinished=UNFINISHED,
        open_endings=OPEN_ENDINGS,
        inside_numbers={"doppio": 1, "virgola": 0},
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
