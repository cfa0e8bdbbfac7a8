"""Spanish: its words, as far as turn-taking needs them. How sentences end is in `spanish_endings.py`."""

import re
from functools import partial

from server.call.turns.lexicon.grammar import Grammar, GrammarLexicon, asked, last_question, phrases
from server.call.turns.lexicon.lexicon import Wanted
from server.call.turns.lexicon.numerals import Numerals
from server.call.turns.lexicon.spanish_endings import MORE_FIGURES, OPEN_ENDINGS, SHORT_QUESTIONS, UNFINISHED
from server.call.turns.lexicon.writing import plain_words

_SMALL = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete "
    "dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete "
    "veintiocho veintinueve"
)
_HUNDREDS = "cien doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos"
_NUMERALS = Numerals(
    {word: value for value, word in enumerate(_SMALL.split())}
    | {
        word: 10 * tens
        for tens, word in enumerate("treinta cuarenta cincuenta sesenta setenta ochenta noventa".split(), 3)
    }
    | {word: 100 * hundreds for hundreds, word in enumerate(_HUNDREDS.split(), 1)}
    | {word[:-2] + "as": 100 * hundreds for hundreds, word in enumerate(_HUNDREDS.split(), 1) if hundreds > 1}
    | {"veintiún": 21, "veintiuna": 21, "ciento": 100, "mil": 1000},
    beside={"un": 1, "una": 1},
    joint="y",
)


def _words(text: str) -> tuple[str, ...]:
    """The words of `text`, with numbers in figures."""
    return _NUMERALS.in_figures(plain_words(text))


_ANNOUNCES = re.compile(
    r"\b(?:(?:tengo|tenía|hacer|hacerle|hacerte|otra|solo) (?:una |1 |\d+ |otra |unas |un par de "
    r"|alguna )?(?:pequeña )?"
    r"(?:preguntas?|dudas?|consultas?)|(?:tengo|tenía|hay) (?:un|otro) problema|necesito (?:su |tu )?ayuda"
    r"|(?:me|nos) (?:puede|pueden|puedes|podría|podrían|podrías) ayudar|ayudarme|(?:preguntar|preguntarle|preguntarte"
    r"|decir|decirle)"
    r" (?:una cosa|algo)|necesito (?:una )?información|una pregunta|una consulta)(?: por favor)?$"
)


