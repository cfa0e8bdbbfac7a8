import pytest

from server.call.turns.lexicon.choice import lexicon_of
from server.call.turns.lexicon.lexicon import Completeness, Kind, Wanted
from tests.lexicon_tables import kinds, rows, writings

PORTUGUESE = lexicon_of("pt-BR")
NOTHING = "| . | ... | — | ?!"
COMPLETE = """
    que horas vocês abrem | a que horas fecham | o que é isso | o que é | quem é | que horas são | como você está
    como está
    gostaria de reservar uma mesa para hoje à noite | quero cancelar a minha consulta | onde está o meu pedido
    onde estão
    como você se chama | não obrigado | sim por favor | muito obrigada | claro que sim | acho que sim | acho que não
    por que não | eu também | não tenho | sim tenho | eu não tenho nenhum | o que vocês têm | não tem | quanto custa
    quanto é
    sim quero | o que eu quero | se puder | se quiser | quando puder | não posso | não sei | não sei onde está
    não sei quando
    por quê | para quê | desde quando | de onde | com quem | vocês abrem quando | o senhor mora onde | custa quanto
    é isso | pois é | não é | já está | aqui está | tá bom | só isso | mais nada | nada mais | é meu | pode ser esse
    como me chamo | meu nome é ana silva | sou o pedro | sou eu | com você | e você | até amanhã então | tudo bem então
    às dez e meia da noite | às 10 da manhã | em ponto | cada um | o azul | o de sempre | o segundo | prefiro sem
    minha filha está com febre | me dói a cabeça | sou alérgico a nozes | a internet não funciona | é urgente
    somos seis pessoas | uma mesa na varanda | a minha encomenda não chegou | estou esperando há uma semana | já paguei
    me passa para o gerente | me liga amanhã | o que eu posso fazer | como faço | como vai | ligue-me amanhã
    Olá, gostaria de falar com um atendente. | Vocês têm mesa para quatro pessoas? | O que é isso? | Chamo-me Ana.
    Pare já!
    em nome de Martins | queria saber onde está a minha encomenda | Em nome de quem? | é para hoje | E o senhor?
    ainda não
    boa noite queria saber se ainda tem lugar no sábado à noite | é para um aniversário | somos doze com as crianças
    vocês fazem pratos vegetarianos | posso pagar com cartão | perdi o meu cartão do banco
    faz três dias que estou esperando | eu já dei o meu número | meu marido ligou para vocês ontem
    o doutor Lima atende na quarta | prefiro à tarde | é a primeira vez que eu venho | não é só isso muito obrigada
    pode repetir por favor | não ouvi direito | tem que ir em jejum | dá para estacionar na frente | eu me enganei
    o entregador nunca passou | ah tá então está fechado | eu ligo mais tarde | quanto tempo demora
    dá para mudar para quinta | quero falar com outra pessoa | alô sou eu de novo
    a entrega estava marcada para terça | recebi uma mensagem de vocês | meu filho está com tosse há dois dias
    ele não tem febre | vocês aceitam cachorro | a gente chega lá pelas oito da noite | vou te passar o cartão
    o código não funciona | não acho a nota fiscal | depende do preço | melhor de manhã | tanto faz
    sim é isso mesmo | em que andar fica
    é a minha | sim é o meu | Onde fica? | Qual é? | Onde está?
"""
SINGLE = (
    "essa | sim | Sim. | não | olá | amanhã | quê | quando | como | obrigado | tá | Ana | segunda | pode | tenho | é"
)
NUMBER = """
    meu número é quatro dois | o meu número é 42 | nove um três | pedido 4271 | vinte | 4, 2, 7, 1. | número um | agá
    trinta e dois | setenta e um | às nove e trinta | às dez | duzentos | dia 12 | d a n | mesa para quatro
    meia meia um
    O meu número é 06 12. | o cep é 04 | quero dois | três
    ela nasceu em oitenta e dois
"""
OPEN = """
    me vê também | por acaso vocês
    gostaria de | gostaria | gostaria de reservar uma mesa para | meu nome é | o meu nome é | meu número é | e | hã
    então
    quero | queria saber | queria saber se | eu queria | queria falar com | preciso | preciso de | preciso de um
    estou procurando
    você pode | você pode me | poderia me dizer | pode me dizer | podia | eu posso | posso falar com | eu tenho
    tenho um | há um
    é que | o meu pedido está | o meu pedido não | estou | estou ligando para | estou a ligar | sou | sou o | qual é
    qual é o
    onde está | onde está o meu | que horas o | a que | quanto custa o | porque | porque não | mas | mas eu | e então
    ou seja
    se | quando eu | acho que | eu acho | segunda ou | segunda e | com | com a minha | para | por | de | na | à
    em nome | em nome de | a partir de | a partir | eu ligo para | gostaria de saber quando | rua | eu moro na rua
    ana ponto | ana arroba | me | não me | se você | quero que | é muito | uma | um | minha | as | tipo | bom
    Olá, | Queria... | Queria uma… | Mas. | Onde está o meu? | Pode me? | Hã. | Vocês? | Me chamo | eu me chamo
    chamo-me
    minha filha está | comprei um | Poderia me dar o | o que | o cara que | eu vou | vai ser que | quer dizer
    será que vocês
    o meu endereço é | sou alérgico a | me fala | só queria | queria pedir | não é só que | vocês têm o
    boa noite queria saber se ainda tem | é para um aniversário e vamos ser | somos doze com
    tenho uma reserva em nome de | seria possível | perdi o meu | faz três dias que | eu já | meu marido | o doutor
    eu preferia | é a primeira vez que | eu precisaria | pode me passar | tem que | ela nasceu no dia
    o entregador me disse que | eu me | se for possível eu gostaria | quando eu liguei ontem me | quanto tempo antes
    é possível | quero falar com | procuro um quarto para dois com | alô estou ligando porque | a entrega estava
    recebi uma | meu filho está | eu queria que vocês me | vocês não teriam uma | a gente chega lá pelas
    o problema é que | não acho a minha | depende de | melhor entre | tinha | aí eu | na hora de pagar o site me
    vou ter que
    onde está o meu | onde fica. | é a | isso é | eu quero essa minha
"""
ALL = list(kinds(nothing=NOTHING, complete=COMPLETE, single=SINGLE, number=NUMBER, open=OPEN))


