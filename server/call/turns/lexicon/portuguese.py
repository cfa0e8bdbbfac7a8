"""Portuguese, of Brazil and of Portugal: its words, as far as turn-taking needs them.

How sentences end is in `portuguese_endings.py`.
"""

import re
from functools import partial

from server.call.turns.lexicon.grammar import Grammar, GrammarLexicon, asked, last_question, phrases
from server.call.turns.lexicon.lexicon import Wanted
from server.call.turns.lexicon.numerals import Numerals
from server.call.turns.lexicon.portuguese_endings import MORE_FIGURES, OPEN_ENDINGS, SHORT_QUESTIONS, UNFINISHED
from server.call.turns.lexicon.writing import plain_words

_SMALL = (
    "zero _ dois três quatro cinco seis sete oito nove dez onze doze treze quatorze quinze dezesseis dezessete dezoito "
    "dezenove"
)
_HUNDREDS = "cem duzentos trezentos quatrocentos quinhentos seiscentos setecentos oitocentos novecentos"
_NUMERALS = Numerals(
    {word: value for value, word in enumerate(_SMALL.split()) if word != "_"}
    | {"duas": 2, "catorze": 14, "dezasseis": 16, "dezassete": 17, "dezanove": 19, "cento": 100, "mil": 1000}
    | {
        word: 10 * tens
        for tens, word in enumerate("vinte trinta quarenta cinquenta sessenta setenta oitenta noventa".split(), 2)
    }
    | {word: 100 * hundreds for hundreds, word in enumerate(_HUNDREDS.split(), 1)}
    | {word[:-2] + "as": 100 * hundreds for hundreds, word in enumerate(_HUNDREDS.split(), 1) if hundreds > 1},
    beside={"um": 1, "uma": 1, "meia": 6},
    joint="e",
)


def _words(text: str) -> tuple[str, ...]:
    """The words of `text`, with numbers in figures. "Meia" is six beside other digits, as Brazilians dictate it."""
    return _NUMERALS.in_figures(plain_words(text))


_ANNOUNCES = re.compile(
    r"\b(?:(?:tenho|tinha|fazer|tirar|fazer lhe|te fazer|só) (?:só )?(?:uma |1 |\d+ |outra |umas "
    r"|mais uma )?(?:pequena )?"
    r"(?:perguntas?|dúvidas?)|(?:tenho|tive|estou com|tô com|com) (?:um|outro) problema|(?:preciso"
    r"|precisava) de (?:uma )?(?:ajuda|informação)"
    r"|(?:pode|poderia|podia|podem|consegue) (?:me ajudar|ajudar me|ajudar)|me ajudar|uma pergunta|uma dúvida"
    r"|uma informação"
    r"|(?:perguntar|dizer) uma coisa)(?: por favor)?$"
)


