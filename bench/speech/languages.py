"""How often Whisper finds the language of a sentence, with the rules of a call.

    python -m bench.speech.languages --model models/whisper/base

Twenty sentences in each of four languages, which callers of a shop might say, in eSpeak NG's voices. Each is heard as
the first words of a call, as words of a call that was held in English before, and as words of a call that was held in
the language of the sentence before. The call may choose among all four languages, or between English and the language
of the sentence.

eSpeak NG speaks other languages than English so unclearly that Whisper gets many words wrong even when it is told the
language; the last column says how many. So the figures show what the rules do with bad evidence, and not what people
get.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.common.figures import percent, show
from bench.speech.word_errors import word_errors
from server.media.frame import HEARD_RATE
from server.speech.detection import Detection
from server.speech.engines.whisper import Engine
from server.speech.engines.whisper_model import Model
from tests.voices import silence, speak

BEFORE_S, AFTER_S, WINDOW_S = 0.4, 0.1, 10
"""The silence around the words, as a call hears it, and Whisper's window."""

ENGLISH = """
    I would like to make an appointment for tomorrow.
    Where is my order?
    Can you tell me when you open, please?
    I have a question about my bill.
    Please call me back on Monday at ten.
    Do you still have a table for four people?
    My number is zero seven six three four two.
    How much is a ticket to Hamburg?
    No, that is not what I mean.
    Yes, that suits me well.
    I would like a large coffee with milk.
    The parcel has not arrived yet.
    What are you doing at the weekend?
    I have been waiting for an answer for three days.
    Could you say that again, please?
    My name is Schneider.
    Thank you very much and goodbye.
    I live at seventeen Garden Street.
    Is there another train to Cologne today?
    Hello, I need some help.
"""
GERMAN = """
    Ich möchte morgen einen Termin vereinbaren.
    Wo ist meine Bestellung?
    Können Sie mir bitte sagen, wann Sie geöffnet haben?
    Ich habe eine Frage zu meiner Rechnung.
    Bitte rufen Sie mich am Montag um zehn Uhr zurück.
    Haben Sie noch einen Tisch für vier Personen frei?
    Meine Nummer ist null sieben sechs drei vier zwei.
    Wie viel kostet eine Fahrkarte nach Hamburg?
    Nein, das meine ich nicht.
    Ja, das passt mir gut.
    Ich hätte gern einen großen Kaffee mit Milch.
    Das Paket ist noch nicht angekommen.
    Was machen Sie am Wochenende?
    Ich warte seit drei Tagen auf eine Antwort.
    Könnten Sie das bitte wiederholen?
    Mein Name ist Schneider.
    Vielen Dank und auf Wiedersehen.
    Ich wohne in der Gartenstraße siebzehn.
    Gibt es heute noch einen Zug nach Köln?
    Guten Tag, ich brauche Hilfe.
"""
SPANISH = """
    Quisiera pedir una cita para mañana.
    ¿Dónde está mi pedido?
    ¿Puede decirme a qué hora abren?
    Tengo una pregunta sobre mi factura.
    Llámeme el lunes a las diez, por favor.
    ¿Tienen todavía una mesa para cuatro personas?
    Mi número es el seis uno dos tres cuatro.
    ¿Cuánto cuesta un billete a Sevilla?
    No, no es eso lo que quiero decir.
    Sí, me viene muy bien.
    Quiero un café grande con leche.
    El paquete todavía no ha llegado.
    ¿Qué hacen ustedes el fin de semana?
    Llevo tres días esperando una respuesta.
    ¿Podría repetirlo, por favor?
    Me llamo García.
    Muchas gracias y hasta luego.
    Vivo en la calle del Jardín diecisiete.
    ¿Hay todavía un tren a Madrid hoy?
    Buenos días, necesito ayuda.
"""
FRENCH = """
    Je voudrais prendre rendez-vous demain matin.
    Où est ma commande ?
    Pouvez-vous me dire à quelle heure vous ouvrez ?
    J'ai une question sur ma facture.
    Rappelez-moi lundi à dix heures, s'il vous plaît.
    Avez-vous encore une table pour quatre personnes ?
    Mon numéro est le zéro six douze trente-quatre.
    Combien coûte un billet pour Lyon ?
    Non, ce n'est pas ce que je veux dire.
    Oui, ça me convient très bien.
    Je voudrais un grand café avec du lait.
    Le colis n'est pas encore arrivé.
    Que faites-vous ce week-end ?
    J'attends une réponse depuis trois jours.
    Pourriez-vous répéter, s'il vous plaît ?
    Je m'appelle Dupont.
    Merci beaucoup et au revoir.
    J'habite au dix-sept rue des Jardins.
    Y a-t-il encore un train pour Paris aujourd'hui ?
    Bonjour, j'ai besoin d'aide.
"""
SENTENCES = {"en": ENGLISH, "de": GERMAN, "es": SPANISH, "fr": FRENCH}
VOICES = {"en": "en-us"}
"""eSpeak NG's voices, where the language's tag does not name one."""


