from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.call.turns.lexicon.choice import lexicon_of
from server.call.turns.lexicon.german_writing import NUMBERS, spoken
from server.call.turns.lexicon.lexicon import Completeness, Kind, Wanted

GERMAN = lexicon_of("de-AT")


def completeness(text: str) -> Completeness:
    return GERMAN.ending(text).completeness


NOTHING = "| . | ... | — | ?!"
COMPLETE = """
    Rufen Sie mich bitte an. | rufen sie mich morgen an | das weiß ich nicht | wann haben Sie auf
    wann machen sie zu | ich möchte einen Tisch für vier Personen reservieren | ich hätte gern einen Kaffee
    ich möchte einen Kaffee | können sie mir helfen | können sie mir die adresse geben
    kann ich bitte mit einem menschen sprechen | ja bitte | nein danke | ja gern | sehr gerne | das war's
    das ist alles | einen moment bitte | ich warte | wer ist da | wo ist meine bestellung
    ist meine bestellung schon da | wie spät ist es | was kostet das | wie viel kostet das denn | was ist das
    wie geht es ihnen | wie heißen sie | wer sind sie | wo sind sie | um zehn uhr | am montag um 10 Uhr
    ich weiß nicht wo das ist | ich wollte fragen wo meine bestellung ist
    ich wollte wissen ob sie am montag auf haben | wissen sie ob das paket schon da ist
    sagen sie mir bitte was das kostet | ob das geht | wenn es geht | so ist es | den nehme ich | das brauche ich
    das weiß ich | glaube ich | ja bin ich | das möchte ich | ich auch | ach so | ich komme mit
    bringen sie den hund mit | holen sie das paket bitte ab | ich hole es heute ab | das sieht gut aus
    ich kenne mich nicht aus | schalten sie das gerät aus | ich lege auf | hören sie auf | passen sie auf
    ich kaufe ein | tragen sie mich bitte ein | hören sie mir zu | ich habe heute nichts vor
    schauen sie bitte nach | ich frage nach | stellen sie mich durch | kommen sie vorbei
    ich ziehe nächste woche um | ab und zu | sind sie noch da | immer noch | mein paket ist nicht angekommen
    ich habe eine frage | ich hätte da eine frage | ich brauche ein rezept | bis dann | ich bin krank
    ich hätte gern einen termin bei doktor weber | geht es auch am dienstag | am dienstag geht es nicht
    mein name ist anna | ich heiße Peter Schmidt | kann ich mit karte zahlen | nehmen sie auch karten | hilf mir
    das kann sein | morgen kann ich nicht | ich kann morgen nicht kommen | was ist los | was gibt es | warum nicht
    helfen sie mir bitte | wiederholen sie das bitte | eine pizza margherita bitte | das macht nichts | tut mir leid
    ich habe keine | wissen sie das | hören sie mich | das gefällt mir | das ist für mich | vielen dank
    danke ihnen | was haben sie denn | ich suche eine wohnung | ich hätte noch eine bitte | das dauert mir zu lange
    stimmt so | könnte ich einen termin bekommen | wann kann ich mein paket abholen | ich würde gern etwas bestellen
    das habe ich schon bezahlt | die rechnung die ich bekommen habe | alles was ich habe | sie haben doch auf oder
    soll ich das formular ausfüllen | kann ich einen kaffee bitte | kann ich noch was bestellen | auf wiederhören
    Ich habe die Nummer nicht. | Das war 12,50 Euro teuer. | Stopp! | Ist das eine 4? | Wie bitte? | Na klar!
    Ist das meine Bestellung? | Um 10:30 Uhr bitte. | Es sind 20 %. | Für 3 Personen. | Ich bin's.
    Ich wollte nur kurz Bescheid geben, dass ich später komme. | Haben Sie heute Abend noch einen Tisch frei?
    wir sind zu dritt | gibt es bei ihnen auch glutenfreie gerichte | mein internet geht seit gestern nicht mehr
    Ich habe den Router schon neu gestartet. | da blinkt nur ein rotes licht
    können sie den techniker am vormittag schicken | ich bin ab vierzehn uhr zu hause
    ich habe starke schmerzen im rücken | Muss ich vorher nüchtern sein? | welche unterlagen soll ich mitbringen
    ich bin bei der AOK versichert | Den Termin am Freitag muss ich leider absagen.
    geht es auch eine stunde später | ich nehme das schnitzel mit pommes | ohne zwiebeln bitte
    was empfehlen sie mir | ja das passt mir gut | nein, das war ein missverständnis
    die falsche größe ist gekommen | ich möchte die schuhe zurückgeben | wie lange habe ich dafür zeit
    wer zahlt das porto | schicken sie mir bitte eine bestätigung per mail | dann rufe ich später noch mal an
    das kommt auf den preis an | ich bin gerade im auto | Meine Tochter hat seit drei Tagen Fieber.
    ach das wusste ich nicht | Ich hätte gerne zwei Brötchen und ein Croissant. | Das Licht im Bad geht nicht.
    wann kommt der handwerker | Ist der Doktor heute in der Praxis? | ich brauche eine überweisung zum hautarzt
    könnten sie mir das noch mal erklären | bis wann muss ich bezahlen | ich habe mich verwählt
    entschuldigung ich habe sie nicht verstanden | reden sie bitte etwas lauter
    Ich möchte meinen Vertrag kündigen. | seit wann sind sie im urlaub | ich habe das paket am montag abgeschickt
    die sendungsnummer habe ich nicht | kann mein mann es abholen | das ist mir zu teuer
    haben sie etwas günstigeres | ja das nehme ich | Machen Sie auch Hausbesuche?
    ich wollte mal fragen ob sie auch hunde erlauben | wir kommen mit dem zug an | wir bleiben drei nächte
    ist das frühstück inklusive | bitte mit meerblick wenn es geht | gut dann machen wir das so | das wäre super
    ich hab's mir anders überlegt | ich glaube da ist etwas schiefgelaufen
    Verbinden Sie mich bitte mit der Buchhaltung. | danke für ihre hilfe | Nee, lieber am Nachmittag.
    Hast du auch was Veganes? | die große natürlich | Am besten Sie melden sich bei meinem Mann.
    das war aber anders vereinbart | ich stehe gerade vor der tür | Wo genau muss ich hin?
    mein flug geht um sieben uhr | ich hab schon zweimal angerufen | niemand hat sich gemeldet | was soll das denn
    Kannst du mir einen Tisch für morgen reservieren? | mit kreditkarte | auf den namen schneider
    ich warte seit zwei wochen darauf | Das Konto läuft auf meine Frau.
    wenn nichts dazwischen kommt bin ich um acht da | so ungefähr zwanzig leute | ja aber nur wenn es nicht regnet
    Sie können mich ab neun erreichen. | ich wollte die reservierung ändern | ist der preis mit oder ohne steuer
    nehmen sie mich bitte auf die warteliste | wie komme ich am schnellsten zu ihnen | mir wäre der dienstag lieber
    haben wir uns schon mal gesprochen | es tut hier an der seite weh | Stimmt, das hatte ich vergessen.
    Ich möchte gern mein Abo verlängern. | mein mann hat die karte verloren | sperren sie bitte die karte
    wie hoch ist die gebühr | ich habe keine rechnung erhalten | Können Sie mir die noch mal zuschicken?
    nein per post bitte | die adresse stimmt noch | wir ziehen im april nach köln | Welche Farbe hat das Kleid denn?
    hätten sie das auch in blau | zwei mal das menü eins bitte | mit scharf | ohne alles | ich hole es selbst ab
    wie lange dauert es ungefähr | mein hund frisst seit gestern nichts | Er ist acht Jahre alt. | ja er ist geimpft
    kann ich gleich vorbeikommen | ich bin in zehn minuten da | ich bin noch nie bei ihnen gewesen
    mein zahn tut weh | muss ich etwas mitbringen | ist gut danke | nein das hat sich erledigt
    ich glaube sie haben mich falsch verstanden | das habe ich so nicht bestellt | haben sie vielen dank
    wie lange noch | haben Sie noch welche | welche Größe haben Sie | wie viele Zimmer haben sie | ich bin es
    ja ich bin da | warten Sie bitte | Haben Sie einen? | Wann kommt der?
"""
SINGLE = "ja | Ja. | nein | hallo | okay | OK. | morgen | was | wann | danke | stopp | doch | genau | bitte | halt"
NUMBER = """
    meine nummer ist vier zwei | meine nummer ist 0171 23 | einundzwanzig | die bestellung 42 | um zehn | um 10
    zwo | Meine Bestellnummer ist 4271. | 4 2 7 1 | 4, 2, 7 | vier zwo sieben | hundertzwanzig
    neunzehnhundertfünfundachtzig | n a g e l | ich heiße m e y | a wie anton | s wie siegfried
    das sind fünfhundert | was ist zwei plus zwei | tausend | am 24. | um zehn Uhr dreißig | um halb vier
    doppel vier | Das macht 12,50
"""
OPEN = """
    ab wann liefern | wie lange dauert | was kostet | auf den namen | ich habe eine frage zu | ein problem mit
    ich möchte einen Tisch reservieren und | ich möchte | ich möchte gern | ich hätte gern | ich hätte gerne einen
    ich habe | ich bin | ich bin nicht | wir haben | wir sind | mein name ist | meine Nummer ist.
    meine adresse lautet | können Sie | können sie mir | können sie mich | können sie mir bitte
    Rufen Sie mich bitte | könnten sie mir die | können sie mir die nummer | kann ich | kann ich bei ihnen
    kann ich mit | kann ich am montag | könnte ich einen | wann kann ich mein paket | ich würde gern einen tisch
    ich würde gerne | ich wollte | ich wollte fragen | ich wollte meinen termin | ich möchte meinen termin am montag
    ich möchte wissen ob | ich wollte wissen wann | ich wollte fragen ob sie | ich wollte fragen ob mein paket
    ich wollte wissen wann mein paket | weil ich | wenn | haben sie | haben sie noch | haben sie einen | gibt es
    gibt es bei ihnen | wann haben sie | wo ist | wo ist mein | was kostet der | wie viel | und | oder | aber
    ja aber | also | äh | Ähm... | hm | und dann | dann nehme ich | der | die | ein | eine | mein | ihre | für | von
    mit | eine pizza mit | ich komme am | bis | um | in der | ich rufe an wegen | es geht um | es geht um meine
    ich suche | ich brauche | ich nehme | ich heiße | ich wohne in | sagen sie mir | sagen sie mir bitte
    geben sie mir | geben sie mir bitte die | schicken sie mir | können sie mir sagen | ich glaube dass | ich glaube
    ich denke | ich habe gestern | ich habe auch | ich habe noch | das ist | es ist | da ist | das ist nicht
    es ist nur | das paket ist | meine bestellung wird | zum beispiel | doppel | zwölf komma | zwei mal | vier plus
    hier ist frau | guten | vielen | am montag oder | nicht am montag sondern | sehr | viertel vor | halb | darf ich
    darf ich sie | ich bitte sie | ich möchte sie | im | wenn sie | ob | weil | dass | kann man | Ich möchte gern...
    Hallo, | Meine Bestellung ist: | Und… | Ich möchte einen – | Wo ist meine? | Können Sie?
    Können Sie mir die Nummer? | 12 + | Ich hätte da eine Frage zu. | anna at | anna at web punkt
    Guten Tag, ich würde gerne für heute Abend | wir sind insgesamt | mein internet geht seit
    ich habe den router schon | können sie den techniker vielleicht am | ich bin erst ab
    den termin am freitag muss ich | geht es auch eine | und dazu hätte ich gern noch ein
    die hose die ich bestellt habe ist | wie lange habe ich | schicken sie mir bitte eine | ich rufe an weil meine
    ich wollte mal nachfragen ob | meine kundennummer müsste | am liebsten wäre mir
    ich bräuchte einen termin für meine | die straße heißt | ich wohne in der | das ist die
    könnten sie mich vielleicht zu | weil ich am montag | ich weiß nicht ob ich | es wäre schön wenn sie
    entweder am dienstag oder | also das problem ist dass | haben sie den pullover auch in
    ich hätte gerne zwei brötchen und | das licht im | wann kommt der | ich brauche eine überweisung zum
    bis wann muss ich | könnten sie mir das noch | ich möchte meinen vertrag | ich habe das paket am
    die sendungsnummer lautet | kann mein mann | haben sie etwas für | verbinden sie mich bitte mit
    wir kommen am freitag mit dem | wir bleiben vom dritten bis | ich habe bei ihnen ein | ich glaube da ist
    am donnerstag könnte ich | danke für ihre | meine frau hat einen | ich war letzte woche bei
    das gerät macht immer so ein | wenn ich auf den knopf drücke dann | könnte mir vielleicht jemand
    ich hätte lieber ein zimmer ohne | kann man das auch | ich soll mich bei ihnen | ja ich äh | Nee, lieber am
    hast du auch was für | zahlen kann ich dann | Am besten melden Sie sich bei meinem. | Das war aber
    ich stehe gerade vor der | Ich hab schon zweimal bei | kannst du mir für morgen | Auf den Namen...
    ich warte seit | das konto läuft auf | ja aber nur wenn | Sie können mich ab | ich wollte die reservierung
    ist der preis mit | nehmen sie mich bitte auf die | wie komme ich | mir wäre | seit gestern habe ich
    Ich müsste den Termin eigentlich | meine mutter würde gern | der fahrer hat gesagt dass | ich hätte eher an
    können wir das vielleicht auf | ich bin mir nicht sicher ob das | und dann ist mir noch | weil nämlich mein
    ich möchte gern mein abo | mein mann hat die | sperren sie bitte | wie hoch ist | ich habe keine rechnung für
    können sie mir die noch mal | nein per | wir ziehen im april nach | hätten sie das auch in | ich hole es am
    mein hund frisst seit | kann ich gleich | ich bin in | dann nehme ich den um | ich bin noch nie bei
    ich hätte da noch eine | eigentlich wollte ich | vielleicht können wir | am besten wäre | mein auto steht bei
    es handelt sich um | haben sie vielleicht eine | ich würde ihn gerne | die lampe ist nach
    ich bräuchte das bis spätestens | meine versicherung ist die | wissen sie ob man bei ihnen
    wir hätten gern einen platz am | soll ich ihnen die
    ich habe es | ich bin gestern da | wann kommt der. | warten sie bitte auf | geben sie bitte
    haben sie noch einen | Haben Sie?
"""