_asked = partial(
    asked,
    verbs=r"diga\w*|diz|dizer|fale|fala|dê|dá|dar|passe|passa|passar|informe|informa|informar|indique|indicar|repita"
    r"|repete|repetir"
    r"|confirm\w+|preciso|precisava|forneça|fornecer",
)
_YES_OR_NO = last_question(
    "e|então|bem|ok|ou|mas|certo",
    r"(?:(?:este|esta|esse|essa|isso|isto) )?(?:ainda )?(?:é|são|era|está"
    r"|continua)(?! possível)(?![^.!?]*\b(?:qual|quem|que|onde)\b)"
    r"|(?:envi|mand|entreg)(?:o|amos)|(?:quer|queres|deseja|prefere) que|(?:ainda )?mora (?:ainda|nesse|neste)"
    r"|(?:posso|podemos|devo|devemos|lhe|te) (?:envi|mand|entreg|lig|usar)\w*|o seu [^.!?]* está",
    r"certo|correto|não é|né|é isso|está certo|está correto",
)
_REQUESTS = {
    Wanted.SPELLING: re.compile(r"\b(?:soletr\w+|letra por letra)\b[^.!?]*[.!?]?\s*$"),
    Wanted.EMAIL: _asked("e-?mail|correio eletrónico|correio eletrônico"),
    Wanted.NUMBER: _asked(
        "números?|código|dígitos|algarismos|telefone|telemóvel|celular|cpf|nif|cep|data de nascimento"
        "|quando (?:você )?nasce(?:u|ste)"
    ),
    Wanted.ADDRESS: _asked(
        r"endereço|morada|rua|onde (?:mora|vive|devemos|podemos|entreg\w+|você mora|o senhor mora|a senhora mora)"
    ),
}
_LONE_FIGURE = re.compile(
    # às dez · às 10:30 · às três e meia · dia 12 · para quatro · 10h30
    r"\b(?:às|as|das|até as|dia|para|pra|menos|mais|somos|somos em|h|horas) (?:e )?\d{1,2}(?: e)?(?: h)?(?: (?:\d\d?"
    r"|meia))?$"
    r"|\bà uma(?: e)?(?: (?:\d\d?|meia))?$"
)
_FILLERS = frozenset("hã ahn ã hum eh ehm é o a os as e então bom tipo né assim um uma".split())
_LEAD_INS = frozenset("mas eu disse que não".split())
_BACKCHANNELS = phrases(
    "mm | mmm | mh | mh mh | mmh | mhm | hm | hmm | mm hmm | aham | ahã | uhum | uhm | ah | oh | sim | sim sim",
    "ok | okay | tá",
    "tá bom | tá bem",
    "tá certo | tá ok | tá ótimo | está bem | está bom | certo | claro | claro que sim | beleza | legal | perfeito",
    "ótimo | excelente",
    "maravilha | muito bem | bem | exato | exatamente | isso | isso mesmo | isso aí | é isso | é isso aí",
    "é verdade | verdade | pois",
    "pois é | pois sim | entendi | entendo | percebi | percebo | compreendo | estou a ver | estou vendo | sei",
    "eu sei | já sei",
    "com certeza | de acordo | combinado | fechado | fixe | bacana | obrigado | obrigada | muito obrigado",
    "muito obrigada",
    "valeu | sério | a sério | jura | nossa | ah é | ah sim | ah tá | por mim tudo bem | pode ser | tudo bem",
    "tudo certo | de nada | joia",
    "como quiser | como o senhor quiser | como a senhora quiser | como preferir | perfeitamente | está perfeito",
    # said while the agent is busy
    "sem problema | sem problemas | não tem problema | não há problema | nenhum problema | sem pressa",
    "não tem pressa",
    "não há pressa | não tenho pressa | não se preocupe | não te preocupes | não se apresse | não faz mal",
    "não tem importância",
    "com calma | fique à vontade | fica à vontade | à vontade | leve o tempo que precisar | tranquilo | tranquila",
    "eu espero",
    "eu aguardo | aguardo | vou esperar | vou aguardar | posso esperar | posso aguardar | estou esperando",
    "estou aguardando",
    "tô esperando | tô aguardando | estou à espera | fico à espera | fico aguardando | estou aqui",
    "ainda estou aqui | tô aqui",
    "fico na linha | estou na linha | tenho tempo | pode continuar | continue | continua | pode falar",
    "vá em frente | pode ir | siga | imagina",
    "espero | leve o seu tempo | no seu tempo | sem stress",
    "sim por favor | sim obrigado | sim obrigada | não tenho nenhuma pressa | não é problema | não é nada",
    "não mais nada | não se preocupe com isso",
)
_REFUSALS = phrases("não")
_LAST_STOPS = _REFUSALS | phrases("para | já não | assim não | isso não")
_STOPS = _LAST_STOPS | phrases(
    "pare | pare com isso | não por favor | para com isso | para aí | pare aí | para por favor | para já | parem",
    "stop | chega | basta",
    "já chega | espera | espere | espera aí | espere aí | peraí | pera | pera aí | espera lá | espere um pouco",
    "cancela | cancele | cancelar | cancela isso | cancele isso | cancela tudo | cancele tudo | deixa pra lá",
    "deixe para lá | deixa para lá | deixe estar | deixa estar | esquece | esqueça | esquece isso | esqueça isso",
    "não obrigado | não obrigada | não espera | não espere | não faça isso | não faz isso | não continue",
    "não continua | não siga | não precisa | aguarde | aguarda",
)
_STATEMENTS = phrases(
    "não entendi | não entendo | não percebi | não percebo | não compreendo | não sei | não é isso | não é verdade",
    "não espero | não aguardo | não posso esperar | não posso aguardar | não vou esperar | não pode ser",
    "não estou aqui",
    "não tenho tempo | não está certo | não é isso mesmo | não é bem | não muito bem | não estou a ver",
    "claro que não",
    "com certeza que não | não legal",
)
_COMMANDS = phrases(
    "desculpe | desculpa | com licença | alô | oi | olá | está lá | escute | escuta | ouça | ouve | olhe",
    "um momento | um momentinho",
    "só um momento | só um momentinho | um minuto | um minutinho | só um minuto | só um minutinho | um segundo",
    "um segundinho",
    "só um segundo | um instante | só um instante | momento | tchau | até logo | adeus | repita | repete",
    "pode repetir | silêncio",
    "calma | calma aí | cala a boca | cale se | socorro | ajuda | pausa | perdão | licença | moça | moço",
)

PORTUGUESE = GrammarLexicon(
    Grammar(
        words=_words,
        written=_words,
        announcements=_ANNOUNCES,
        short_questions=SHORT_QUESTIONS,
        unfinished=UNFINISHED,
        open_endings=OPEN_ENDINGS,
        inside_numbers={"duplo": 1, "vírgula": 0},
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
