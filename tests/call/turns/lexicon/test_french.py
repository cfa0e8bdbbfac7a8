import pytest

from server.call.turns.lexicon.choice import lexicon_of
from server.call.turns.lexicon.lexicon import Completeness, Kind, Wanted
from tests.lexicon_tables import kinds, rows, writings

FRENCH = lexicon_of("fr-CA")
NOTHING = "| . | ... | — | ?!"
COMPLETE = """
    vous ouvrez quand | vous êtes où | c'est combien | ça marche comment | à quelle heure fermez-vous
    je voudrais réserver une table pour ce soir | je voudrais annuler mon rendez-vous | où est ma commande
    quelle heure est-il | comment allez-vous | où êtes-vous | qui êtes-vous | que faites-vous | combien coûte-t-il
    comment vous appelez-vous | c'est pour ce soir | je viens avec | sans moi | c'est ça | comme ça | ça va
    non merci | oui s'il vous plaît | d'accord merci | bien sûr | pas du tout | pourquoi pas | moi aussi
    il y en a | j'en ai | j'en ai une | oui je l'ai | tout ce que j'ai | ce que vous avez | j'y vais | allez-y
    je ne sais pas | je n'en ai pas | je ne sais pas où | je ne sais pas où elle est | je ne sais pas quand
    si vous pouvez | si vous voulez | comme vous voulez | dès que vous pouvez | quand vous voulez
    qu'est-ce que c'est | qu'est-ce qu'il y a | qu'est-ce que vous avez | qu'est-ce que je peux faire
    chez vous | c'est pour nous | avec elle | à lui | c'est qui | avec qui | à qui | j'en ai besoin
    rappelez-moi | excusez-moi | dites donc | c'est à quel nom | au nom de Martin | mardi je crois
    quel est le prix | quels sont vos horaires | est-ce que vous êtes ouverts dimanche | vous livrez le samedi
    mon colis n'est pas arrivé | j'attends depuis une semaine | à dix heures et demie | à 10h
    à demain alors | d'accord alors | je prends le bleu | le deuxième | c'est complet | le plus tôt possible
    je préfère aujourd'hui | au cas où | n'importe quand | depuis quand
    Bonjour, je voudrais parler à un conseiller. | C'est noté ? | Vous avez une table pour quatre personnes ?
    Je m'appelle Sophie Martin. | C'est quoi ? | Stop ! | Ça fait combien ? | J’habite à Lyon. | C'est l'été
    ma fille a de la fièvre | j'ai mal au dos | je suis allergique aux noix | c'est urgent | le docteur est là
    on sera six personnes | une table en terrasse | ça ne marche pas | mon internet est en panne | je suis malade
    bonsoir je voulais savoir si vous aviez encore de la place samedi soir | c'est pour un anniversaire
    on est douze avec les enfants | vous faites des menus végétariens | je peux payer par carte
    j'ai perdu ma carte bancaire | ça fait trois jours que j'attends | je vous ai déjà donné mon numéro
    mon mari vous a appelés hier | est-ce que le docteur Lambert consulte le mercredi | je préférerais l'après-midi
    c'est la première fois que je viens | non c'est tout je vous remercie | vous pouvez répéter s'il vous plaît
    je n'ai pas bien entendu | il faut venir à jeun | on peut garer la voiture devant | je me suis trompée
    le livreur n'est jamais passé | ah d'accord c'est fermé alors | je vous rappelle plus tard
    combien de temps ça prend | c'est possible de décaler à jeudi | je veux parler à quelqu'un d'autre
    allô oui c'est encore moi | la livraison était prévue pour mardi | j'ai reçu un message de votre part
    mon fils tousse depuis deux jours | il n'a pas de fièvre | vous acceptez les chiens
    on arrivera vers vingt heures | je vous donne ma carte | le code ne fonctionne pas
    je ne retrouve plus la facture | ça dépend du prix | plutôt le matin | peu importe | oui c'est bien ça
    c'est à quel étage
    c'est ce que je veux | c'est ce que je voulais | je l'ai déjà | oui je peux | je voudrais bien | je veux bien
"""
SINGLE = """
    oui | Oui. | non | bonjour | demain | quoi | quand | comment | merci | stop | Sophie | lundi | si
    d'où | l'adresse | aujourd'hui | quelqu'un
"""
NUMBER = """
    mon numéro est le quatre deux | mon numéro c'est le 42 | c'est le zéro six | commande 4271 | vingt | 4, 2, 7, 1.
    quatre-vingt-dix | quatre-vingt-dix-sept | vingt et un | soixante et onze | à neuf heures trente | à dix
    numéro un | deux cent | une table pour quatre | le 12 | martin m a r | d u p | Mon numéro est le 06 12.
    mon code postal est 75 | il me faut deux | J'en voudrais deux. | trois
    elle est née en quatre-vingt-deux
"""
OPEN = """
    mettez-moi aussi
    je voudrais | je voudrais réserver une table pour | est-ce que | mon numéro est le | mon numéro est | et | euh
    je m'appelle | je vous appelle | j'appelle pour | bonjour je vous appelle | je voudrais savoir
    je voudrais savoir si
    est-ce que vous | est-ce que vous avez | est-ce qu'il | est-ce que je peux | pouvez-vous | pouvez-vous me
    pourriez-vous
    avez-vous | y a-t-il | il y a | c'est | où est | où est ma | quel est | quel est le | à quelle | quelle est votre
    j'ai | j'ai besoin | j'ai besoin de | j'aurais besoin | je suis | je n'ai pas | ce n'est pas | c'est pour
    c'est pour une
    parce que | parce qu'il | puisque | quand je | et si | mais | mais je | donc | et donc | alors | et alors | enfin
    euh alors | je pense que | je pense | je crois | je crois qu'elle | je vais | je peux | je dois | on est
    nous sommes
    la commande que | une commande qui | celle de | lundi ou | lundi et | avec | avec ma | pour | à | de | d' | l' | qu'
    je voudrais prendre | je voudrais avoir | pourrais-je parler | pourrais-je parler à | dites-moi | dites-moi quand
    pouvez-vous me dire | au nom | au nom de | à partir | au sujet de | mon nom | mon adresse est | j'habite au 12 rue
    martin arobase | s'il | s'il vous | je ne | je n'ai | il faudrait | il faudrait que | en fait | et puis | sinon
    Bonjour, | Je voudrais... | Je voudrais un… | Mais. | Où est ma ? | Est-ce que vous ? | Euh. | J’aimerais
    ma fille a | le docteur est | il fait très | je prends un | c'est juste | j'ai aussi | vous avez | vous êtes
    je voudrais savoir quand | je voudrais savoir combien | ça fait | j'ai eu un | c'est à dire | voilà c'est
    bonsoir je voulais savoir si vous aviez | c'est pour un anniversaire et on sera | on est douze avec
    j'ai une réservation au nom de | est-ce que je pourrais | j'ai perdu ma | ça fait trois jours que
    je vous ai déjà | mon mari vous a | est-ce que le docteur | je préférerais | c'est la première fois que je
    il me faudrait | vous pouvez me passer | je n'arrive pas à | il faut que je | elle est née le
    le livreur m'a dit que | je me suis | si c'est possible j'aimerais | quand j'ai appelé hier on m'a
    combien de temps avant | c'est possible de | je veux parler à | je cherche une chambre pour deux avec
    allô oui je vous appelle parce que | j'ai reçu un | mon fils est | je voudrais que vous | vous auriez pas une
    on arrivera vers | le problème c'est que | je ne retrouve plus ma | ça dépend de | plutôt entre | il y avait
    du coup je | au moment de payer le site m'a | je vais devoir
    est-ce que je voulais | je peux | je vous l'ai déjà | j'ai déjà | j'aimerais bien | est-ce que je veux
"""
ALL = list(kinds(nothing=NOTHING, complete=COMPLETE, single=SINGLE, number=NUMBER, open=OPEN))


