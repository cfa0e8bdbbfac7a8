"""Endings of Spanish: which last words leave a sentence open, and which numbers may go on."""

import re

from server.call.turns.lexicon.grammar import last_words

OPENING = (
    r"(?:hola|buenas|buenos|días|tardes|noches|aló|oiga|oye|mire|perdón|perdone|disculpe|y|pero|o|entonces|pues|sí|no"
    r"|bueno|vale|gracias|eh|este|por favor|señor|señorita)"
)
"""What callers say before the sentence proper."""
_NOTHING = r"(?!)"
"""A pattern that matches nothing."""
_WHOLE_NO = r"^(?:(?:no|pues|ah|bueno|eh) )*no"
"""The beginning of a short answer: "no tengo"."""
_WISH = "(?:quiero|quería|quisiera|querría|queremos|queríamos|necesito|me gustaría|gustaría|quisiéramos|desearía)"
_CAN = "(?:puedo|puede|puedes|pueden|podría|podrías|podrían|podemos|podríamos)"

_OPEN_WORDS = {
    "el la los las lo del al mi tu su mis tus sus nuestros nuestras unos unas algún ningún cada aquel aquella": (
        _NOTHING
    ),
    # a la una · cada una; not: quiero una
    "un una": r"(?:las?|cada|alguna|número|solo|sólo|ni) una",
    "nuestro nuestra vuestro vuestra": r"(?:el|la) \w+",
    # quiero este · es esta
    "este esta estos estas ese esa esos esas": r"(?:quiero|prefiero|es|era|sea|deme|dame|como|sería|llevo) \w+"
    r"|^(?:(?:sí|no|pues) )*(?:esa|ese|esas|esos|estas|estos)",
    # hable con · no paro de are open; el sobre · estoy en contra · no para
    "a de en con por sin desde hasta según durante mediante tras hacia": _NOTHING,
    "para sobre contra entre": r"(?:no|nunca|siempre) para|(?:el|un|del) sobre|(?:en|estoy) contra|que entre",
    "y e o u pero que porque si cuando como aunque donde ni sino mientras quien cuyo cuya": _NOTHING,
    "em ehm eh mmm digamos muy tan casi arroba guion guión me se te le les nos os cualquier": _NOTHING,
    # qué hora es · quién es · qué es · así es; not: cuál es · mi nombre es
    "es": (
        r"(?:qué|quién|cómo|cuánto|dónde|cuándo|así|(?<!por )eso|ya|sí|esa) es|(?:lo que|como|cual|que) es"
        r"|qué (?:\w+ ){1,2}es"
        r"|(?:cuándo|dónde|cuánto|quién|cuál) (?:\w+ ){1,4}es|no no es|no lo es|a cuánto es"
    ),
    "son": r"(?:cuánt\w+|quiénes|dónde|cómo|sí|así) (?:\w+ )?son|qué (?:\w+ )son",
    # cómo está · dónde están · ya está · aquí está · sé dónde está; not: mi pedido está · dónde está
    "está están estás estamos estoy estaba estaban": (
        r"(?:cómo|ahí|aquí|allí|ya|no|sí|qué tal|así|como|todavía no|lo que|quién|bien) (?:\w+ )?(?:est\w+)"
        r"|dónde est(?:án|ás|oy|amos)"
        r"|(?:sé|sabe|saben|sabes|\w+ \w+ \w+) dónde está|(?:dónde|cómo|qué|cuándo) (?:\w+ ){1,3}est\w+"
    ),
    "fue era": r"(?:qué|cómo|cuándo|quién|cuánto|dónde|cuál|así|lo que|no) (?:\w+ )?(?:fue|era)",
    "hay": (
        rf"{_WHOLE_NO} hay|(?:qué|cuánt\w+|sí|ya no|si|lo que|donde|dónde|que|no no) (?:\w+ )?hay"
        r"|(?:qué|cuánt\w+) \w+ hay"
    ),
    "he ha has hemos han había habían habíamos soy somos": r"(?:quién|como|sí|cuántos|cuántas) (?:soy|somos)",
    # no lo tengo · aquí la tengo · lo que tengo · sí tengo · no tengo; not: tengo
    "tengo tenemos": (
        rf"{_WHOLE_NO} \w+|(?:lo|la|los|las|que|qué|ya|sí|no no|cuánt\w+)(?: ya)? \w+|(?:qué|cuánt\w+) \w+ ten\w+"
    ),
    "tiene tienen tienes tenéis": r"(?:qué|cuánt\w+|lo|la|los|las|lo que|no no|sí) (?:\w+ )?\w+|qué (?:\w+ ){1,3}\w+",
    # sí quiero · lo quiero · lo que quiero
    "quiero quieres quiere quieren quiera quería queríamos queremos querría quisiera quisiéramos": (
        r"(?:lo|la|los|las|sí|ya no|no no|qué|lo que|cuando|como|si|(?<!es )que) (?:\w+ )?(?:qui\w+|quer\w+)"
        rf"|{_WHOLE_NO} (?:quiero|queremos)"
    ),
    "desearía deseo gustaría encantaría necesitaría necesitaba preferiría": r"sí (?:me |nos )?\w+|lo que \w+|como \w+",
    "necesito necesita necesitamos necesitan": r"(?:lo|la|los|las|que|qué|cuánto|cuántos|no|sí|si|lo que) \w+",
    # no puedo · si puede · se puede; not: puedo · saber si puede
    "puedo puede pueden puedes podría podrían podemos podrías": (
        r"(?:no|sí|cuando|ya no) (?:me |lo |la )?pued\w+|(?<!saber )(?<!ver )(?<!preguntar )(?<!decirme )si (?:me |lo "
        r"|usted )?p\w+"
        r"|^(?:no |sí |y )*se puede|no se puede|lo que (?:se )?p\w+"
    ),
    "debo debe debería deben": r"(?:no|cuánto|sí|lo que|como|cuánto le|cuánto os) \w+",
    # cómo me llamo · luego llamo; not: me llamo · llamo
    "llamo": r"(?:cómo|luego|después|ahora|mañana|ya|más tarde) (?:me |le |te |os |los )?llamo",
    "busco prefiero compré pedí recibí vivo llevo": r"(?:que|qué|lo|la|dónde|ya|sí|no) \w+",
}
"""Last words after which a sentence is mostly not complete. Each group of words has a pattern: a sentence that ends
with it, and with one of these words, is complete after all. The comments show such complete sentences."""

