"""Endings of Italian: which last words leave a sentence open, and which numbers may go on."""

import re

from server.call.turns.lexicon.grammar import last_words

OPENING = (
    r"(?:buongiorno|buonasera|salve|ciao|pronto|senta|scusi|scusa|mi scusi|e|ma|o|allora|quindi|sì|no|va bene|ok"
    r"|grazie|ehm"
    r"|eh|ah|beh|per favore|buon giorno|buona sera|signora|signore)"
)
"""What callers say before the sentence proper."""
_NOTHING = r"(?!)"
"""A pattern that matches nothing."""
_WISH = "(?:vorrei|vorremmo|volevo|voglio|volevamo|desidero|desidererei|avrei|piacerebbe|preferirei)"
_CAN = "(?:posso|può|puoi|possiamo|potete|potrei|potrebbe|potresti|potreste|possono)"

_OPEN_WORDS = {
    "il lo la i gli le del dello della dei degli delle al allo alla ai agli alle dal dallo dalla dai dalle "
    "nel nello nella nei nelle sul sullo sulla sui sulle col l dell all dall nell sull quell quest bell un "
    "ogni qualche qualsiasi nessun alcuni alcune quel quei quegli qual": _NOTHING,
    # ne vorrei una · all'una · numero uno
    "una uno": r"ne \w+(?: \w+)? un[ao]|(?:all'|l'|dall'|dell'|ogn|numero |ciasc)un[ao]",
    # è mio · come il suo
    "mio mia miei mie tuo tua suo sua nostro nostra vostro vostra": (
        r"(?:è|sono|sia|casa) (?:mi|tu|su|nostr|vostr)\w+|come (?:il|la) \w+"
        r"|^(?:(?:sì|no|questo|questa|quello|quella) )*è (?:il|la) \w+"
    ),
    "di a da in per tra fra verso presso entro fino durante tranne eccetto oltre dentro con ad": _NOTHING,
    # faccio senza · venga su · sono contro
    "senza contro su": (
        r"(?:faccio|anche|meglio|va|vada|preferisco|o) senza|(?:sono|siamo) contro|(?:venga|vieni|vengo|dica|più|giù e"
        r"|salga) su"
    ),
    "e ed o oppure ma però che se mentre anche né siccome affinché finché sebbene anziché cioè ehm uhm mmm "
    "ovvero": _NOTHING,
    # perché · non so perché · e perché
    "perché": r"(?:^|so |sa |sapere |capisco |ecco |dirmi |^e |^ma )perché",
    "quando dove come chi quale quali": (
        r"^(?:(?:a|da|di|per|con|fino a|e|ma) )?(?:quando|dove|come|chi)|^qual\w+|(?<!vorrei )(?<!mi )(?:so|sa|capisco"
        r"|ricordo) (?:\w+ )?\w+"
        r"|(?:aprite|chiudete|arriva|consegnate|parte|finisce|viene|siete|sta|va|e|abita) (?:a |da )?(?:quando|dove"
        r"|come|chi)(?<!e come)"
    ),
    "mi ti si ci vi ne li non m d c t v": r"(?:(?<!\S)[a-z]|lettera) \w",
    # cos'è · non c'è · che ora è · com'è; not: il mio nome è · qual è · dov'è at the beginning
    "è": (
        r"(?:cos'|quant'|com'|(?:non|se|sì|che|cosa|non ce n') ?c'|quand'|chi |cosa |quanto |quando |che ora |che ore "
        r"|così |lo |non lo |sì )è"
        r"|(?:che|quale|quanto) \w+ è|(?:dove|quando|come|quanto) (?:\w+ ){1,3}è|non ce n'è|(?:so|sa) (?:dov'|chi "
        r"|qual |dove )è"
        r"|\w+ \w+ dov'è"
    ),
    "sono siamo siete": (
        r"(?:che ore|quant\w+|dove|chi|non ci|se ci|ne|come|così|ce ne|sì|lo) \w+|(?:dove|quant\w+|come"
        r"|che) (?:\w+ ){1,3}\w+"
    ),
    # ce l'ho · ne ho · quanti ne avete · che orari avete
    "ho ha hai abbiamo avete hanno": (
        r"ce (?:l'|li |le |ne )\w+|ne \w+|(?:che|cosa|quant\w+|quali)(?: \w+){0,2} (?:ho|ha|hai|abbiamo|avete|hanno)"
        r"|(?:non|sì) (?:ce )?l'ho"
    ),
    "avevo aveva avrei avrebbe ero era sarei sarebbe sarà saremo sarò saranno avremmo avremo": (
        r"(?:com'|dov'|cosa |chi |quando |come |dove |quanto )(?:era|sarà|sarebbe)"
    ),
    # lo vorrei · come vuole · cosa vuole · quello che voglio
    "vorrei vorremmo volevo volevamo voglio vogliamo vuole vuoi desidero gradirei preferirei preferisco preferisce": (
        r"(?:lo|la|li|le|se|come|quando|cosa|ne|(?<!è )che|dove|ci) (?:\w+ )?(?:vo\w+|vuo\w+|preferi\w+|desider\w+)"
        r"|^(?:(?:no|ma|io) )*non (?:voglio|vogliamo)"
    ),
    # non posso · se può · quando può; not: può · sapere se può
    "posso può puoi possiamo potete potrei potrebbe possono potresti": (
        r"(?:non|appena|quando|sì|come) (?:si |lo )?(?:posso|può|puoi|potete|possono)(?<!come posso)(?<!come può)"
        r"|^si può"
        r"|(?<!sapere )(?<!vedere )(?<!chiedere )se (?:si |lo |mi )?p\w+"
    ),
    "dovrò potrò avrò dovremo devo deve devi dobbiamo dovrei dovrebbe dovete": (
        r"(?:quanto|quant\w+ (?:le|vi|ti)|sì|lo|come) \w+"
    ),
    "sto sta stai stiamo stanno stavo": r"(?:come|ci|dove|quanto|così) (?:\w+ )?st\w+|(?:ci|non ci|le) \w+",
    # come mi chiamo · la richiamo is complete; not: mi chiamo · chiamo
    "chiamo": r"(?:come mi|dopo|domani|ti|vi|la|poi) chiamo(?<!^la chiamo)",
    "chiama": r"come (?:si|ti|vi) chiama|(?:chi|mi|ci|la) chiama",
    "cerco prendo abito ordino mando": r"(?:che|lo|la|li|le|ne|dove|cosa|ci) \w+",
    "piacerebbe": r"sì (?:mi|ci) \w+",
    "chiocciola trattino underscore": _NOTHING,
}
"""Last words after which a sentence is mostly not complete. Each group of words has a pattern: a sentence that ends
with it, and with one of these words, is complete after all. The comments show such complete sentences."""

