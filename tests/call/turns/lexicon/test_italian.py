import pytest

from server.call.turns.lexicon.choice import lexicon_of
from server.call.turns.lexicon.lexicon import Completeness, Kind, Wanted
from tests.lexicon_tables import kinds, rows, writings

ITALIAN = lexicon_of("it-CH")
NOTHING = "| . | ... | — | ?!"
COMPLETE = """
    a che ora aprite | che ore sono | che cos'è | chi è | quanto costa | come sta | come stai | dove siete
    vorrei prenotare un tavolo per stasera | voglio annullare l'appuntamento | dov'è il mio ordine | come si chiama
    no grazie | sì grazie | grazie mille | certo che sì | credo di sì | perché no | sì anch'io | non lo so | ce l'ho
    non ce l'ho
    ne ho | quanti ne avete | cosa avete | che orari avete | lo vorrei | come vuole | cosa vuole | quello che voglio
    non posso | se può | appena può | quando può | non so perché | non so quando | non so dove | da quando | con chi
    di chi
    non c'è | non ci sono | se c'è | così è | è mio | va bene | quanto le devo | come mi chiamo | la richiamo domani
    mi chiamo anna rossi | sono pietro | sono io | e lei | con lei | per noi | a domani allora | va bene allora
    alle dieci e mezza | alle 10 di mattina | in punto | voglio questo | solo questo | quello blu | faccio senza
    vada via
    due giorni fa | cosa posso fare | come devo fare | ne ho bisogno | mi dica | un po' | il più presto possibile
    mia figlia ha la febbre | mi fa male la schiena | sono allergico alle noci | internet non funziona | è urgente
    siamo in sei persone | un tavolo all'aperto | il pacco non è arrivato | aspetto da una settimana | ho già pagato
    mi passi il responsabile | mi chiami domani | dell'ordine di ieri | l'ho ordinato ieri | mi può richiamare
    Buongiorno, vorrei parlare con un operatore. | Avete un tavolo per quattro persone? | Cos’è? | Mi chiamo Anna.
    Basta così!
    a nome di Martini | vorrei sapere dov'è il mio pacco | A che nome? | è per oggi | E voi? | dopo le otto di sera
    buonasera volevo sapere se avete ancora posto sabato sera | è per un compleanno | siamo in dodici con i bambini
    fate menù vegetariani | posso pagare con la carta | ho perso la carta di credito | sono tre giorni che aspetto
    le ho già dato il mio numero | mio marito vi ha chiamato ieri | il dottor Bianchi riceve il mercoledì
    preferirei il pomeriggio | è la prima volta che vengo | no è tutto la ringrazio | può ripetere per favore
    non ho sentito bene | bisogna venire a digiuno | è nata nell'ottantadue | si può parcheggiare davanti
    mi sono sbagliata | il corriere non è mai passato | ah capisco allora è chiuso | la richiamo più tardi
    quanto tempo ci vuole | si può spostare a giovedì | voglio parlare con un'altra persona
    pronto sono di nuovo io | la consegna era prevista per martedì | ho ricevuto un messaggio da voi
    mio figlio ha la tosse da due giorni | non ha la febbre | accettate i cani | arriviamo verso le otto di sera
    le do la mia carta | il codice non funziona | non trovo più la fattura | dipende dal prezzo | meglio la mattina
    per me è uguale | sì è proprio così | a che piano siete
    è la mia | sì è il mio | ce l'ho già | non voglio | sì lo sono | non lo sono
"""
SINGLE = """
    sì | Sì. | no | buongiorno | domani | cosa | quando | come | grazie | perché | Anna | lunedì
    l'indirizzo | quest'anno | cos'è | quant'è | anch'io
"""
NUMBER = """
    il mio numero è quattro due | il mio numero è 42 | tre tre nove | ordine 4271 | venti | 4, 2, 7, 1. | numero uno
    trentadue | ventuno | alle nove e trenta | alle dieci | duecento | il 12 | d a n | per quattro | effe
    il numero è sei
    Il mio numero è 06 12. | il cap è 20 | ne voglio due | tre
"""
OPEN = """
    vorrei | vorrei prenotare un tavolo per | mi chiamo | il mio nome è | il mio numero è | il mio numero è il | e
    ehm | cioè
    voglio | vorrei sapere | vorrei sapere se | mi piacerebbe | volevo | volevo parlare con | ho bisogno
    ho bisogno di | cerco
    mi può | mi può dire | potrebbe | potrebbe dirmi | può | posso | posso avere | ho | non ho | ho un | c'è | c'è un
    ci sono
    è che | sto | sto cercando | sto chiamando per | sono | sono il | qual è | qual è il | dov'è | dov'è il mio
    dov'è l'
    a che ora apre il | a che | quanto costa il | perché non | siccome | però | e però | e allora | allora
    allora io | quindi
    ma io | se | quando arriva il | che | credo che | credo | penso che | lunedì o | lunedì e | con | con mia | per
    di | nell'
    dell' | alla | a nome | a nome di | a partire da | a partire | chiamo per | chiamo | la chiamo per
    vorrei sapere quando
    abito in via | anna punto | anna chiocciola | mi | non mi | si | vorrei che | è molto | una | un | mia | gli
    vorrei anche
    Buongiorno, | Vorrei... | Vorrei una… | Però. | Dov'è il mio? | Mi può? | Ehm. | Vorrei un’ | C’è
    mi fa | mia figlia ha | ho ordinato un | Mi potrebbe dare il | quello che | la cosa che | vado a | e poi
    per quanto riguarda
    il mio indirizzo è | sono allergico a | non è | mi dia | posso parlare con | avete | siamo | la tavola è per
    non ho ancora
    buonasera volevo sapere se avete | è per un compleanno e saremo | siamo in dodici con
    ho una prenotazione a nome | sarebbe possibile | ho perso la | sono tre giorni che | le ho già
    mio marito vi ha | il dottor | preferirei | è la prima volta che | mi servirebbe | mi può passare | non riesco a
    bisogna che | è nata il | il corriere mi ha detto che | mi sono | se è possibile mi piacerebbe
    quando ho chiamato ieri mi hanno | quanto tempo prima | è possibile | voglio parlare con
    cerco una camera per due con | pronto vi chiamo perché | la consegna era | ho ricevuto un | mio figlio è
    vorrei che voi mi | non avreste una | arriviamo verso le | il problema è che | non trovo più la mia | dipende da
    meglio tra | c'era | quindi io | al momento di pagare il sito mi ha | dovrò
    qual è il mio | l'ho già | dov'è. | io voglio | non sono | è la
"""
ALL = list(kinds(nothing=NOTHING, complete=COMPLETE, single=SINGLE, number=NUMBER, open=OPEN))