_CLOSING_WORDS = {
    # a qué · quería saber qué, but por qué · no sé qué
    "qué": r"(?:a|en|con|saber|decirme|decir|dime|preguntar) qué",
    # quería saber cuándo, but no sé cuándo · desde cuándo
    "cómo cuándo dónde cuánto cuántos cuántas quién cuál cuáles": (
        r"(?:saber|decirme|decir|dime|dígame|explicarme|explicar|preguntar|ver|y|pero) (?:a |en |por |de )?\w+"
    ),
    "pues entonces": r"(?:^|^y |^o |pero |^sí |^no |^bueno |^vale |^ah |^eh |^ok |^hola |y |porque )(?:pues|entonces)",
    "bueno bien": r"(?:pero|eh|pues|y|este) bueno",
    "además encima": r"(?:^|^y |y |pero )\w+",
    "sea": r"(?:^|y |pero |no |sí )o sea",
    "decir": r"(?:es|quiero|quería|o sea) decir|(?:me|nos) (?:puede|puedes|podría|podrías|pueden) decir",
    "también solo sólo solamente": (
        rf"(?:^|{_WISH} |^y |^pero |es |tengo |\w+me |me \w+ )(?:también|solo|sólo|solamente)"
    ),
    "otro otra otros otras": r"(?:^|tengo|hay|es|con|de|en|por|para|hacer|a|pedir) otr[oa]s?",
    # es que no, but creo que no
    "no": r"(?:es que|porque|pero|lo que|mi \w+) no",
    "más menos": r"(?:cuánto (?:es|son)|suma\w*) .*\w+|(?:al|lo) menos|(?:es|mucho|lo) más",
    "yo usted ella él ellos nosotros": (
        r"(?:^|si |cuando |porque |(?<!más )(?<!mejor )que |pero |pues |bueno )(?:yo|usted|ella|él|ellos|nosotros)"
    ),
    "saber tener pedir hablar poner comprar dejar hacer reservar confirmar": (
        rf"^(?!.*\b(?:qué|cómo|que|cuánto|cuándo|dónde)\b).*(?:{_WISH}|para|{_CAN}|voy a|vamos a|encantaría) "
        r"(?:saber|tener|pedir|hablar|poner|dejar|hacer)"
    ),
    # me puede decir · me podría dar · deme
    "dar pasar explicar mandar enviar": rf"(?:me|nos) {_CAN} \w+",
    "decirme darme pasarme enviarme mandarme ponerme explicarme hacerme": rf"(?:{_CAN}|quiere|quieres) \w+",
    "deme dame páseme pásame póngame ponme mándeme mándame explíqueme da pone póngale": (
        r"^(?:\w+ )?(?:\w+me|me (?:da|pone))"
    ),
    "creo pienso supongo imagino": r"(?:^|^yo |y |pero |es que |bueno |eh |pues )(?:creo|pienso|supongo|imagino)",
    "número nombre dirección teléfono": (
        r"(?:pedido|mesa|habitación|cliente|es el|calle) número|a nombre|^(?:\w+ )?mi \w+"
    ),
    "partir respecto acerca debido causa vez lugar parte través pesar": (
        r"a partir|(?:con|al) respecto|acerca|debido|a causa|en vez|en lugar|(?:^|de |por )parte|a través|a pesar"
    ),
    "llamando buscando llamaba": r"^(?!.*qué).*(?:estoy|estaba|estamos|ando|andaba) (?:llamando|buscando)|llamaba",
    "calle avenida plaza paseo carrera": (
        r"^(?!.*qué)(?:\w+ ){0,4}(?:calle|avenida|paseo|carrera)|(?:^|la |en |es )plaza"
    ),
    "punto": r"(?<!\bel)(?<!\bun)(?<!\ben)(?<!\bal)(?<!^) punto",
    "hace": r"^(?:\w+ )?hace|(?:desde|pedido|pedí|compré|llegó|llamé) hace",
    "igual": r"^(?:y )?igual",
    "duele falta": r"me duele|(?:me|nos) (?:hace|haría|hará) falta",
    "queda quedan": r"(?:si|les|os|le|te|me|nos|todavía|aún) quedan?",
    "ser": r"(?:va|van|vamos|voy) a ser",
    "posible": r"^(?:hola |buenas |sí |no |y |perdón |pero )*(?:es|sería|será) posible",
    "doctor doctora señor señora": r"(?:el|la|al|del) (?:doctora?|señora?)",
    "consigo": r"no consigo",
    "antes después": r"cuánto tiempo \w+|^(?:y )?(?:antes|después)",
    "días semanas horas meses minutos": r"(?:llevo|llevamos|llevaba) (?:\w+ ){0,2}\w+",
    "día": r"(?:nació|nací|es|fue|para|desde) el día",
    "sido ya": r"(?:ha|he|había|han) (?:sido|ya)",
    "voy vamos": r"(?:^|yo |y |entonces |pero |mañana |que |pedido )(?:voy|vamos)",
}
"""Last words with which a sentence is mostly complete. Each group of words has a pattern: a sentence that ends with it,
and with one of these words, is not complete. The comments show such incomplete sentences, and after "but" complete
ones."""

UNFINISHED = re.compile(rf"^(?:{OPENING} )*(?:mi|mis) \w+$")  # mi marido
MORE_FIGURES = re.compile(
    # matches: d a n · ele · número un
    r"(?:.*\b)?(?:número|línea|habitación) una?$|(?:.* )?(?:[b-df-hj-np-tv-xz]|[a-xz] [a-z])$|.*\b(?:y griega|efe"
    r"|hache|jota|ele|eme|ene|eñe|erre|uve|equis|zeta)$"
)
SHORT_QUESTIONS = re.compile(rf"(?:{OPENING} )*(?:dónde está|cuál (?:es|era))")
OPEN_ENDINGS = last_words(_OPEN_WORDS, _CLOSING_WORDS)
