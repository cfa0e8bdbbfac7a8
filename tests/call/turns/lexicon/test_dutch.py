from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.call.turns.lexicon.choice import lexicon_of
from server.call.turns.lexicon.dutch_writing import NUMBERS, spoken
from server.call.turns.lexicon.lexicon import Completeness, Kind, Wanted

DUTCH = lexicon_of("nl-BE")


def completeness(text: str) -> Completeness:
    return DUTCH.ending(text).completeness


NOTHING = "| . | ... | — | ?!"
COMPLETE = """
    Belt u mij morgen op. | bel me terug | dat weet ik niet | hoe laat gaat u open | hoe laat doet u dicht
    ik wil graag een tafel voor vier personen reserveren | ik wil graag een koffie | een koffie alstublieft
    kunt u mij helpen | kunt u mij het adres geven | kan ik met een medewerker spreken | ja graag | nee dank u
    dat is alles | wacht even | ik wacht even | ik wacht wel | wie is daar | waar is mijn bestelling
    is mijn pakket er al | hoe laat is het | wat kost dat | wat kost het | hoeveel kost het | wat is dat
    hoe gaat het met u | hoe heet u | wie bent u | waar bent u | om tien uur | maandag om 10 uur
    ik weet niet waar dat is | kan dat | mag dat | ik wilde vragen waar mijn bestelling is
    ik wil weten of u maandag open bent | weet u of het pakket er al is | of dat kan | als dat kan | als het mag
    dat kan | dat denk ik | denk ik | dat wil ik | ik ook | ik neem deze | waar gaat het over | waar gaat het om
    daar gaat het om | let op | hou op | schrijft u het op | ik vul het in | schrijf me maar in
    kijkt u het even na | geef het maar door | het maakt niet uit | dat komt goed uit | dat ziet er goed uit
    ik hang op | waar komt u vandaan | ik kom langs | ga uw gang maar | zeg het maar | bent u er nog
    mijn pakket is niet aangekomen | ik heb een vraag | ik had nog een vraagje | ik heb een recept nodig | tot dan
    ik ben ziek | ik wil graag een afspraak bij dokter de vries | kan het ook dinsdag | dinsdag lukt niet
    dat klopt | mijn naam is anna | ik heet Pieter Jansen | kan ik met pin betalen | neemt u ook creditcards aan
    help me | dat kan zijn | morgen kan ik niet | ik kan morgen niet komen | wat is er | waarom niet
    kunt u dat herhalen | mag ik de rekening | mag ik een pizza margherita | sorry dat hoorde ik niet
    ik heb er geen | ik vind het goed | hoort u mij | dat is voor mij | dank u wel | ik zoek een woning
    wanneer kan ik mijn pakket ophalen | ik wil het | ik zou graag iets bestellen | die heb ik al betaald
    de rekening die ik heb gekregen | alles wat ik heb | moet ik het formulier invullen | kan ik hier terecht
    kan ik nog iets bestellen | tot ziens | ik heb het | ik heb het nummer niet | wat doet u | morgen dan
    ik ben er bijna | hoe lang duurt het | zoals u wilt | Dat was 12,50 euro te duur. | Stop! | Is dat een 4?
    Wat zegt u? | Is dat mijn bestelling? | Om 10:30 uur graag. | Het is 20 %. | Voor 3 personen. | 't Is goed.
    Dat maakt niet uit. | Ik wilde even doorgeven dat ik wat later ben. | Heeft u vanavond nog een tafel vrij?
    we zijn met zijn drieën | heeft u ook glutenvrije gerechten | mijn internet doet het sinds gisteren niet meer
    Ik heb de router al opnieuw opgestart. | er brandt alleen een rood lampje
    kunt u de monteur in de ochtend sturen | ik ben vanaf twee uur thuis | ik heb veel pijn in mijn rug
    Moet ik nuchter zijn? | welke papieren moet ik meenemen | ik ben verzekerd bij CZ
    De afspraak van vrijdag moet ik helaas afzeggen. | kan het ook een uurtje later | ik neem de schnitzel met friet
    zonder uien graag | wat raadt u aan | ja dat komt mij goed uit | nee dat was een misverstand
    ik heb de verkeerde maat gekregen | ik wil de schoenen terugsturen | hoe lang heb ik daarvoor
    wie betaalt de verzendkosten | stuurt u mij maar een bevestiging per mail | dan bel ik straks nog wel een keer
    dat hangt van de prijs af | ik zit nu in de auto | Mijn dochter heeft al drie dagen koorts.
    oh dat wist ik niet | Ik wil graag twee broodjes en een croissant. | Het licht in de badkamer doet het niet.
    wanneer komt de monteur | Is de dokter vandaag aanwezig? | ik heb een verwijzing nodig voor de dermatoloog
    zou u dat nog een keer kunnen uitleggen | voor wanneer moet ik betalen | ik ben verkeerd verbonden
    sorry ik heb u niet verstaan | praat u iets harder alstublieft | Ik wil mijn abonnement opzeggen.
    tot wanneer bent u met vakantie | ik heb het pakket maandag verstuurd | de trackingcode heb ik niet bij de hand
    kan mijn man het ophalen | dat vind ik te duur | heeft u iets goedkopers | ja die neem ik | Komt u ook aan huis?
    ik wilde vragen of honden zijn toegestaan | we komen met de trein | we blijven drie nachten
    is het ontbijt inbegrepen | met uitzicht op zee als het kan | goed dan doen we het zo | dat zou geweldig zijn
    ik heb me bedacht | volgens mij is er iets misgegaan | Kunt u me doorverbinden met de boekhouding?
    bedankt voor uw hulp | Nee, liever in de middag. | Heb je ook iets veganistisch? | de grote natuurlijk
    betalen kan ter plaatse toch | U kunt het beste mijn man bellen. | dat was anders afgesproken
    ik sta nu voor de deur | Waar moet ik precies zijn? | mijn vlucht gaat om zeven uur | ik heb al twee keer gebeld
    niemand heeft iets laten horen | wat is dat nou | Kun je voor morgen een tafel reserveren? | met creditcard
    op naam van smit | de vergadering duurt tot vier uur | ik wacht er al twee weken op
    De rekening staat op naam van mijn vrouw. | als er niks tussen komt ben ik er om acht uur | zo'n twintig man
    ja maar alleen als het niet regent | U kunt me vanaf negen uur bereiken. | ik wil de reservering wijzigen
    is de prijs met of zonder btw | zet mij maar op de wachtlijst | hoe kom ik het snelst bij u
    ik heb liever dinsdag | hebben wij elkaar al eens gesproken | het doet hier aan de zijkant pijn
    Klopt, dat was ik vergeten. | Ik wil graag mijn abonnement verlengen. | mijn man is zijn pas kwijt
    kunt u de pas blokkeren | hoe hoog zijn de kosten | ik heb geen factuur gekregen
    Kunt u die nog een keer opsturen? | nee per post graag | het adres klopt nog
    we verhuizen in april naar utrecht | Welke kleur heeft de jurk eigenlijk? | heeft u die ook in het blauw
    twee keer menu één graag | met knoflooksaus | zonder ui | ik haal het zelf op | hoe lang duurt het ongeveer
    mijn hond eet sinds gisteren niet | Hij is acht jaar oud. | ja hij is ingeënt | kan ik zo langskomen
    ik ben er over tien minuten | dan neem ik die van vier uur | ik ben nog nooit bij u geweest | ik heb kiespijn
    moet ik iets meenemen | is goed bedankt | nee dat is al opgelost | volgens mij heeft u mij verkeerd begrepen
    dat heb ik zo niet besteld | hartelijk dank
    de verwarming gaat niet aan | hij gaat niet aan | hij staat uit | wat houdt dat in | hoeveel is het
    wie is het
"""
SINGLE = (
    "ja | Ja. | nee | hallo | oké | OK. | morgen | wat | wanneer | bedankt | stop | precies | graag | wacht | hoeveel"
)
NUMBER = """
    mijn nummer is vier twee | mijn nummer is 06 23 | eenentwintig | bestelling 42 | om tien | om 10 | tweeëntwintig
    Mijn ordernummer is 4271. | 4 2 7 1 | 4, 2, 7 | vier twee zeven een | vier één | honderdtwintig
    negentienhonderdvijfentachtig | ik heet m e y | a van anton | het is de s van simon | het zijn er vijfhonderd
    wat is twee plus twee | duizend | om tien uur dertig | om half vier | dubbel vier | nummer een | tweeentwintig
"""
OPEN = """
    hoe lang duurt | op naam | ik heb een probleem met | een afspraak bij | ik wil graag een tafel reserveren en
    ik wil | ik wil graag | ik zou graag | ik had graag een | ik wil graag een | ik heb | ik ben | ik ben niet
    we hebben | wij zijn | mijn naam is | Mijn nummer is. | mijn adres is | kunt u | kunt u mij | kunt u me
    kunt u mij even | kunt u alstublieft | zou u mij de | kunt u mij het nummer | kan ik | kan ik bij | kan ik met
    kan ik maandag | zou ik een | wanneer kan ik mijn pakket | ik zou graag een tafel | ik wilde | ik wilde vragen
    ik wilde mijn afspraak | ik wil weten of | ik wil weten wanneer | ik wilde vragen of u
    ik wilde vragen of mijn pakket | ik wil weten wanneer mijn pakket | omdat ik | als | heeft u | heeft u nog
    heeft u een | is er | zijn er | wanneer heeft u | waar is | waar is mijn | wat kost de | ik wil weten hoeveel
    en | of | maar | ja maar | dus | eh | Ehm... | hm | en dan | dan neem ik | de | het | een | mijn | uw | voor
    van | met | een pizza met | ik kom op | tot | om | in de | in het | ik bel over | ik bel vanwege | het gaat om
    het gaat over mijn | ik zoek | ik neem | ik heet | ik woon in | geef me | geeft u mij | stuurt u mij
    kunt u mij zeggen | ik denk dat | ik denk | ik heb gisteren | ik heb ook | ik heb nog | dat is | het is | er is
    het is niet | dat is heel | het pakket is | mijn bestelling wordt | bijvoorbeeld | dubbel | twaalf komma
    twee keer | vier plus | met mevrouw | goede | maandag of | kwart | half | mag ik | mag ik u | mag ik even
    als u | omdat | kunt u dat | is het | is dat | later dan | Ik wil graag... | Hallo, | Mijn bestelling is: | En…
    Ik wil een – | Waar is mijn? | Kunt u? | Kunt u mij het nummer? | 12 + | Ik heb een vraag over.
    anna apenstaartje | hoe laat bent u | nee ik | hallo ik | Goedemiddag, ik zou graag voor vanavond
    we zijn in totaal met | mijn internet doet het sinds | ik heb de router al | kunt u de monteur misschien op
    ik ben pas vanaf | ik heb sinds gisteren heel veel | de afspraak van vrijdag moet ik | kan het ook een
    ik neem de schnitzel met | en daarbij wil ik nog een | de broek die ik besteld heb is | hoe lang heb ik
    stuurt u mij maar een | ik bel omdat mijn | ik wilde even vragen of | mijn klantnummer is volgens mij
    het liefst zou ik | ik heb een afspraak nodig voor mijn | de straat heet | ik woon in de | dat is de
    kunt u mij misschien naar | omdat ik maandag | ik weet niet of ik | het zou fijn zijn als u | of dinsdag of
    nou het probleem is dat | heeft u die trui ook in | ik wil graag twee broodjes en | het licht in de
    wanneer komt de | ik heb een verwijzing nodig voor | voor wanneer moet ik | zou u dat nog een keer
    ik wil mijn abonnement | ik heb het pakket op | de trackingcode is | kan mijn man | heeft u iets voor
    kunt u me doorverbinden met | we komen vrijdag met de | we blijven van drie tot | ik heb bij u een
    volgens mij is er | donderdag zou ik | bedankt voor uw | mijn vrouw heeft een | ik was vorige week bij
    het apparaat maakt steeds zo'n | als ik op de knop druk dan | ik heb liever een kamer zonder | kan je dat ook
    de tas is van | ik moet me bij u | ja ik eh | Nee, liever in de | heb je ook iets voor | betalen kan
    U kunt het beste mijn. | Dat was | ik sta nu voor de | mijn vlucht gaat | Ik heb al twee keer bij
    kun je voor morgen | Op naam van... | ik wacht er al | de rekening staat op | ja maar alleen als
    U kunt me vanaf | is de prijs met | zet mij maar op de | hoe kom ik | ik heb liever | sinds gisteren heb ik
    Ik moet de afspraak eigenlijk | mijn moeder zou graag | de chauffeur zei dat | ik dacht eerder aan
    kunnen we dat misschien naar | ik weet niet zeker of dat | en dan is er nog | omdat namelijk mijn
    ik wil graag mijn abonnement | mijn man is zijn | kunt u de pas | hoe hoog zijn | ik heb geen factuur voor
    kunt u die nog een keer | nee per | we verhuizen in april naar | heeft u die ook in | mijn hond eet sinds
    kan ik zo | dan neem ik die van | ik ben nog nooit bij | ik had nog een | eigenlijk wilde ik
    misschien kunnen we | het beste zou | mijn auto staat bij | het gaat om een | heeft u misschien een
    ik zou hem graag | de lamp is na | ik heb het uiterlijk nodig voor | mijn verzekering is de
    weet u of je bij jullie | we willen graag een plek aan het | moet ik u de
    wanneer is het | de verwarming in | ik woon aan | het gaat niet in
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
    """Capitals, letters with separate accents and a full stop do not change the kind of a sentence."""
    written = data.draw(st.sampled_from((text, text.capitalize(), text.title())))
    written = data.draw(st.sampled_from((written, normalize("NFD", written))))
    written += data.draw(st.sampled_from(("", ".", " ")))
    assert completeness(written) is completeness(text)


WRITINGS = """
    om tien uur dertig      | Om 10:30 uur. | om 10.30 uur | om 10:30
    om negen uur vijf       | Om 9:05 uur
    om tien uur             | Om 10 uur. | om 10:00 uur | om 10.00 uur | om 10:00
    twaalf euro vijftig     | € 12,50 | €12,50 | 12,50 euro. | 12 euro 50
    twaalf euro             | € 12 | € 12,00 | € 12,-
    twaalf komma vijf       | 12,5
    vier twee zeven één     | 4271 | 4, 2, 7, 1. | 4,2,7,1
    duizend tweehonderd     | 1.200 | 1200
    tweeëntwintig plus zeven keer acht | 22 + 7 x 8 | tweeentwintig plus 7 × 8
    tien procent van vijftig | 10% van 50 | 10 % van 50
    bijvoorbeeld            | bijv. | bv.
    nummer vijf             | Nr. 5
    ehm ja                  | Ehm, ja. | Uhm, jaaa | Euhm — ja
    mhm                     | Mm-hm. | Mhm | mmhm
    oké                     | OK | O.K. | ok, | oke | Okay | okee
    het is goed             | 't Is goed. | ’t is goed
    dank je wel             | Dankjewel! | dank je wel
    dubbel nul zeven        | dubbelnul zeven