@pytest.mark.parametrize(("text", "kind"), ALL)
def test_completeness(text: str, kind: Completeness) -> None:
    """Whole sentences, as callers say them, are told from the beginnings of sentences, in every writing."""
    assert [PORTUGUESE.ending(each).completeness for each in (text, *writings(text))] == [kind] * 5


@pytest.mark.parametrize(
    ("text", "announces"),
    [
        *(
            (text, True)
            for text in rows("""
                tenho uma pergunta | oi eu tenho uma dúvida | queria fazer uma pergunta | tenho um problema
                uma pergunta
                preciso de ajuda | você pode me ajudar | pode ajudar-me por favor | queria perguntar uma coisa
                tenho duas perguntas | estou com um problema
            """)
        ),
        *((text, False) for text in rows("sem problema | não tem problema | olá | nenhuma pergunta")),
    ],
)
def test_what_announces_more(text: str, announces: bool) -> None:
    """After "tenho uma pergunta" the question is yet to come."""
    assert PORTUGUESE.ending(text).announces is announces


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        *(
            (text, 4)
            for text in rows("""
                4271 | 4, 2, 7, 1. | 42-71 | 42 71 | quatro dois sete um | quarenta e dois setenta e um
                um dois três quatro
                quatro mil duzentos e setenta e um | meia meia um dois | o meu número é quarenta e dois setenta e um
                três meia nove meia
            """)
        ),
        ("nove um três doze trinta e quatro cinquenta e seis", 9),
        ("É o 912 34 56 78.", 9),
        ("quero uma", 0),
    ],
)
def test_the_digits_of_a_number_are_counted(text: str, digits: int) -> None:
    """However a number is said or written, its digits are the same. "Meia" is six."""
    assert PORTUGUESE.ending(text).digits == digits


@pytest.mark.parametrize(
    ("text", "lone"),
    [
        *(
            (text, True)
            for text in rows(
                "às dez | às 10 | às 10:30 | às dez e dez | dia 12 | para quatro | Às 19h30. | às três e meia"
            )
        ),
        *((text, False) for text in rows("o meu número é 42 | quatro dois | dia 4 2 7")),
    ],
)
def test_a_number_is_whole_where_few_digits_are_said(text: str, lone: bool) -> None:
    """After "às" and in a date a number is whole, in every writing."""
    assert PORTUGUESE.ending(text).lone_figure is lone


def test_words_are_the_same_in_every_writing() -> None:
    """Numbers in words and in figures, and accents, are compared in one writing."""
    assert PORTUGUESE.words("Amanhã às dez.") == PORTUGUESE.words("amanha\u0303 a\u0300s 10")
    assert PORTUGUESE.words("O 32?") == PORTUGUESE.words("o trinta e dois")


