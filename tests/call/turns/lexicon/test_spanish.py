import pytest

from server.call.turns.lexicon.choice import lexicon_of
from server.call.turns.lexicon.lexicon import Completeness, Kind, Wanted
from tests.lexicon_tables import kinds, rows, writings

SPANISH = lexicon_of("es-MX")
NOTHING = "| . | ... | — | ¿?"
COMPLETE = """
    a qué hora abren | qué es esto | qué es | quién es | qué hora es | cómo está | dónde están | cuánto cuesta
    cuánto es
    quisiera reservar una mesa para esta noche | quiero cancelar mi cita | dónde está mi pedido | cómo se llama usted
    no gracias | sí por favor | muchas gracias | claro que sí | creo que sí | creo que no | por qué no | yo también
    no lo tengo | aquí lo tengo | lo que tengo | sí quiero | lo quiero | no puedo | si puede | si quiere | cuando quiera
    no sé | no lo sé | no sé qué | no sé dónde está | no sé cuándo | por qué | para qué | desde cuándo | de dónde
    con quién
    qué tienen | qué horarios tienen | cuántos hay | ya no hay | así es | ya está | aquí está | eso es todo | nada más
    lo necesito | qué necesita | cómo me llamo | luego llamo | me llamo ana | soy pedro | soy yo | con usted | y yo
    el lunes entonces | hasta mañana | a las diez y media | a las 10 de la mañana | en punto | quiero este | esta no
    estoy en contra | el sobre | no para | lo que sea | cada una | la azul | la de siempre | el segundo
    mi hija tiene fiebre | me duele la cabeza | soy alérgico a las nueces | no funciona el internet | es urgente
    somos seis personas | una mesa en la terraza | mi paquete no ha llegado | llevo una semana esperando | está bien
    póngame con el gerente | llámeme mañana | qué puedo hacer | hay que pagar | ¿Cómo está usted? | todavía no
    Hola, quisiera hablar con un agente. | ¿Tienen mesa para cuatro? | ¿Qué es eso? | Me llamo Ana García. | ¡Alto!
    a nombre de Martín | quiero saber dónde está mi paquete | ¿A nombre de quién? | es para hoy | ¿Y usted?
    buenas noches quería saber si les queda sitio para el sábado | es para un cumpleaños | somos doce con los niños
    tenéis menú vegetariano | puedo pagar con tarjeta | he perdido mi tarjeta del banco | llevo tres días esperando
    ya le di mi número | mi marido les llamó ayer | el doctor Ruiz pasa consulta los miércoles
    prefiero por la tarde | es la primera vez que vengo | no eso es todo muchas gracias | puede repetirlo por favor
    no le he oído bien | hay que ir en ayunas | se puede aparcar delante | me he equivocado
    el repartidor no ha pasado nunca | ah vale entonces está cerrado | le llamo más tarde | cuánto tiempo tarda
    se puede cambiar al jueves | quiero hablar con otra persona | hola soy yo otra vez
    la entrega estaba prevista para el martes | he recibido un mensaje de ustedes | mi hijo tose desde hace dos días
    no tiene fiebre | admiten perros | llegaremos sobre las ocho de la tarde | le doy mi tarjeta
    el código no funciona | no encuentro la factura | depende del precio | mejor por la mañana | me da igual
    sí eso es | en qué piso están
    no tengo | No, no tengo. | no quiero | no hay | ¿Dónde está? | ¿Cuál es?
"""
SINGLE = "esa | sí | Sí. | no | hola | mañana | qué | cuándo | cómo | gracias | bueno | Ana | lunes | vale | cualquiera"
NUMBER = """
    mi número es el cuatro dos | mi número es 42 | seis tres nueve | pedido 4271 | veinte | 4, 2, 7, 1.
    treinta y dos | setenta y uno | a las nueve treinta | a las diez | número uno | doscientos | el 12 | d a n
    mesa para cuatro | Mi número es 06 12. | mi código postal es 28 | quiero dos | tres | be a ele
    nació en el ochenta y dos
"""
OPEN = """
    póngame también | me pone también
    quisiera | quisiera reservar una mesa para | me llamo | mi nombre es | mi número es | mi número es el | y | eh
    este
    quiero | quiero saber | quiero saber si | me gustaría | quería | quería hablar con | necesito | necesito un | busco
    me puede | me puede decir | podría | podría decirme | puede | puedo | tengo | tengo un | tengo que
    hay | es
    es que | está | mi pedido está | mi pedido no ha | mi pedido no | ha | he | estoy | estoy buscando
    estoy llamando para | soy | soy el
    cuál es | cuál es el | dónde está | dónde está mi | qué hora es el | a qué | a qué hora abren los | cuánto cuesta el
    porque | porque no | pero | pero es que | y entonces | pues | pues mire es que | o sea | además | si | cuando | como
    creo que | creo | pienso que | lunes o | lunes y | con | con mi | para | por | de | en la | al | a nombre
    a nombre de
    a partir de | a partir | llamo por | llamo | le llamo | quería saber cuándo | quería saber cuánto | dígame cuándo
    la calle
    vivo en la calle | ana punto | ana arroba | me | no me | se | quiero que me | es muy | una | un | mi | las
    también quiero
    Hola, | Quisiera... | Quisiera una… | Pero. | ¿Dónde está mi? | ¿Me puede? | Eh. | ¿Tienen? | Quiero hacer
    para hacer
    me duele | mi hija tiene | compré un | ¿Me podría dar el | lo | lo que | la que | el que | voy a | vamos a
    es decir
    mi dirección es | soy alérgico a | llevo | desde hace | no es | quería pedir | me pone | puedo hablar con
    buenas noches quería saber si les queda | es para un cumpleaños y vamos a ser | somos doce con
    tengo una reserva a nombre de | sería posible | he perdido mi | llevo tres días | ya le he | mi marido les
    el doctor | preferiría | es la primera vez que | me haría falta | me puede pasar con | no consigo | nació el
    el repartidor me dijo que | me he | si es posible me gustaría | cuando llamé ayer me | cuánto tiempo antes
    es posible | quiero hablar con | busco una habitación para dos con | hola les llamo porque | la entrega estaba
    he recibido un | mi hijo está | quisiera que ustedes me | no tendrían una | llegaremos sobre las
    el problema es que | no encuentro mi | depende de | mejor entre | había | así que yo | al pagar la página me
    voy a tener que
    yo tengo | mi marido no tiene | dónde está. | ¿Cuál es el? | no he | es que no quiero que
"""
ALL = list(kinds(nothing=NOTHING, complete=COMPLETE, single=SINGLE, number=NUMBER, open=OPEN))