_CLOSING_WORDS = {
    "questo questa questi queste quello quella quelli quelle": (
        r"(?:in|per|con|a|di|su|da|del|tra|e) quest[oaie]|(?:^|che |con |è |e )quell[oaie]"
    ),
    "quanto quanta quanti quante": r"(?:da|per|sapere|dirmi|in|e) \w+",
    "cosa": r"(?:sapere|dirmi|che|e) (?:che )?cosa(?<!^che cosa)|qualche cosa",
    "poi quindi dunque allora": (
        r"(?:^|^e |^ma |^o |^sì |^no |^ecco |^eh |^ah |^ehm |^beh | ma | e | o )(?:poi|quindi|dunque|allora)"
    ),
    "beh eh ecco diciamo praticamente insomma invece": (
        r"(?:^|^e |^ma |^sì |^no |^allora |^ehm |^però | ehm | e )\w+(?<!^eh)(?<!^ecco)"
    ),
    "solo soltanto": rf"(?:^|{_WISH} |è |^ma |^e |ho )(?:solo|soltanto)",
    "molto più meno": (
        r"(?:è|sono|era|sta|molto) (?:molto|più)|quanto (?:fa|fanno) .*\w+|(?:il|la|i|le|al) (?:più|meno)"
    ),
    "io lei noi voi lui loro": (
        r"(?:^|che |se |perché |quando |^e |^ma |^allora |quindi |però |poi |o )(?:io|lei|noi|voi|lui"
        r"|loro)(?<!e lei)(?<!e voi)"
    ),
    "me": r"(?:può|non|che|potrebbe) me",
    "sapere avere parlare prendere chiedere fare richiedere": (
        rf"^(?!.*\b(?:cosa|come|che|quando)\b).*(?:{_WISH}|{_CAN}|devo|bisogno di|per|dovrei) \w+"
    ),
    "dirmi darmi passarmi mandarmi farmi spiegarmi inviarmi": rf"(?:{_CAN}|sa) \w+",
    "dire dare passare": rf"(?:mi|ci) (?:{_CAN}|sa) \w+|(?:voglio|volevo|vuol) dire",
    "dia faccia passi mandi dà": r"mi \w+",
    "dica": r"(?:mi dica (?:se|quando|che))",
    "bisogno": r"(?<!ne )(?:ho|avrei|abbiamo|avremmo|avevo) (?:solo |anche )?bisogno",
    "credo penso immagino": r"(?:^|^e |ma |^io |perché |che |ehm )\w+",
    "numero nome indirizzo cognome": (
        r"(?:ordine|camera|tavolo|pratica|è il|cliente|al) numero|a nome|^(?:\w+ )?il mio \w+"
    ),
    "partire causa riguardo riguarda rispetto proposito seguito": (
        r"(?:a|al) (?:partire|causa|seguito)|(?:^|per quanto )riguard[oa]|rispetto|^a proposito"
    ),
    "via viale piazza corso": (
        r"^(?!.*(?:che|quale|vada|vai|andare|vado|porta)\b)(?:\w+ ){0,3}(?:via|viale|piazza|corso)"
    ),
    "punto": r"(?<!\bun)(?<!\bil)(?<!\bquel)(?<!\bin)(?<!\bal)(?<!^) punto",
    "tipo": r"^(?:\w+ )?tipo",
    "vado viene va": r"(?:^|^io |^e )vado",
    "fa": r"mi fa|(?:^|ma )fa",
    "prima dopo": r"^(?:e )?(?:prima|dopo)|quanto tempo (?:prima|dopo)",
    "ancora": r"(?:ho|è|sono|hanno) ancora",
    "già": r"(?<!ce l')(?:ho|è|sono|hanno|avete) già",
    "possibile": r"^(?:buongiorno |buonasera |salve |sì |no |e |scusi |ma )*(?:è|sarebbe|sarà) possibile",
    "dottor dottore dottoressa signor signora": r"(?:il|la|l|al|del|alla|con) (?:dott\w+|signor\w*)|dottor|signor",
    "stato stata": r"(?:sono|è|era|sia) stat[oa]",
    "chiamando cercando telefonando": r"^(?!.*\b(?:cosa|che|chi)\b).*(?:sto|stavo|stiamo) \w+",
    "serve servirebbe servono": r"(?:mi|ci) serv\w+",
}
"""Last words with which a sentence is mostly complete. Each group of words has a pattern: a sentence that ends with it,
and with one of these words, is not complete. The comments show such incomplete sentences, and after "but" complete
ones."""