"""


@pytest.mark.parametrize("row", [row.strip() for row in WRITINGS.strip().splitlines()])
def test_one_sentence_has_the_same_words_in_every_writing(row: str) -> None:
    """Figures, symbols, capitals, punctuation and long fillers do not change what was said."""
    words, *writings = (text.strip() for text in row.split("|"))
    assert [spoken(text) for text in (words, *writings)] == [tuple(words.split())] * (len(writings) + 1)


@given(st.text(max_size=60))
def test_any_text_has_words(text: str) -> None:
    """No text is an error, and no word has a blank in it."""
    assert all(word and not any(map(str.isspace, word)) for word in DUTCH.words(text))
    assert DUTCH.ending(text)


@given(st.integers(0, 999))
def test_the_digits_of_a_number_in_words_are_counted(value: int) -> None:
    """A number in one word has as many digits as in figures."""
    assert DUTCH.ending(NUMBERS.say(value)).digits == DUTCH.ending(str(value)).digits == len(str(value))


@pytest.mark.parametrize(
    "text", rows("4271 | 4, 2, 7, 1. | 42-71 | vier twee zeven een | tweeënveertig eenenzeventig | Het is 4 2 7 1.")
)
def test_a_number_with_all_its_digits_is_whole(text: str) -> None:
    """The digits are counted in every writing."""
    assert DUTCH.ending(text).digits == 4


@pytest.mark.parametrize(
    "text",
    rows("om tien | Om 10. | om een | kwart over drie | om half vier | zeven keer acht | 12 + 30 | om tien uur 30"),
)
def test_a_number_is_whole_where_few_digits_are_said(text: str) -> None:
    """At a time of day and in a sum a number is whole."""
    assert DUTCH.ending(text).lone_figure


@pytest.mark.parametrize(
    ("text", "announces"),
    [
        *((text, True) for text in rows("""
            ik heb een vraag | Ik had nog een vraagje. | ik heb even een vraag | ik heb een probleem
            kunt u mij helpen | Kunt u mij even helpen? | mag ik u iets vragen | ik heb uw hulp nodig
        """)),
        *((text, False) for text in rows("ik heb een vraag over mijn bestelling | dat is geen vraag | ja")),
    ],
)  # fmt: skip
def test_what_announces_more(text: str, announces: bool) -> None:
    """Some whole sentences say that more is to come."""
    assert DUTCH.ending(text).announces is announces


@pytest.mark.parametrize(
    ("agent_text", "wanted"),
    [
        ("Prima. Wat is uw bestelnummer?", Wanted.NUMBER),
        ("Geeft u mij uw klantnummer, alstublieft.", Wanted.NUMBER),
        ("Op welk nummer kan ik u bereiken?", Wanted.NUMBER),
        ("Wat is je telefoonnummer?", Wanted.NUMBER),
        ("Ik hoorde vier twee. Een ordernummer heeft vier cijfers. Wat is het uwe?", Wanted.NUMBER),
        ("Kunt u mij uw postcode geven?", Wanted.NUMBER),
        ("Wat is uw naam?", Wanted.NOTHING),
        ("Hoe heet u?", Wanted.NOTHING),
        ("Hoe heet je?", Wanted.NOTHING),
        ("Op welke naam mag ik reserveren?", Wanted.NOTHING),
        ("Met wie spreek ik?", Wanted.NOTHING),
        ("Zeg je naam even.", Wanted.NOTHING),
        ("Kunt u uw achternaam spellen?", Wanted.SPELLING),
        ("Hoe schrijf je dat?", Wanted.SPELLING),
        ("Spel dat even voor me.", Wanted.SPELLING),
        ("Wat is uw e-mailadres?", Wanted.EMAIL),
        ("Geef me je mailadres maar.", Wanted.EMAIL),
        ("Wat is uw adres?", Wanted.ADDRESS),
        ("En uw straat en huisnummer?", Wanted.ADDRESS),
        ("Waar moeten we het bezorgen?", Wanted.ADDRESS),
        ("Waar woont u?", Wanted.ADDRESS),
        ("Uw bestelling 4271 is onderweg.", Wanted.NOTHING),
        ("Ik heb uw adres. Kan ik nog iets voor u doen?", Wanted.NOTHING),
        ("Waarmee kan ik u helpen?", Wanted.NOTHING),
        ("", Wanted.NOTHING),
        ("Zal ik het naar uw gebruikelijke adres sturen?", Wanted.NOTHING),
        ("Is dit uw nummer?", Wanted.NOTHING),
        ("Uw nummer is 4271, klopt dat?", Wanted.NOTHING),
        ("Klopt uw adres nog?", Wanted.NOTHING),
        ("Kan ik u op dit nummer bellen?", Wanted.NOTHING),
        ("Wat is uw geboortedatum?", Wanted.NUMBER),
        ("Wanneer bent u geboren?", Wanted.NUMBER),
        ("Mag ik uw nummer?", Wanted.NUMBER),
        ("Wilt u mij uw nummer geven?", Wanted.NUMBER),
        ("Wat is uw postcode?", Wanted.NUMBER),
    ],
)
def test_what_the_agent_asks_for(agent_text: str, wanted: Wanted) -> None:
    """The last sentence of the agent tells, formal or informal."""
    assert DUTCH.asked_for(agent_text) is wanted


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, Kind.BACKCHANNEL) for text in rows("""
            mhm | precies | Ja. | ja precies | oké | Geen probleem! | Oké, ik wacht wel. | Neemt u rustig de tijd.
            rustig aan | eh ja | dat geeft niet | ja ja | Mm-hm | ik blijf aan de lijn
        """)),
        *((text, Kind.STOP) for text in rows("""
            stop | Ho! | nee | Nee, niet doen. | annuleren | Wacht! | maar wacht | ja stop | hou op | laat maar
            Annuleer dat. | nee bedankt | Sorry, stop. | vergeet het maar
        """)),
        *((text, Kind.COMMAND) for text in rows("""
            Moment | Momentje | Pardon? | hallo | wacht even | Een moment alstublieft. | eh sorry | Wat zegt u?
        """)),
        *((text, Kind.WORDS) for text in rows("""
            donderdag | medium | ik kan niet komen | morgen om tien | is er nee | de blauwe
        """)),
        *((text, Kind.NOTHING) for text in rows(NOTHING)),
    ],
)  # fmt: skip
def test_what_words_mean_over_the_agent(text: str, kind: Kind) -> None:
    """Commands count where the words begin with them, and what reassures the agent is none."""
    assert DUTCH.remark(DUTCH.words(text)).kind is kind


@pytest.mark.parametrize(("text", "may"), [("geen", True), ("oké ik", True), ("neem de", True), ("stop", False)])
def test_the_beginning_of_a_reassurance_is_known(text: str, may: bool) -> None:
    """Until more is heard, "neem de" may be the beginning of "neem de tijd"."""
    assert DUTCH.remark(DUTCH.words(text)).may_go_on is may


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, Kind.BACKCHANNEL) for text in rows("""
            nee dat is goed | nee hoor | nee hoor geen probleem | nee ik kan wachten | nee nee rustig aan
            Nee, is goed. | nee doe maar
        """)),
        *((text, Kind.STOP) for text in rows("""
            nee niet maandag | nee wacht | nee | nee nee | nee dank u | nee dat klopt niet | nee natuurlijk niet
            nee eh
        """)),
    ],
)  # fmt: skip
def test_a_refusal_before_a_reassurance_stops_nothing(text: str, kind: Kind) -> None:
    """A refusal is a stop alone and before a correction, but not where the words only reassure or say something."""
    assert DUTCH.remark(DUTCH.words(text)).kind is kind