@pytest.mark.parametrize(
    ("agent_text", "wanted"),
    [
        ("Muito bem. Qual é o número do seu pedido?", Wanted.NUMBER),
        ("Para que número podemos ligar?", Wanted.NUMBER),
        ("Diga o seu código, por favor.", Wanted.NUMBER),
        ("Me fala o seu telefone.", Wanted.NUMBER),
        ("Qual é o seu CPF?", Wanted.NUMBER),
        ("Pode soletrar o seu sobrenome?", Wanted.SPELLING),
        ("Diga letra por letra.", Wanted.SPELLING),
        ("Qual é o seu endereço de e-mail?", Wanted.EMAIL),
        ("Qual é o seu endereço?", Wanted.ADDRESS),
        ("Qual é a sua morada?", Wanted.ADDRESS),
        ("Onde entregamos?", Wanted.ADDRESS),
        ("Como você se chama?", Wanted.NOTHING),
        ("Como te chamas?", Wanted.NOTHING),
        ("Em nome de quem faço a reserva?", Wanted.NOTHING),
        ("Com quem eu falo?", Wanted.NOTHING),
        ("Já tenho o seu endereço. Mais alguma coisa?", Wanted.NOTHING),
        ("Como posso ajudar?", Wanted.NOTHING),
        ("", Wanted.NOTHING),
        ("Envio para o seu endereço habitual?", Wanted.NOTHING),
        ("É este o seu número?", Wanted.NOTHING),
        ("Este é o seu número?", Wanted.NOTHING),
        ("O seu número é 4271, certo?", Wanted.NOTHING),
        ("Posso ligar para este número?", Wanted.NOTHING),
        ("O seu endereço está correto?", Wanted.NOTHING),
        ("Qual é a sua data de nascimento?", Wanted.NUMBER),
        ("Quando você nasceu?", Wanted.NUMBER),
        ("Pode me dar o seu número?", Wanted.NUMBER),
        ("E qual é o seu CEP?", Wanted.NUMBER),
        ("Qual é o código postal?", Wanted.NUMBER),
    ],
)
def test_what_the_agent_asks_for(agent_text: str, wanted: Wanted) -> None:
    """The last sentence of the agent tells, formal or not, in Brazil and in Portugal."""
    assert PORTUGUESE.asked_for(agent_text) is wanted


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(
            (text, Kind.BACKCHANNEL)
            for text in rows("""
                tá bom | Claro. | sem pressa | Sim, eu espero. | fique à vontade | Não tem pressa. | não se preocupe
                ok obrigado
                o | Ah é? | entendi | fico na linha | Sem problema, eu aguardo. | Uhum.
            """)
        ),
        *(
            (text, Kind.STOP)
            for text in rows("""
                espere | Espera, por favor. | pare | Para! | não | Não, não. | não, cancela | mas espera
                cancele o pedido
                chega | peraí | tá bom, para | não obrigada | deixa pra lá | para, por favor
            """)
        ),
        *((text, Kind.COMMAND) for text in rows("desculpe | Alô? | hã com licença | um momento | só um minutinho")),
        *(
            (text, Kind.WORDS)
            for text in rows("""
                quinta | não me lembro do número | para segunda | não posso esperar | uma pizza | não tenho nenhum
            """)
        ),
        *((text, Kind.NOTHING) for text in rows(NOTHING)),
    ],
)
def test_what_words_mean_over_the_agent(text: str, kind: Kind) -> None:
    """Commands count where the words begin with them. "Para" and "não" begin sentences, and count alone."""
    assert PORTUGUESE.remark(PORTUGUESE.words(text)).kind is kind


@pytest.mark.parametrize(
    ("text", "may"), [("não", True), ("para", True), ("fique à", True), ("espera", False), ("cancela", False)]
)
def test_what_may_go_on(text: str, may: bool) -> None:
    """More may follow "não" and "para", as in "não tem pressa" and "para segunda"; "cancela" is clear at once."""
    assert PORTUGUESE.remark(PORTUGUESE.words(text)).may_go_on is may


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, Kind.BACKCHANNEL) for text in rows("""
            não tudo bem | Não, não há problema. | não não se preocupe | não não tem pressa | não tá bom
            sim por favor | não pode continuar
        """)),
        *((text, Kind.STOP) for text in rows("""
            não | não não | não obrigado | para | já não | não espere | isso não
        """)),
        *((text, Kind.WORDS) for text in rows("""
            já não funciona | não não entendi | não sei | não pode ser | não funciona | para segunda
            não posso esperar | isso não sei
        """)),
    ],
)  # fmt: skip
def test_a_refusal_before_a_reassurance_stops_nothing(text: str, kind: Kind) -> None:
    """A refusal is a stop alone and before a correction, but not where the words only reassure or say something."""
    assert PORTUGUESE.remark(PORTUGUESE.words(text)).kind is kind
