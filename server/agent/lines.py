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
    cannot_help: str | None = None
    """Said before the goodbye when several answers in a row have failed; the call ends."""
    waiting: tuple[str, ...] | None = None
    """Said one after the other while the caller waits for a tool, or for a model that thinks."""
    introduction: str | None = None
    """Said when the agent takes a call over from another one. `{name}` stands for its name."""
    relieved: str | None = None
    """Said in place of `cannot_help` when somebody else takes the call then."""


DEFAULT_LINES = {
    "en": Lines(
        "",
        "Goodbye.",
        "Are you still there?",
        "I can hear other voices. Are you still there?",
        "Sorry, something went wrong on my side. Could you say that again?",
        "I am sorry, I cannot help you at the moment. Please call again later.",
        ("One moment, please.", "I am still working on it.", "Just a moment longer."),
        "Hello, this is {name}.",
        "I am sorry, I cannot help you at the moment. I am putting you through to somebody else.",
    ),
    "de": Lines(
        "",
        "Auf Wiederhören.",
        "Sind Sie noch da?",
        "Ich höre andere Stimmen. Sind Sie noch da?",
        "Entschuldigung, bei mir ist etwas schiefgegangen. Könnten Sie das noch einmal sagen?",
        "Es tut mir leid, ich kann Ihnen im Moment nicht helfen. Bitte rufen Sie später noch einmal an.",
        ("Einen Moment, bitte.", "Ich bin noch dabei.", "Es dauert noch einen Augenblick."),
        "Hallo, hier ist {name}.",
        "Es tut mir leid, ich kann Ihnen im Moment nicht helfen. Ich verbinde Sie weiter.",
    ),
    "es": Lines(
        "",
        "Adiós.",
        "¿Sigue usted ahí?",
        "Oigo otras voces. ¿Sigue usted ahí?",
        "Perdone, algo ha fallado por mi parte. ¿Podría repetirlo?",
        "Lo siento, en este momento no puedo ayudarle. Por favor, llame de nuevo más tarde.",
        ("Un momento, por favor.", "Sigo en ello.", "Solo un momento más."),
        "Hola, le habla {name}.",
        "Lo siento, en este momento no puedo ayudarle. Le paso con otra persona.",
    ),
    "fr": Lines(
        "",
        "Au revoir.",
        "Êtes-vous toujours là ?",
        "J'entends d'autres voix. Êtes-vous toujours là ?",
        "Excusez-moi, j'ai eu un problème de mon côté. Pourriez-vous répéter ?",
        "Je regrette, je ne peux pas vous aider pour le moment. Veuillez rappeler plus tard.",
        ("Un instant, s'il vous plaît.", "J'y travaille encore.", "Encore un petit instant."),
        "Bonjour, ici {name}.",
        "Je regrette, je ne peux pas vous aider pour le moment. Je vous passe quelqu'un d'autre.",
    ),
    "it": Lines(
        "",
        "Arrivederci.",
        "È ancora in linea?",
        "Sento altre voci. È ancora in linea?",
        "Mi scusi, qualcosa è andato storto da parte mia. Potrebbe ripetere?",
        "Mi dispiace, al momento non posso aiutarla. La prego di richiamare più tardi.",
        ("Un momento, per favore.", "Ci sto ancora lavorando.", "Ancora un attimo."),
        "Buongiorno, qui {name}.",
        "Mi dispiace, al momento non posso aiutarla. Le passo qualcun altro.",
    ),
    "nl": Lines(
        "",
        "Tot ziens.",
        "Bent u er nog?",
        "Ik hoor andere stemmen. Bent u er nog?",
        "Sorry, er ging iets mis aan mijn kant. Kunt u dat nog eens zeggen?",
        "Het spijt me, ik kan u op dit moment niet helpen. Belt u later nog eens.",
        ("Een ogenblik, alstublieft.", "Ik ben er nog mee bezig.", "Nog een klein momentje."),
        "Hallo, u spreekt met {name}.",
        "Het spijt me, ik kan u op dit moment niet helpen. Ik verbind u door.",
    ),
    "pt": Lines(
        "",
        "Até logo.",
        "Ainda está aí?",
        "Ouço outras vozes. Ainda está aí?",
        "Desculpe, houve um problema do meu lado. Pode repetir, por favor?",
        "Lamento, mas neste momento não posso ajudar. Por favor, ligue mais tarde.",
        ("Um momento, por favor.", "Ainda estou a tratar disso.", "Só mais um momento."),
        "Olá, fala {name}.",
        "Lamento, mas neste momento não posso ajudar. Vou passar a chamada a outra pessoa.",
    ),
}
"""By language (BCP 47). Each says the same."""