@pytest.mark.parametrize(("text", "kind"), ALL)
def test_completeness(text: str, kind: Completeness) -> None:
    """Whole sentences, as callers say them, are told from the beginnings of sentences, in every writing."""
    assert [SPANISH.ending(each).completeness for each in (text, *writings(text))] == [kind] * 5


@pytest.mark.parametrize(
    ("text", "announces"),
    [
        *(
            (text, True)
            for text in rows("""
                tengo una pregunta | hola tengo una duda | quería hacer una consulta | tengo un problema | una pregunta
                necesito ayuda | me puede ayudar | podría ayudarme por favor | quería preguntarle una cosa
                tengo dos preguntas
            """)
        ),
        *((text, False) for text in rows("no hay problema | ninguna pregunta más | hola | sin problema")),
    ],
)
def test_what_announces_more(text: str, announces: bool) -> None:
    """After "tengo una pregunta" the question is yet to come."""
    assert SPANISH.ending(text).announces is announces


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        *(
            (text, 4)
            for text in rows("""
                4271 | 4, 2, 7, 1. | 42-71 | 42 71 | cuatro dos siete uno | cuarenta y dos setenta y uno
                uno dos tres cuatro
                cuatro mil doscientos setenta y uno | mi número es el cuarenta y dos setenta y uno
            """)
        ),
        ("seis tres nueve doce treinta y cuatro cincuenta y seis", 9),
        ("Es el 639 12 34 56.", 9),
        ("quiero una", 0),
    ],
)
def test_the_digits_of_a_number_are_counted(text: str, digits: int) -> None:
    """However a number is said or written, its digits are the same."""
    assert SPANISH.ending(text).digits == digits


@pytest.mark.parametrize(
    ("text", "lone"),
    [
        *(
            (text, True)
            for text in rows("""
                a las diez | a las 10 | a las 10:30 | a las diez y diez | a las nueve treinta | el 12 | para cuatro
                a la una | a las 19:30.
            """)
        ),
        *((text, False) for text in rows("mi número es 42 | cuatro dos | el 4 2 7")),
    ],
)
def test_a_number_is_whole_where_few_digits_are_said(text: str, lone: bool) -> None:
    """After "a las" and in a date a number is whole, in every writing."""
    assert SPANISH.ending(text).lone_figure is lone


def test_words_are_the_same_in_every_writing() -> None:
    """Numbers in words and in figures, and accents, are compared in one writing."""
    assert SPANISH.words("Llámeme a las diez.") == SPANISH.words("lla\u0301meme a las 10")
    assert SPANISH.words("¿El 32?") == SPANISH.words("el treinta y dos")