@pytest.mark.parametrize(("text", "kind"), ALL)
def test_completeness(text: str, kind: Completeness) -> None:
    """Whole sentences, as callers say them, are told from the beginnings of sentences, in every writing."""
    assert [FRENCH.ending(each).completeness for each in (text, *writings(text))] == [kind] * 5


@pytest.mark.parametrize(
    ("text", "announces"),
    [
        *(
            (text, True)
            for text in rows("""
                j'ai une question | bonjour j'aurais une petite question | pouvez-vous m'aider | j'ai un problème
                j'ai besoin d'aide | je voudrais un renseignement | est-ce que je peux vous poser une question
                j'ai deux questions | je voulais vous demander quelque chose | vous pouvez me renseigner
            """)
        ),
        *((text, False) for text in rows("pas de problème | je n'ai pas d'autre question | bonjour | l'adresse")),
    ],
)
def test_what_announces_more(text: str, announces: bool) -> None:
    """After "j'ai une question" the question is yet to come."""
    assert FRENCH.ending(text).announces is announces


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        *(
            (text, 4)
            for text in rows("""
                4271 | 4, 2, 7, 1. | 42-71 | 42 71 | quatre deux sept un | quarante-deux soixante et onze
                un deux trois quatre
                quatre mille deux cent soixante et onze | mon numéro est le quatre-vingt-dix-sept vingt et un
            """)
        ),
        ("zéro six douze trente-quatre quatre-vingt-dix soixante-dix-huit", 10),
        ("C'est le 06 12 34 56 78.", 10),
        ("j'ai un", 0),
    ],
)
def test_the_digits_of_a_number_are_counted(text: str, digits: int) -> None:
    """However a number is said or written, its digits are the same."""
    assert FRENCH.ending(text).digits == digits


