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
    waiting: tuple[str, ...] | None = None
    """Said one after the other while the caller waits for a tool, or for a model that thinks."""


DEFAULT_LINES = {
    "en": Lines(
        "",
        "Goodbye.",
        "Are you still there?",
        "I can hear other voices. Are you still there?",
        "Sorry, something went wrong on my side. Could you say that again?",
        ("One moment, please.", "I am still working on it.", "Just a moment longer."),
    ),
    "de": Lines(
        "",
        "Auf Wiederhören.",
        "Sind Sie noch da?",
        "Ich höre andere Stimmen. Sind Sie noch da?",
        "Entschuldigung, bei mir ist etwas schiefgegangen. Könnten Sie das noch einmal sagen?",
        ("Einen Moment, bitte.", "Ich bin noch dabei.", "Es dauert noch einen Augenblick."),
    ),
    "es": Lines(
        "",
        "Adiós.",
        "¿Sigue usted ahí?",
        "Oigo otras voces. ¿Sigue usted ahí?",
        "Perdone, algo ha fallado por mi parte. ¿Podría repetirlo?",
        ("Un momento, por favor.", "Sigo en ello.", "Solo un momento más."),
    ),
    "fr": Lines(
        "",
        "Au revoir.",
        "Êtes-vous toujours là ?",
        "J'entends d'autres voix. Êtes-vous toujours là ?",
        "Excusez-moi, j'ai eu un problème de mon côté. Pourriez-vous répéter ?",
        ("Un instant, s'il vous plaît.", "J'y travaille encore.", "Encore un petit instant."),
    ),
    "it": Lines(
        "",
        "Arrivederci.",
        "È ancora in linea?",
        "Sento altre voci. È ancora in linea?",
        "Mi scusi, qualcosa è andato storto da parte mia. Potrebbe ripetere?",
        ("Un momento, per favore.", "Ci sto ancora lavorando.", "Ancora un attimo."),
    ),
    "nl": Lines(
        "",
        "Tot ziens.",
        "Bent u er nog?",
        "Ik hoor andere stemmen. Bent u er nog?",
        "Sorry, er ging iets mis aan mijn kant. Kunt u dat nog eens zeggen?",
        ("Een ogenblik, alstublieft.", "Ik ben er nog mee bezig.", "Nog een klein momentje."),
    ),
    "pt": Lines(
        "",
        "Até logo.",
        "Ainda está aí?",
        "Ouço outras vozes. Ainda está aí?",
        "Desculpe, houve um problema do meu lado. Pode repetir, por favor?",
        ("Um momento, por favor.", "Ainda estou a tratar disso.", "Só mais um momento."),
    ),
}
"""By language (BCP 47). Each says the same."""
