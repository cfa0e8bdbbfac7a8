"""Endings of Portuguese: which last words leave a sentence open, and which numbers may go on."""

import re

from server.call.turns.lexicon.grammar import last_words

OPENING = (
    r"(?:olá|oi|alô|bom dia|boa tarde|boa noite|e|mas|ou|então|sim|não|tá|tá bom|ok|obrigad[oa]|desculpe|desculpa|hã"
    r"|ahn|eh"
    r"|bom|bem|por favor|com licença|moça|moço|senhor|senhora|olha|olhe|escuta|está|estou)"
)
"""What callers say before the sentence proper."""
SUBJECT = r"(?:você|vocês|o senhor|a senhora|ele|ela|eles|elas|eu|a gente|nós)"
_NOTHING = r"(?!)"
"""A pattern that matches nothing."""
_WISH = "(?:quero|queria|queríamos|queremos|gostaria|gostaríamos|gostava|preciso|precisava|precisamos|desejo|desejava)"
_CAN = "(?:posso|pode|podem|poderia|poderiam|podia|podiam|podemos|consegue|conseguem|podes)"

_OPEN_WORDS = {
    "o a os as uns umas do da dos das no na nos nas ao à aos às pelo pela pelos pelas num numa dum duma deste "
    "desta desse dessa neste nesta nesse nessa cada algum alguma qualquer nosso nossa nossos nossas": _NOTHING,
    # tenho uma is open; à uma · cada um · qualquer um
    "um uma": r"(?:cada|qualquer|nenhum|meia|número|nem|à|mais|só|ou|algum) uma?",
    # é meu · é o meu · é esse · quero esse · essa
    "meu minha meus minhas seu sua seus suas teu tua": (
        r"^(?:(?:sim|não|isso|esse|essa) )*é [oa] \w+|(?:é|são|era|foi|não é) \w+"
    ),
    "este esta esse essa estes esses essas aquele aquela": (
        r"(?:quero|é|ser|prefiro|era|foi|levo) \w+|^(?:(?:sim|não) )*\w+"
    ),
    "de em com por sem sobre até desde entre contra durante após ante conforme exceto para pra pro pras pros perante": (
        r"(?:prefiro|pode ser|ou|quero|vem) sem|sou contra|(?:não|nunca) para"
    ),
    "e ou mas que se porém enquanto embora nem pois porque cujo cuja portanto caso": (
        r"^pois|(?:sei|é|foi|sabe|^sim|^ah) (?:porque|pois)"
    ),
    "hã ahn ã hum eh ehm uhm hmm muito tão arroba traço hífen underline lhe lhes me te vos eu cadê": (
        r"(?:sou|como|nem|e|fui|só|com) eu|(?:obrigad[oa]|gosto|gostei|não) muito"
    ),
    # o que é · quem é · pois é · não é · que horas é; not: o meu nome é · qual é
    "é era foi": (
        r"^(?:é|era|foi)|(?:o que|quem|quanto|como|onde|quando|pois|não|né|assim|sim|que \w+) (?:que )?(?:é|era|foi)"
        r"|(?:qual|como|quem|onde|quanto|quando) (?:\w+ ){1,4}(?:é|era|foi)|(?:o que|como|quem|quanto|onde"
        r"|quando) (?:é )?que (?:é|era|foi)"
    ),
    "são eram": r"(?:que \w+|quant\w+|quem|onde|como|não|sim) (?:\w+ )?(?:são|eram)|(?:quais|como) (?:\w+ ){1,4}são",
    # como está · como você está · já está · aqui está; not: o meu pedido está · onde está
    "está estão tá estou tô estava estavam estamos": (
        r"^(?:ah |então |sim |não )*(?:tá|está)|(?:como|aqui|já|lá|quem|não|sim|bem|como é que) (?:\w+ )?(?:est\w+|tá"
        r"|tô)|quem (?:tá|está)"
        r"|(?:onde|como|quando) (?:\w+ ){1,3}(?:est\w+|tá)|(?:sei|sabe|\w+ \w+ \w+) onde (?:está|tá|estão)"
        r"|onde (?:estão|estou|vocês estão)"
    ),
    "sou somos fui": r"(?:quem|como|sim|não|já|quantos) (?:eu )?\w+",
    # o que vocês têm · não tem · sim tenho; not: tem · eu tenho
    "tem têm tenho temos tinha tens há": (
        r"^tem|^(?:sim |não |eu |já )*(?:sim|não|já) (?:tem|tenho|temos|há)|^tenho|(?:o que|que|quais|quant\w+"
        r"|tudo que|lá|não)"
        rf"(?: \w+)?(?: é que)?(?: {SUBJECT})? (?:tem|têm|tenho|temos|há)(?<!é que tem)"
    ),
    # sim quero · o que eu quero · se quiser
    "quero queria queremos queríamos gostaria gostaríamos gostava preciso precisava precisamos precisaria "
    "precisaríamos preferia preferiria desejo quer querem precisa": (
        r"^(?:sim|não)(?: eu)? (?:quero|queria|gostaria|preciso)|(?:o que|tudo que|que|se|quando|como|quanto"
        r"|não)(?: é que)?"
        rf"(?: {SUBJECT})?(?: não)? (?:quero|queria|quer|querem|precis\w+|gostaria)(?<!é que quero)|não preciso"
        rf"|não precisa"
    ),
    # não posso · se puder is closed · pode; not: você pode
    "posso pode podem poderia poderiam podia podemos podes consegue conseguem consigo": (
        r"^(?:sim |não |já )*(?:pode|posso|consigo)|(?:não|sim|já não|assim) (?:pod\w+|posso|consig\w+|conseg\w+)"
        rf"|(?<!saber )(?<!ver )(?<!perguntar )se (?:{SUBJECT} )?(?:pod\w+|posso|conseg\w+)|como (?:você|vocês"
        rf"|o senhor) podem?"
    ),
    "devo deve devem deveria": r"(?:não|sim|quanto|quanto é que|quanto eu|quanto lhe) \w+",
    # como me chamo · como se chama
    "chamo chama": r"como (?:é que )?(?:eu |você |ele |ela |o senhor |a senhora |se |me )*cham\w+|(?:te|lhe|a) chamo",
    "comprei pedi moro procuro prefiro recebi fiz": r"(?:que|onde|já|não|sim|o que)(?: eu)?(?: não)? \w+",
}
"""Last words after which a sentence is mostly not complete. Each group of words has a pattern: a sentence that ends
with it, and with one of these words, is complete after all. The comments show such complete sentences."""