@pytest.mark.parametrize(
    ("text", "lone"),
    [
        *(
            (text, True)
            for text in rows("à dix | vers 10 | à 10h30 | à dix heures trente | À 19:30. | le 12 | pour quatre")
        ),
        *((text, False) for text in rows("mon numéro est 42 | quatre deux | à 4 2 7")),
    ],
)
def test_a_number_is_whole_where_few_digits_are_said(text: str, lone: bool) -> None:
    """After "à" and in a date a number is whole, in every writing."""
    assert FRENCH.ending(text).lone_figure is lone


def test_words_are_the_same_in_every_writing() -> None:
    """Numbers in words and in figures, apostrophes and accents are compared in one writing."""
    assert FRENCH.words("Rappelez-moi à dix heures.") == FRENCH.words("rappelez moi à 10 heures")
    assert FRENCH.words("L’élève a 97 ans") == FRENCH.words("l'e\u0301le\u0300ve a quatre-vingt-dix-sept ans")


@pytest.mark.parametrize(
    ("agent_text", "wanted"),
    [
        ("Très bien. Quel est votre numéro de commande ?", Wanted.NUMBER),
        ("À quel numéro peut-on vous joindre ?", Wanted.NUMBER),
        ("Pouvez-vous me donner votre numéro de téléphone, s’il vous plaît ?", Wanted.NUMBER),
        ("Donne-moi ton code.", Wanted.NUMBER),
        ("Pouvez-vous épeler votre nom ?", Wanted.SPELLING),
        ("Pouvez-vous e\u0301peler votre nom ?", Wanted.SPELLING),
        ("Épelez-le, s'il vous plaît.", Wanted.SPELLING),
        ("Quelle est votre adresse e-mail ?", Wanted.EMAIL),
        ("C'est quoi ton adresse mail ?", Wanted.EMAIL),
        ("À quelle adresse devons-nous livrer ?", Wanted.ADDRESS),
        ("Où habitez-vous ?", Wanted.ADDRESS),
        ("C'est à quel nom ?", Wanted.NOTHING),
        ("Comment vous appelez-vous ?", Wanted.NOTHING),
        ("Comment tu t'appelles ?", Wanted.NOTHING),
        ("Votre pre\u0301nom, s'il vous plaît ?", Wanted.NOTHING),
        ("J'ai noté votre adresse. Autre chose ?", Wanted.NOTHING),
        ("Votre numéro est le 4271.", Wanted.NOTHING),
        ("Comment puis-je vous aider ?", Wanted.NOTHING),
        ("", Wanted.NOTHING),
        ("Est-ce bien votre numéro ?", Wanted.NOTHING),
        ("C'est votre adresse ?", Wanted.NOTHING),
        ("Est-ce que c'est votre numéro ?", Wanted.NOTHING),
        ("Dois-je l'envoyer à votre adresse habituelle ?", Wanted.NOTHING),
        ("Voulez-vous que je l'envoie à votre adresse ?", Wanted.NOTHING),
        ("Votre adresse est-elle correcte ?", Wanted.NOTHING),
        ("Votre numéro est le 4271, c'est bien ça ?", Wanted.NOTHING),
        ("Quelle est votre date de naissance ?", Wanted.NUMBER),
        ("Est-ce que je peux avoir votre numéro ?", Wanted.NUMBER),
        ("Est-ce que vous pouvez me donner votre numéro ?", Wanted.NUMBER),
        ("Quel est votre code postal ?", Wanted.NUMBER),
        ("Quand êtes-vous né ?", Wanted.NUMBER),
        ("C'est quoi votre numéro ?", Wanted.NUMBER),
    ],
)
def test_what_the_agent_asks_for(agent_text: str, wanted: Wanted) -> None:
    """The last sentence of the agent tells, formal or not."""
    assert FRENCH.asked_for(agent_text) is wanted


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(
            (text, Kind.BACKCHANNEL)
            for text in rows("""
                d'accord | Ouais. | c'est bon | je patiente | prenez votre temps | oui d'accord j'attends
                OK, merci. | le
                pas de souci | Ah bon ? | Euh oui, très bien. | ça marche | allez-y | je reste en ligne
                Il n’y a pas d’urgence.
            """)
        ),
        *(
            (text, Kind.STOP)
            for text in rows("""
                stop | Arrêtez ! | non | Non, non. | attendez | mais attendez | annulez la commande | ok stop
                laissez tomber | attends un instant | non merci
            """)
        ),
        *(
            (text, Kind.COMMAND)
            for text in rows("Excusez-moi, | allô ? | euh pardon | deux secondes | s'il vous plaît")
        ),
        *((text, Kind.WORDS) for text in rows("jeudi | je ne peux pas attendre | c'est non | une pizza | moyenne")),
        *((text, Kind.NOTHING) for text in rows(NOTHING)),
    ],
)
def test_what_words_mean_over_the_agent(text: str, kind: Kind) -> None:
    """Commands count where the words begin with them, and what reassures the agent is none."""
    assert FRENCH.remark(FRENCH.words(text)).kind is kind


@pytest.mark.parametrize(("text", "may"), [("prenez votre", True), ("je reste", True), ("stop", False)])
def test_the_beginning_of_a_reassurance_is_known(text: str, may: bool) -> None:
    """More may follow that makes the words a reassurance."""
    assert FRENCH.remark(FRENCH.words(text)).may_go_on is may


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, Kind.BACKCHANNEL) for text in rows("""
            non c'est bon | Non, pas de problème. | non non prenez votre temps | non ça va
            non je peux attendre | oui s'il vous plaît | non non c'est parfait
        """)),
        *((text, Kind.STOP) for text in rows("""
            non pas lundi | non attendez | non | non non | non merci | non ne réservez pas | non c'est faux
            non bien sûr que non | non euh | non ça va pas
        """)),
    ],
)  # fmt: skip
def test_a_refusal_before_a_reassurance_stops_nothing(text: str, kind: Kind) -> None:
    """A refusal is a stop alone and before a correction, but not where the words only reassure or say something."""
    assert FRENCH.remark(FRENCH.words(text)).kind is kind