def sound(text: str, language: str) -> bytes:
    return silence(BEFORE_S) + speak(text, VOICES.get(language, language)) + silence(AFTER_S)


def found(probabilities: Mapping[str, float], likely: str, others: Sequence[str], pcm: bytes) -> str:
    """The language that a call takes the sound to be in; "" when the sound does not tell it."""
    detection = Detection(likely, others)
    detection.look(lambda: probabilities, len(pcm) / (2 * HEARD_RATE) - BEFORE_S - AFTER_S)
    return detection.language


def verdicts(model: Model, language: str) -> dict[str, list[str]]:
    """By the state of the call: the language that is found for each sentence in `language`."""
    verdicts: dict[str, list[str]] = {}
    for text in SENTENCES[language].strip().splitlines():
        pcm = sound(text, language)
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
        probabilities = model.probabilities(model.encode(model.features(samples), WINDOW_S))
        four, two = list(SENTENCES), list(dict.fromkeys(["en", language]))
        for name, likely, others in (
            ("first words, of four", "", four),
            ("first words, of two", "", two if language != "en" else four),
            ("after English, of four", "en", four),
            ("after its own, of four", language, four),
        ):
            verdicts.setdefault(name, []).append(found(probabilities, likely, others, pcm))
    return verdicts


def word_error_percent(engine: Engine, language: str) -> float:
    """How many words are wrong when Whisper is told the language."""
    errors = []
    for text in SENTENCES[language].strip().splitlines():
        recognition = engine.start((), language)
        recognition.feed(sound(text, language))
        errors.append(word_errors(text, recognition.finish()))
    return percent(sum(each.wrong for each in errors), sum(each.words for each in errors))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", type=Path, required=True, help="a directory with a Whisper model of many languages")
    chosen = options.parse_args()
    model, engine = Model(str(chosen.model), "cpu", "auto", 1), Engine(str(chosen.model))
    results = {}
    for language in SENTENCES:
        told = {
            name: {"right": each.count(language), "untold": each.count(""), "n": len(each)}
            for name, each in verdicts(model, language).items()
        }
        results[language] = {**told, "word_error_percent": word_error_percent(engine, language)}
    states = [name for name in results["en"] if name != "word_error_percent"]
    rows = [
        [language, *(_cell(figures[state]) for state in states), f"{figures['word_error_percent']} %"]
        for language, figures in results.items()
    ]
    show("Right / wrong / not told", ["", *states, "word errors"], rows)
    print(json.dumps(results))


def _cell(counts: Mapping[str, int]) -> str:
    wrong = counts["n"] - counts["right"] - counts["untold"]
    return f"{counts['right']} / {wrong} / {counts['untold']}"


if __name__ == "__main__":
    main()