def rows(table: str) -> list[str]:
    return [text.strip() for line in table.strip().splitlines() for text in line.split("|")]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, Completeness.NOTHING) for text in rows(NOTHING)),
        *((text, Completeness.COMPLETE) for text in rows(COMPLETE)),
        *((text, Completeness.SINGLE) for text in rows(SINGLE)),
        *((text, Completeness.NUMBER) for text in rows(NUMBER)),
        *((text, Completeness.OPEN) for text in rows(OPEN)),
    ],
)
def test_completeness(text: str, kind: Completeness) -> None:
    """Whole sentences, as callers say them, are told from the beginnings of sentences."""
    assert completeness(text) is kind


PLAIN = [
    text for text in rows(f"{COMPLETE} | {SINGLE} | {NUMBER} | {OPEN}") if text == text.lower() and text[-1:].isalpha()
]


@given(st.sampled_from(PLAIN), st.data())
def test_how_the_words_are_written_does_not_matter(text: str, data: st.DataObject) -> None:
    """Capitals, letters with separate accents, Swiss spelling and a full stop do not change the kind of a sentence."""
    written = data.draw(st.sampled_from((text, text.capitalize(), text.title(), text.replace("ß", "ss"))))
    written = data.draw(st.sampled_from((written, normalize("NFD", written))))
    written += data.draw(st.sampled_from(("", ".", " ")))
    assert completeness(written) is completeness(text)