_CLOSING_WORDS = {
    # saber quando · e quando, but vocês abrem quando · não sei onde
    "quando onde quanto quanta quantos quantas": (
        r"(?:saber|dizer|perguntar|informar|sempre|porque|tanto|^e|^mas|diga) \w+|(?:lugar|loja|rua|casa|na|lá|sítio"
        r"|dia) onde"
        r"|(?:dia|hora|foi|era|até|desde) quando(?<!^até quando)(?<!^desde quando)"
    ),
    "como": r"(?:saber|dizer|perguntar|explicar|e|assim|tipo|algo|tal|bem|diga|ver|quero|ensinar) como(?<!^e como)",
    "qual quais quem": (
        r"(?:saber|dizer|perguntar|informar|o|a|com|em|na|no|^e) (?:qual|quais)|(?:saber|dizer|pessoa|alguém) quem"
    ),
    "então": r"(?:^|^e |^mas |^ah |^sim |^não |^ou |^hã |^bom |^é |^oi | mas | e )então(?<!^bom então)",
    "bom bem olha olhe assim": (
        r"(?:^|^e |^mas |^ahn |^hã |^então |^pois |^eh | tipo )(?:bom|bem|olha|olhe|assim)|^(?:sim|não|oi) (?:olha|bom)"
    ),
    "aí daí": r"(?:^|^e |^mas |então |^daí )(?:aí|daí)",
    "tipo": r"(?:^|^\w+ |é |foi )tipo",
    "seja": r"ou seja",
    "também só somente apenas": (
        rf"(?:^|{_WISH} |^eu |^mas |^e |tenho |^é que |me \w+ )(?:também|só|somente|apenas)(?<!^eu também)"
    ),
    "outro outra outros": r"(?:^|um|uma|tem|tenho|em|no|de|com|para) outr[oa]s?",
    "não": r"(?:^mas|porque|é que|mas eu|que eu|só que|(?:meu|minha) \w+) não",
    "mais menos": r"(?:quanto é|quantos são) .*\w+|(?:^é|o|a|muito|pelo) (?:mais|menos)",
    "você vocês ele ela eles elas nós": (
        r"(?:^|que |se |quando |porque |^mas |será que |onde |quanto |por acaso )(?:você|vocês|ele|ela|eles|elas|nós)"
    ),
    "senhor senhora gente": (
        r"(?:^|que |se |quando |porque |^e )(?:o senhor|a senhora|a gente)(?<!^e o senhor)(?<!^e a senhora)"
    ),
    "vou vai vamos vão": (
        r"^(?!.*(?:como|onde|aonde)\b)(?:.* )?(?:eu|você|ele|ela|que|vocês|quando|isso|pedido|gente|não|senhor) (?:vou"
        r"|vai|vão|vamos)"
    ),
    "fica": r"^(?:\w+ )?onde fica",
    "nome número endereço morada": (
        r"^(?:\w+ )?(?:o )?(?:meu|minha) \w+|(?:em|no) nome|(?:pedido|mesa|quarto|é o|casa|cliente) número"
    ),
    "acho penso creio imagino": r"(?:^|^eu |^e |^mas |^mas eu |que eu |^bom |^então )\w+(?<!^sim eu acho)",
    "saber ter falar pedir fazer conversar perguntar": (
        rf"^(?!.*\b(?:que|como|nada|quando)\b).*(?:{_WISH}(?: de)?|{_CAN}|para|pra|vou) \w+"
    ),
    "dizer falar passar dar informar confirmar explicar mandar enviar": (
        rf"{_CAN} (?:me|nos) \w+|(?:quer|quero) dizer|^(?!.*\b(?:que|como)\b).*(?:{_WISH}(?: de)?|{_CAN}) falar"
    ),
    "dá passa fala diz dê mostra manda vê": r"(?:me|nos) (?:dá|passa|fala|diz|dê|mostra|manda|vê)",
    "procurando ligando querendo precisando tentando procurar ligar tentar": (
        r"^(?!.*que).*(?:estou|estava|tô|tava) (?:a )?(?:procura\w+|liga\w+|querendo|precisando|tenta\w+)"
    ),
    "partir respeito causa vez relação além apesar través": (
        r"a partir|a respeito|por causa|em vez|em relação|além|apesar|através"
    ),
    "ser": r"(?:vai|vamos|vão|vou|poderia|iria) ser",
    "possível": r"^(?:oi |olá |bom dia |boa tarde |boa noite |sim |não |e |mas )*(?:é|seria|será) possível",
    "doutor doutora": r"(?:o|a|do|da|ao) doutora?",
    "dia": r"(?:no|do|para o|é) dia",
    "rua avenida praça travessa alameda": r"^(?!.*que)(?:\w+ ){0,3}(?:rua|avenida|praça|travessa|alameda)",
    "ponto": r"(?<!\bem)(?<!\bno)(?<!\bum)(?<!\bo)(?<!\bao)(?<!^) ponto",
    "faz dói": r"(?:^|^já |que )faz(?<!o que faz)|(?:me )dói",
    "será": r"(?:^|^\w+ )será",
    "depois antes": r"^(?:e )?(?:depois|antes)|quanto tempo \w+",
    "sido ainda já": r"(?:^|eu|que|pedido|que não|meu \w+|minha \w+) (?:ainda|já)|tinha sido",
}
"""Last words with which a sentence is mostly complete. Each group of words has a pattern: a sentence that ends with it,
and with one of these words, is not complete. The comments show such incomplete sentences, and after "but" complete
ones."""

UNFINISHED = re.compile(rf"^(?:{OPENING} )*(?:[oa]s? )?(?:meus?|minhas?) \w+$")  # o meu marido
MORE_FIGURES = re.compile(
    # matches: d a n · agá · número um · meia um; not: às 10 h
    r"(?:.*\b)?(?:número|mesa|quarto|linha|é o) (?:uma?|meia)$|(?!.*\d h$)(?:.* )?(?:[b-df-np-z]|[a-z] [a-z])$"
    r"|.*\b(?:agá|jota|eme|ene|erre|xis|zê|dáblio|ípsilon)$|.*\bmeia (?:meia|um)$"
)
SHORT_QUESTIONS = re.compile(rf"(?:{OPENING} )*(?:onde (?:fica|está|é)|qual (?:é|era))")
OPEN_ENDINGS = last_words(_OPEN_WORDS, _CLOSING_WORDS)