_asked = partial(
    asked,
    verbs=r"d[ií]ga\w*|dime|decirme|d[ée]me|dame|darme|dar|decir|indi[qc]\w+|ind[ií][qc]\w+|facil[ií]t\w+|rep[ií]t\w+"
    r"|repetir\w*"
    r"|confirm\w+|conf[ií]rm\w+|necesito|necesitaría|proporci[oó]n\w+",
)
_YES_OR_NO = last_question(
    "y|entonces|pues|vale|o|bien|pero",
    r"(?:(?:este|esta|ese|esa) )?(?:es|son|era|está|están|sigue|siguen)(?! posible)(?![^.!?]*\b(?:qué|cuál|quién)\b)"
    r"|(?:se )?(?:lo|la|los|las|le|les|te) (?:env\w+|mand\w+|entreg\w+|llam\w+)"
    r"|(?:quiere|quieres|desea|prefiere|prefieres) que|(?:todavía |aún )?viv(?:e|es|en)"
    r"|(?:puedo|podemos|debo|debemos) (?:env|mand|entreg|llam|usar)\w*|su [^.!?]* (?:es|está) (?:correct[oa]|bien)",
    r"verdad|correcto|no|es correcto|cierto|es así",
)
_REQUESTS = {
    Wanted.SPELLING: re.compile(r"\bdeletr[eé]\w*[^.!?]*[.!?]?\s*$|\bdeletrear\w*[^.!?]*[.!?]?\s*$"),
    Wanted.EMAIL: _asked("correo|e-?mail|mail"),
    Wanted.NUMBER: _asked("números?|código|dígitos|cifras|teléfono|dni|fecha de nacimiento|cuándo (?:nació|naciste)"),
    Wanted.ADDRESS: _asked(
        r"dirección|domicilio|calle|dónde (?:vive\w*|(?:se )?(?:lo|la|los|las) \w+|\w*env\w+|\w*entreg\w+)"
    ),
}
_LONE_FIGURE = re.compile(
    # a las diez · a las 10:30 · a las diez y media · el 12 · para cuatro · a la una
    r"\b(?:(?:a|hacia|sobre|desde|hasta|de|para|son) las|el|día|para|menos|más|somos"
    r"|seríamos) \d{1,2}(?: y)?(?: \d\d?)?$"
    r"|\b(?:a|hacia|sobre|hasta|de|es) la una(?: y)?(?: \d\d?)?$|\bla 1 \d\d$"
)
_FILLERS = frozenset("eh ehm em este mmm pues entonces y bueno el la lo los las un una o".split())
_LEAD_INS = frozenset("pero he dicho digo que no".split())
_BACKCHANNELS = phrases(
    "mm | mmm | mh | mh mh | mmh | mhm | hm | hmm | mm hmm | ajá | aja | ah | oh | uy | ya | sí | sip | ok | okay",
    "vale | claro",
    "bien | bueno",
    "muy bien | perfecto | genial | estupendo | excelente | buenísimo | fenomenal | de acuerdo | entiendo",
    "entendido | comprendo",
    "ya veo | ya entiendo | ya lo sé | lo entiendo | exacto | exactamente | eso es | eso | así es | es cierto",
    "cierto | correcto",
    "efectivamente | por supuesto | desde luego | cómo no | gracias | muchas gracias | está bien | todo bien",
    "me parece bien",
    "qué bien | qué bueno | en serio | de verdad | de nada | venga | órale | ándale | listo | sale | dale",
    "claro que sí | sí sí",
    "ah bueno | ah vale | ya está | por mí bien | no está mal",
    "como quiera | como usted quiera | como quieras | perfectamente | está perfecto | es perfecto | está genial",
    # said while the agent is busy
    "no hay problema | ningún problema | sin problema | sin problemas | no hay prisa | sin prisa | sin prisas",
    "con calma",
    "no tengo prisa | no corre prisa | no se preocupe | no te preocupes | no pasa nada | no importa | tranquilo",
    "tranquila",
    "tómese su tiempo | tómate tu tiempo | tómese el tiempo | con tranquilidad | espero | yo espero | aquí espero",
    "le espero",
    "te espero | lo espero | la espero | me espero | puedo esperar | yo le espero | aquí le espero",
    "estoy esperando | aquí estoy",
    "sigo aquí | estoy aquí | aquí sigo | sigo en línea | tengo tiempo | siga | sigue | adelante | continúe",
    "continúa | cuando quiera",
    "cuando pueda | cuando puedas | cuando quieras | no se apure | no te apures | sin apuro | no hay apuro",
    "dígame | le escucho",
    "sí por favor | sí gracias | no es problema | no es ningún problema | no tengo ninguna prisa",
    "no hay ninguna prisa",
    "no es nada | no eso es todo | no nada más",
)
_REFUSALS = phrases("no")
_LAST_STOPS = _REFUSALS | phrases("para | ya no | así no | eso no")
_STOPS = _LAST_STOPS | phrases(
    "no por favor | para ya | para por favor | para eso | para un momento | pare | párate | párese | pare ya | alto",
    "stop | basta",
    "ya basta | espera | espere | espérate | espérese | espera espera | cancela | cancele | cancélalo | cancélala",
    "cancélelo",
    "cancélela | cancelar | cancela eso | cancele eso | cancela todo | detente | deténgase | detén eso | déjalo",
    "déjelo | olvídalo",
    "olvídelo | olvida eso | déjelo así | déjalo así | mejor no | no siga | no sigas | no continúe | no gracias",
    "no espera",
    "no espere | no lo haga",
    "no lo hagas | no haga eso | no hagas eso | ya es suficiente | suficiente",
)
_STATEMENTS = phrases(
    "no entiendo | no lo entiendo | no comprendo | no entendido | no es cierto | no es eso | no es así | no sé",
    "no espero | no puedo esperar | no estoy esperando | no me espero | no está listo | no estoy aquí | no sale",
    "no listo",
    "no tengo tiempo | no es perfecto | claro que no | por supuesto que no | desde luego que no | no muy bien",
    "no me parece bien",
)
_COMMANDS = phrases(
    "perdón | perdona | perdone | disculpe | disculpa | disculpen | oiga | oye | hola | aló | escuche | escucha",
    "escúcheme",
    "escúchame | un momento | un momentito | un segundo | un segundito | un minuto | momento | momentito",
    "1 momento | adiós",
    "hasta luego | repita | repite | repítalo | repítelo | silencio | cállate | cállese | ayuda | socorro | pausa",
    "permítame",
    "mire | mira | oigan | chao",
)

SPANISH = GrammarLexicon(
    Grammar(
        words=_words,
        written=_words,
        announcements=_ANNOUNCES,
        short_questions=SHORT_QUESTIONS,
        unfinished=UNFINISHED,
        open_endings=OPEN_ENDINGS,
        inside_numbers={"doble": 1, "coma": 0},
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
        last_stops=_LAST_STOPS,
    )
)