WRITINGS = """
    um zehn uhr dreissig     | Um 10:30 Uhr. | um 10.30 Uhr | um 10:30
    um neun uhr fünf         | Um 9:05 Uhr
    um zehn uhr              | Um 10 Uhr. | um 10:00 Uhr | um 10.00 Uhr | um 10:00
    zwölf euro fünfzig       | 12,50 € | € 12,50 | 12,50 Euro. | 12 Euro 50
    zwölf euro               | 12 € | 12,00 € | 12,- Euro | 12,-€
    zwölf komma fünf         | 12,5
    vier zwei sieben eins    | 4271 | 4, 2, 7, 1. | 4,2,7,1 | vier zwo sieben eins
    tausendzweihundert       | 1.200 | 1200 | eintausendzweihundert
    einundzwanzig plus sieben mal acht | 21 + 7 x 8 | 21 plus 7 × 8
    zehn prozent von fünfzig | 10% von 50 | 10 % von 50
    zum beispiel             | z.B. | z. B.
    nummer fünf              | Nr. 5
    ähm ja                   | Ähm, ja. | Ähhm, jaaa | Öhm — ja | ehm, ja
    mhm                      | Mm-hm. | Mhm | mmhm | mhhm
    okay                     | OK | O.K. | ok,
    wie geht's               | Wie geht’s? | Wie gehts
    das weiss ich            | Das weiß ich.
    doppel null sieben       | Doppelnull sieben
"""