@pytest.mark.parametrize(
    ("agent_text", "wanted"),
    [
        ("Muy bien. ¿Cuál es su número de pedido?", Wanted.NUMBER),
        ("¿A qué número le podemos llamar?", Wanted.NUMBER),
        ("Dígame su código, por favor.", Wanted.NUMBER),
        ("Dime tu número de teléfono.", Wanted.NUMBER),
        ("Necesito su número de cliente.", Wanted.NUMBER),
        ("¿Puede deletrear su apellido?", Wanted.SPELLING),
        ("¿Me lo deletrea, por favor?", Wanted.SPELLING),
        ("¿Cuál es su dirección de correo electrónico?", Wanted.EMAIL),
        ("¿Cuál es su dirección?", Wanted.ADDRESS),
        ("¿Cuál es su direccio\u0301n?", Wanted.ADDRESS),
        ("¿Dónde se lo entregamos?", Wanted.ADDRESS),
        ("¿Cómo se llama usted?", Wanted.NOTHING),
        ("¿Cómo te llamas?", Wanted.NOTHING),
        ("¿A nombre de quién hago la reserva?", Wanted.NOTHING),
        ("¿Con quién hablo?", Wanted.NOTHING),
        ("Ya tengo su direccio\u0301n. ¿Algo más?", Wanted.NOTHING),
        ("¿En qué puedo ayudarle?", Wanted.NOTHING),
        ("", Wanted.NOTHING),
        ("¿Se lo envío a su dirección habitual?", Wanted.NOTHING),
        ("¿Es este su número?", Wanted.NOTHING),
        ("Muy bien. ¿Este es su número?", Wanted.NOTHING),
        ("¿Su dirección es correcta?", Wanted.NOTHING),
        ("Su número es el 4271, ¿verdad?", Wanted.NOTHING),
        ("¿Le llamo a este número?", Wanted.NOTHING),
        ("¿Cuál es su fecha de nacimiento?", Wanted.NUMBER),
        ("¿Cuándo nació?", Wanted.NUMBER),
        ("¿Me puede dar su número?", Wanted.NUMBER),
        ("¿Y cuál es su código postal?", Wanted.NUMBER),
        ("¿Tiene el número de pedido?", Wanted.NUMBER),
    ],
)
def test_what_the_agent_asks_for(agent_text: str, wanted: Wanted) -> None:
    """The last sentence of the agent tells, formal or not."""
    assert SPANISH.asked_for(agent_text) is wanted


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(
            (text, Kind.BACKCHANNEL)
            for text in rows("""
                vale | Claro. | sin prisa | Sí, espero. | aquí espero | No hay prisa. | no se preocupe | ok gracias | el
                Ajá. | muy bien | tómese su tiempo | ya veo | No pasa nada, espero.
            """)
        ),
        *(
            (text, Kind.STOP)
            for text in rows("""
                espera | Espere, por favor. | para | ¡Para! | no | No, no. | no, cancela | pero espera
                cancele el pedido
                basta | pare | vale, para | no gracias | para, por favor | déjelo
            """)
        ),
        *((text, Kind.COMMAND) for text in rows("perdón | ¿Oiga? | eh disculpe | un momento | hola")),
        *(
            (text, Kind.WORDS)
            for text in rows("""
                jueves | no me acuerdo del número | para el lunes | no puedo esperar | una pizza | no tengo ninguno
            """)
        ),
        *((text, Kind.NOTHING) for text in rows(NOTHING)),
    ],
)
def test_what_words_mean_over_the_agent(text: str, kind: Kind) -> None:
    """Commands count where the words begin with them. "Para" and "no" begin sentences, and count alone."""
    assert SPANISH.remark(SPANISH.words(text)).kind is kind


@pytest.mark.parametrize(
    ("text", "may"), [("no", True), ("para", True), ("tómese su", True), ("espera", False), ("cancela", False)]
)
def test_what_may_go_on(text: str, may: bool) -> None:
    """More may follow "no" and "para", as in "no hay prisa" and "para el lunes"; "espera" is clear at once."""
    assert SPANISH.remark(SPANISH.words(text)).may_go_on is may


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, Kind.BACKCHANNEL) for text in rows("""
            no está bien | No, no hay problema. | no no se preocupe | no no no hay prisa | no tranquilo
            sí por favor | no no vale | no claro
        """)),
        *((text, Kind.STOP) for text in rows("""
            no | no no | no gracias | para | para para | ya no | no espere | no no gracias | eso no
        """)),
        *((text, Kind.WORDS) for text in rows("""
            ya no funciona | no no entiendo | no entiendo | no es cierto | no funciona | para el lunes
            no puedo esperar | eso no lo sé | no quiero eso
        """)),
    ],
)  # fmt: skip
def test_a_refusal_before_a_reassurance_stops_nothing(text: str, kind: Kind) -> None:
    """A refusal is a stop alone and before a correction, but not where the words only reassure or say something."""
    assert SPANISH.remark(SPANISH.words(text)).kind is kind