@pytest.mark.parametrize(("text", "kind"), ALL)
def test_completeness(text: str, kind: Completeness) -> None:
    """Whole sentences, as callers say them, are told from the beginnings of sentences, in every writing."""
    assert [ITALIAN.ending(each).completeness for each in (text, *writings(text))] == [kind] * 5


@pytest.mark.parametrize(
    ("text", "announces"),
    [
        *(
            (text, True)
            for text in rows("""
                ho una domanda | buongiorno avrei una domanda | ho un problema | volevo farle una domanda | una domanda
                ho bisogno di aiuto | mi può aiutare | potrebbe aiutarmi per favore | volevo chiederle una cosa
                ho due domande | ho bisogno di un'informazione
            """)
        ),
        *((text, False) for text in rows("nessun problema | non c'è problema | buongiorno | nessuna domanda")),
    ],
)
def test_what_announces_more(text: str, announces: bool) -> None:
    """After "ho una domanda" the question is yet to come."""
    assert ITALIAN.ending(text).announces is announces


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        *(
            (text, 4)
            for text in rows("""
                4271 | 4, 2, 7, 1. | 42-71 | 42 71 | quattro due sette uno | quarantadue settantuno
                uno due tre quattro
                quattromila duecentosettantuno | il mio numero è quarantadue settantuno | sei sei tre due
                due tre uno sei
            """)
        ),
        ("tre tre nove dodici trentaquattro cinquantasei", 9),
        ("È il 339 12 34 56.", 9),
        ("vorrei una", 0),
    ],
)
def test_the_digits_of_a_number_are_counted(text: str, digits: int) -> None:
    """However a number is said or written, its digits are the same."""
    assert ITALIAN.ending(text).digits == digits


@pytest.mark.parametrize(
    ("text", "lone"),
    [
        *(
            (text, True)
            for text in rows(
                "alle dieci | alle 10 | alle 10:30 | alle dieci e dieci | il 12 | per quattro | Alle 19.30."
            )
        ),
        *((text, False) for text in rows("il mio numero è 42 | quattro due | il 4 2 7")),
    ],
)
def test_a_number_is_whole_where_few_digits_are_said(text: str, lone: bool) -> None:
    """After "alle" and in a date a number is whole, in every writing."""
    assert ITALIAN.ending(text).lone_figure is lone


def test_words_are_the_same_in_every_writing() -> None:
    """Numbers in words and in figures, and accents, are compared in one writing."""
    assert ITALIAN.words("Martedì alle dieci.") == ITALIAN.words("martedi\u0300 alle 10")
    assert ITALIAN.words("L’ordine 32?") == ITALIAN.words("l'ordine trentadue")