@pytest.mark.parametrize("row", [row.strip() for row in WRITINGS.strip().splitlines()])
def test_one_sentence_has_the_same_words_in_every_writing(row: str) -> None:
    """Figures, symbols, capitals, punctuation and long fillers do not change what was said."""
    words, *writings = (text.strip() for text in row.split("|"))
    assert [spoken(text) for text in (words, *writings)] == [tuple(words.split())] * (len(writings) + 1)


@given(st.text(max_size=60))
def test_any_text_has_words(text: str) -> None:
    """No text is an error, and no word has a blank in it."""
    assert all(word and not any(map(str.isspace, word)) for word in GERMAN.words(text))
    assert GERMAN.ending(text)


@given(st.integers(0, 999))
def test_the_digits_of_a_number_in_words_are_counted(value: int) -> None:
    """A number in one word has as many digits as in figures."""
    assert GERMAN.ending(NUMBERS.say(value)).digits == GERMAN.ending(str(value)).digits == len(str(value))


@pytest.mark.parametrize(
    "text",
    rows("""
        4271 | 4, 2, 7, 1. | 42-71 | vier zwo sieben eins | zweiundvierzig einundsiebzig | Es ist die 4 2 7 1.
        neunzehnhundertfünfundachtzig | zweitausenddrei | doppel vier drei zwei | eintausend
    """),
)
def test_a_number_with_all_its_digits_is_whole(text: str) -> None:
    """The digits are counted in every writing."""
    assert GERMAN.ending(text).digits == 4


