"""Lines: what an agent says in fixed words, and the words that are used where its author has written none."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lines:
    """The fixed lines of an agent in one language. "" says nothing, and None says what `DEFAULT_LINES` has."""

    greeting: str | None = None
    """Said when the call begins."""
    goodbye: str | None = None
    """Said when the server has to end the call."""
    still_there: str | None = None
    """Said when the caller has been silent for long."""
    other_voices: str | None = None
    """Said in place of `still_there` when voices that do not listen to the agent are heard."""
    apology: str | None = None
    """Said when an engine, the model or a tool fails; the call goes on."""


DEFAULT_LINES = {
    "en": Lines(
        "",
        "Goodbye.",
        "Are you still there?",
        "I can hear other voices. Are you still there?",
        "Sorry, something went wrong on my side. Could you say that again?",
    ),
    "de": Lines(
        "",
        "Auf Wiederhören.",
        "Sind Sie noch da?",
        "Ich höre andere Stimmen. Sind Sie noch da?",
        "Entschuldigung, bei mir ist etwas schiefgegangen. Könnten Sie das noch einmal sagen?",
    ),
    "es": Lines(
        "",
        "Adiós.",
        "¿Sigue usted ahí?",
        "Oigo otras voces. ¿Sigue usted ahí?",
        "Perdone, algo ha fallado por mi parte. ¿Podría repetirlo?",
    ),
    "fr": Lines(
        "",
        "Au revoir.",
        "Êtes-vous toujours là ?",
        "J'entends d'autres voix. Êtes-vous toujours là ?",
        "Excusez-moi, j'ai eu un problème de mon côté. Pourriez-vous répéter ?",
    ),
    "it": Lines(
        "",
        "Arrivederci.",
        "È ancora in linea?",
        "Sento altre voci. È ancora in linea?",
        "Mi scusi, qualcosa è andato storto da parte mia. Potrebbe ripetere?",
    ),
    "nl": Lines(
        "",
        "Tot ziens.",
        "Bent u er nog?",
        "Ik hoor andere stemmen. Bent u er nog?",
        "Sorry, er ging iets mis aan mijn kant. Kunt u dat nog eens zeggen?",
    ),
    "pt": Lines(
        "",
        "Até logo.",
        "Ainda está aí?",
        "Ouço outras vozes. Ainda está aí?",
        "Desculpe, houve um problema do meu lado. Pode repetir, por favor?",
    ),
}
"""By language (BCP 47). Each says the same."""