@pytest.mark.parametrize("text", rows("chi sei | sei gentile | quando sei libero"))
def test_sei_is_a_number_only_beside_one(text: str) -> None:
    """ "Sei" is six, and also "you are"."""
    assert ITALIAN.ending(text).completeness is Completeness.COMPLETE


@pytest.mark.parametrize(
    ("agent_text", "wanted"),
    [
        ("Molto bene. Qual è il suo numero d'ordine?", Wanted.NUMBER),
        ("A che numero possiamo richiamarla?", Wanted.NUMBER),
        ("Mi dica il suo codice, per favore.", Wanted.NUMBER),
        ("Dimmi il tuo numero di telefono.", Wanted.NUMBER),
        ("Può fare lo spelling del cognome?", Wanted.SPELLING),
        ("Me lo dica lettera per lettera.", Wanted.SPELLING),
        ("Qual è il suo indirizzo e-mail?", Wanted.EMAIL),
        ("Qual è il suo indirizzo?", Wanted.ADDRESS),
        ("Dove lo consegniamo?", Wanted.ADDRESS),
        ("Come si chiama?", Wanted.NOTHING),
        ("Come ti chiami?", Wanted.NOTHING),
        ("A che nome faccio la prenotazione?", Wanted.NOTHING),
        ("Con chi parlo?", Wanted.NOTHING),
        ("Ho già il suo indirizzo. Altro?", Wanted.NOTHING),
        ("Come posso aiutarla?", Wanted.NOTHING),
        ("", Wanted.NOTHING),
        ("Glielo mando al suo solito indirizzo?", Wanted.NOTHING),
        ("È questo il suo numero?", Wanted.NOTHING),
        ("Questo è il suo numero?", Wanted.NOTHING),
        ("Il suo numero è 4271, giusto?", Wanted.NOTHING),
        ("Bene. È il suo indirizzo?", Wanted.NOTHING),
        ("La chiamo a questo numero?", Wanted.NOTHING),
        ("Qual è la sua data di nascita?", Wanted.NUMBER),
        ("Quando è nato?", Wanted.NUMBER),
        ("Mi può dare il suo numero?", Wanted.NUMBER),
        ("E qual è il suo CAP?", Wanted.NUMBER),
        ("Qual è il codice?", Wanted.NUMBER),
    ],
)
def test_what_the_agent_asks_for(agent_text: str, wanted: Wanted) -> None:
    """The last sentence of the agent tells, formal or not."""
    assert ITALIAN.asked_for(agent_text) is wanted


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(
            (text, Kind.BACKCHANNEL)
            for text in rows("""
                va bene | Certo. | senza fretta | Sì, aspetto. | faccia con calma | Non c'è fretta.
                non si preoccupi | ok grazie
                il | Ah sì? | ho capito | resto in linea | Nessun problema, aspetto. | Grazie mille!
            """)
        ),
        *(
            (text, Kind.STOP)
            for text in rows("""
                aspetti | Aspetti, per favore. | ferma | Basta! | no | No, no. | no, annulli | ma aspetta
                annulli l'ordine
                stop | si fermi | va bene, basta | no grazie | lasci stare
            """)
        ),
        *((text, Kind.COMMAND) for text in rows("scusi | Pronto? | ehm mi scusi | un momento | senta")),
        *(
            (text, Kind.WORDS)
            for text in rows("giovedì | non mi ricordo il numero | non posso aspettare | una pizza | media")
        ),
        *((text, Kind.NOTHING) for text in rows(NOTHING)),
    ],
)
def test_what_words_mean_over_the_agent(text: str, kind: Kind) -> None:
    """Commands count where the words begin with them, and what reassures the agent is none."""
    assert ITALIAN.remark(ITALIAN.words(text)).kind is kind


@pytest.mark.parametrize(("text", "may"), [("non c'è", True), ("faccia con", True), ("aspetti", False)])
def test_the_beginning_of_a_reassurance_is_known(text: str, may: bool) -> None:
    """More may follow that makes the words a reassurance."""
    assert ITALIAN.remark(ITALIAN.words(text)).may_go_on is may


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, Kind.BACKCHANNEL) for text in rows("""
            no va bene | no basta così | basta così | Sì, per favore. | no no faccia con calma
            no non si preoccupi | no aspetto
        """)),
        *((text, Kind.STOP) for text in rows("""
            no non lunedì | no aspetti | no | no no | no grazie | no grazie va bene così | no non prenoti
            no è sbagliato | basta | no ehm
        """)),
        *((text, Kind.COMMAND) for text in rows("""
            per favore
        """)),
    ],
)  # fmt: skip
def test_a_refusal_before_a_reassurance_stops_nothing(text: str, kind: Kind) -> None:
    """A refusal is a stop alone and before a correction, but not where the words only reassure or say something."""
    assert ITALIAN.remark(ITALIAN.words(text)).kind is kind