@pytest.mark.parametrize(
    "text",
    rows("um zehn | Um 10. | viertel nach drei | um halb vier | was ist sieben mal acht | 12 + 30 | um zehn Uhr 30"),
)
def test_a_number_is_whole_where_few_digits_are_said(text: str) -> None:
    """At a time of day and in a sum a number is whole."""
    assert GERMAN.ending(text).lone_figure


@pytest.mark.parametrize(
    ("text", "announces"),
    [
        *((text, True) for text in rows("""
            ich habe eine frage | Ich hätte da eine Frage. | ich hätte da noch eine frage | ich habe mal ne frage
            ich habe ein problem | können sie mir helfen | Können Sie mir bitte helfen? | darf ich sie etwas fragen
            ich brauche ihre hilfe | hallo ich hätte gern eine auskunft
        """)),
        *((text, False) for text in rows("ich habe eine frage zu meiner bestellung | das ist keine frage | ja")),
    ],
)  # fmt: skip
def test_what_announces_more(text: str, announces: bool) -> None:
    """Some whole sentences say that more is to come."""
    assert GERMAN.ending(text).announces is announces


@pytest.mark.parametrize(
    ("agent_text", "wanted"),
    [
        ("Gern. Wie lautet Ihre Bestellnummer?", Wanted.NUMBER),
        ("Nennen Sie mir bitte Ihre Kundennummer.", Wanted.NUMBER),
        ("Ich benötige noch Ihre Kundennummer.", Wanted.NUMBER),
        ("Unter welcher Nummer kann ich Sie erreichen?", Wanted.NUMBER),
        ("Sagst du mir bitte deine Telefonnummer?", Wanted.NUMBER),
        ("Ich habe vier zwei gehört. Bestellnummern haben vier Ziffern. Wie lautet Ihre?", Wanted.NUMBER),
        ("Könnten Sie mir Ihre Postleitzahl nennen?", Wanted.NUMBER),
        ("Wie ist Ihr Name, bitte?", Wanted.NOTHING),
        ("Wie heißen Sie?", Wanted.NOTHING),
        ("Wie heißt du denn?", Wanted.NOTHING),
        ("Auf welchen Namen darf ich reservieren?", Wanted.NOTHING),
        ("Mit wem spreche ich?", Wanted.NOTHING),
        ("Sag mir bitte deinen Namen.", Wanted.NOTHING),
        ("Können Sie Ihren Nachnamen bitte buchstabieren?", Wanted.SPELLING),
        ("Wie schreibt man das?", Wanted.SPELLING),
        ("Buchstabiere das bitte.", Wanted.SPELLING),
        ("Wie lautet Ihre E-Mail-Adresse?", Wanted.EMAIL),
        ("Gib mir bitte deine Mailadresse.", Wanted.EMAIL),
        ("Wie ist Ihre Adresse?", Wanted.ADDRESS),
        ("Und Ihre Straße und Hausnummer?", Wanted.ADDRESS),
        ("Wohin sollen wir liefern?", Wanted.ADDRESS),
        ("Wo wohnen Sie?", Wanted.ADDRESS),
        ("Ihre Bestellung 4271 ist unterwegs.", Wanted.NOTHING),
        ("Wir haben Ihre Adresse. Kann ich sonst noch etwas für Sie tun?", Wanted.NOTHING),
        ("Wie kann ich Ihnen helfen?", Wanted.NOTHING),
        ("", Wanted.NOTHING),
        ("Soll ich es an Ihre übliche Adresse schicken?", Wanted.NOTHING),
        ("Ist das Ihre Nummer?", Wanted.NOTHING),
        ("Ihre Nummer ist die 4271, richtig?", Wanted.NOTHING),
        ("Gut. Stimmt Ihre Adresse noch?", Wanted.NOTHING),
        ("Wohnen Sie noch in der gleichen Straße?", Wanted.NOTHING),
        ("Darf ich Sie unter dieser Nummer anrufen?", Wanted.NOTHING),
        ("Wie ist Ihr Geburtsdatum?", Wanted.NUMBER),
        ("Wann sind Sie geboren?", Wanted.NUMBER),
        ("Wann bist du geboren?", Wanted.NUMBER),
        ("Darf ich um Ihre Nummer bitten?", Wanted.NUMBER),
        ("Möchten Sie mir Ihre Nummer nennen?", Wanted.NUMBER),
        ("Haben Sie eine Kundennummer?", Wanted.NUMBER),
        ("Wie lautet Ihre PLZ?", Wanted.NUMBER),
    ],
)
def test_what_the_agent_asks_for(agent_text: str, wanted: Wanted) -> None:
    """The last sentence of the agent tells, formal or informal."""
    assert GERMAN.asked_for(agent_text) is wanted
    assert GERMAN.asked_for(normalize("NFD", agent_text)) is wanted


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, Kind.BACKCHANNEL) for text in rows("""
            mhm | genau | Ja. | ja genau | alles klar | Kein Problem! | Okay, ich warte. | Lassen Sie sich Zeit.
            lass dir ruhig zeit | passt schon | äh ja | Ach so, verstehe. | das macht nichts | ja ja | Mm-hm
        """)),
        *((text, Kind.STOP) for text in rows("""
            stopp | Halt! | nein | Nein, nicht. | abbrechen | Warten Sie! | aber warten sie | ja stopp | hör auf
            Brechen Sie das ab. | nein danke | Entschuldigung, stopp. | vergessen sie es | nee
        """)),
        *((text, Kind.COMMAND) for text in rows("""
            Moment | Moment mal | Entschuldigung? | hallo | warte mal | Einen Moment bitte. | äh sorry | Wie bitte?
        """)),
        *((text, Kind.WORDS) for text in rows("""
            donnerstag | mittel | ich kann nicht warten | morgen um zehn | das geht nicht mit halt | ist da nein
        """)),
        *((text, Kind.NOTHING) for text in rows(NOTHING)),
    ],
)  # fmt: skip
def test_what_words_mean_over_the_agent(text: str, kind: Kind) -> None:
    """Commands count where the words begin with them, and what reassures the agent is none."""
    assert GERMAN.remark(GERMAN.words(text)).kind is kind


