"""What callers of a German shop's front desk say, with the pauses that people make inside sentences.

The notation is the one of `corpus.py`. In German the verb may be the last word, so some pauses in `open` stand before
it: nothing but the missing verb tells there that more will come.
"""

ASKED = {"?": "Kann ich sonst noch etwas für Sie tun?", "#": "Wie lautet Ihre Bestellnummer?"}
"""What the agent said before the utterance, by the mark at the beginning of the line."""

LINES = """
    ich möchte gern {open} wissen wo meine bestellung ist
    können sie mir {open} sagen wann sie am sonntag öffnen?
    wie sind ihre {open} öffnungszeiten
    wann schließen {open} sie am freitag
    können sie mich {open} morgen zurückrufen?
    ich würde gern einen rückruf {open} vereinbaren
    ist meine {open} bestellung fertig?
    könnten sie bitte {open} meine bestellung prüfen?
    ich rufe an wegen {open} meiner bestellung
    kann ich mit {open} einem menschen sprechen?
    ich suche {open} meine bestellung
    um wie viel uhr {open} machen sie auf
    ich wollte fragen ob {open} mein paket schon da ist
    ich möchte meinen rückruf {open} absagen
    rufen sie mich bitte {open} am montag zurück?
    ich habe eine frage zu {open} meiner bestellung
    hallo {open} ich wüsste gern wo meine bestellung ist
    wann kann ich mein paket {open} abholen
    können sie mir die nummer {open} noch einmal nennen?
    ich hätte gern einen {open} termin am dienstag
    äh {um} wo ist meine bestellung
    ich hätte gern ähm {um} einen rückruf für morgen
    wann machen sie äh {um} am samstag auf
    können sie das ähm {um} wiederholen?
    meine bestellnummer ist ähm {um} vier zwei sieben eins
    also {um} ich möchte meinen rückruf absagen
    hallo ich rufe an weil {and} meine bestellung nicht angekommen ist
    ich möchte den rückruf absagen und {and} einen neuen für dienstag buchen
    rufen sie mich am montag an oder {and} am dienstag um zehn
    wo ist meine bestellung und {and} wann kommt sie an
    ich brauche einen rückruf aber {and} nicht morgen
    haben sie am samstag auf und {and} am sonntag?
    wie spät ist es und {and} wann schließen sie
    ich weiß nur dass {and} das paket gestern kommen sollte
    meine bestellnummer ist {number} vier zwei sieben eins
    wo ist die bestellung {number} drei fünf neun zwei
    # vier zwei {number} sieben eins
    # das ist die acht {number} eins {number} null {number} fünf
    meine bestellnummer ist sechs drei {number} neun vier
    # die nummer ist {number} fünf fünf {number} zwo acht
    was ist zwölf {number} plus dreißig
    rufen sie mich morgen um {number} drei zurück
    # neun {number} eins {number} vier {number} zwei
    # zweiundvierzig {number} einundsiebzig
    ? morgen um {number} halb fünf
    was ist fünfundzwanzig {number} mal vier
    # doppel vier {number} drei zwei
    mein name ist {name} anna
    hallo mein name ist {name} peter
    ich heiße {name} thomas und {and} habe eine frage zu meiner bestellung
    ? auf den namen {name} maria
    hier ist {name} daniel
    ich habe eine frage {clause} wo ist meine bestellung
    hallo können sie mir helfen? {clause} ich brauche hilfe mit meiner bestellung
    ich möchte meinen rückruf absagen {clause} den am montag
    rufen sie mich morgen an {clause} um zehn
    meine bestellung ist nicht angekommen {clause} können sie das prüfen?
    ich hätte gern einen rückruf {clause} am freitag {clause} um elf
    haben sie auf {clause} am sonntag?
    wann schließen sie {clause} morgen
    nein danke {clause} das war alles
    ja {clause} rufen sie mich bitte an
    # ja {clause} meine bestellnummer ist {number} vier zwei sieben eins
    wo ist der laden {clause} und wann machen sie auf
    danke {clause} können sie das bitte wiederholen?
    es geht um meine bestellung {clause} die vier zwei {number} sieben eins
    ich habe ein buch bestellt {clause} und {and} es ist nicht angekommen

    wo ist meine bestellung
    wann machen sie am montag auf
    können sie mich morgen um drei zurückrufen?
    meine bestellnummer ist vier zwei sieben eins
    # drei fünf neun zwei
    wie sind ihre öffnungszeiten
    haben sie am sonntag auf?
    hallo können sie mir helfen?
    vielen dank
    auf wiederhören
    ? ja bitte
    ? ja
    ? nein danke
    was ist zwölf plus dreißig
    mein name ist anna
    ich möchte meinen rückruf absagen
    wie spät ist es
    können sie das bitte wiederholen?
    sind sie ein roboter?
    wo finde ich sie
    was habe ich gerade gesagt
    ich möchte mit einem menschen sprechen
    rufen sie mich bitte an
    ? morgen um zehn
    wann kommt meine bestellung an
"""