UNFINISHED = re.compile(rf"^(?:{OPENING} )*(?:(?:il|la|i|le) )?(?:mio|mia|miei|mie) \w+$")  # mio marito
MORE_FIGURES = re.compile(
    # matches: d a n · effe · numero uno · è il sei
    r"(?:.*\b)?(?:numero|tavolo|camera|numero è|è il) (?:un[oa]?|sei)$|(?:.* )?(?:[b-hj-np-z]|[a-df-np-z] [a-z])$"
    r"|.*\b(?:effe|acca|elle|emme|enne|erre|esse|zeta|doppia)$|.*\buno$"
)
SHORT_QUESTIONS = re.compile(rf"(?:{OPENING} )*(?:dov'(?:è|era)|qual (?:è|era))")
_ELIDED = "c' d' l' m' n' s' t' v' dell' all' dall' nell' sull' quell' quest' un' ce n' dov' com' cos' quant' quand'"
OPEN_ENDINGS = last_words(_OPEN_WORDS, _CLOSING_WORDS)
OPEN_ENDINGS = {
    elided + word: pattern
    for word, pattern in OPEN_ENDINGS.items()
    if word[0] in "aàeèhiou" and "'" not in word
    for elided in _ELIDED.split()
} | OPEN_ENDINGS
"""Also with what is written before a vowel: "c'è" is as open as "è"."""