@pytest.mark.parametrize(
    ("text", "may"), [("kein", True), ("okay ich", True), ("lassen sie", True), ("stopp", False), ("nein bitte", True)]
)
def test_the_beginning_of_a_reassurance_is_known(text: str, may: bool) -> None:
    """Until more is heard, "lassen Sie" may be the beginning of "lassen Sie sich Zeit"."""
    assert GERMAN.remark(GERMAN.words(text)).may_go_on is may


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, Kind.BACKCHANNEL) for text in rows("""
            nein schon gut | Nein, kein Problem. | nein ich kann warten | nein nein alles gut
            nein machen sie ruhig weiter | nein passt schon | Nein, das macht nichts.
            nein bitte machen sie weiter | ja bitte
        """)),
        *((text, Kind.STOP) for text in rows("""
            nein nicht montag | nein warten sie | nein | nein nein | nein danke | nein das ist falsch
            nein natürlich nicht | nein bitte nicht | nein äh | nein buchen sie das nicht
            nein das stimmt nicht
        """)),
    ],
)  # fmt: skip
def test_a_refusal_before_a_reassurance_stops_nothing(text: str, kind: Kind) -> None:
    """A refusal is a stop alone and before a correction, but not where the words only reassure or say something."""
    assert GERMAN.remark(GERMAN.words(text)).kind is kind
