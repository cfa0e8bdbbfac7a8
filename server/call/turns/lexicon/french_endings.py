"""Endings of French: which last words leave a sentence open, and which numbers may go on."""

import re

from server.call.turns.lexicon.grammar import last_words

ASKING = r"(?:qui|quoi|où|d'où|quand|comment|pourquoi|combien|quels?|quelles?|lequel|laquelle)"
"""Question words."""
SUBJECT = r"(?:je|tu|il|elle|on|nous|vous|ils|elles)"
OPENING = (
    r"(?:bonjour|bonsoir|allô|allo|salut|et|mais|ou|donc|alors|oui|ouais|non|bon|ok|d'accord|merci|pardon|excusez moi"
    r"|euh|ben|bah|ah|s'il vous plaît|dites moi|madame|monsieur)"
)
"""What callers say before the sentence proper."""
_NOTHING = r"(?!)"
"""A pattern that matches nothing."""
_THING = r"(?:(?:le|la|les|mon|ma|mes|votre|vos|ce|cette|ces|l'\w+) ?\w*)"
"""A short noun phrase."""
_VERBS_OF_WISH = "(?:voudrais|voudrait|voulais|voudrions|veux|aimerais|aimerait|aimerions|souhaite|souhaiterais)"

_OPEN_WORDS = {
    "le la les": r"(?:dites|faites|laissez|gardez|dis|fais|laisse|sais|refaites) (?:le|la|les)",
    "du des au aux ce cet cette mon ma mes ton ta tes ses nos vos ces chaque quel quelle quels quelles": _NOTHING,
    # je n'ai pas le son · dites-leur · c'est le leur
    "son sa leur leurs": r"(?:le|du|de|aucun) son|(?:dites|les?|la) leurs?",
    "notre votre": r"(?:le|la|les) (?:notre|votre)",
    "quelques plusieurs": r"en \w+ plusieurs",
    # j'en voudrais une · je n'en ai pas un · numéro un
    "un une": r"en \w+(?: \w+)? une?|(?:numéro|le) une?|encore une",
    # je viens avec · on fera sans · je suis pour · c'est fait pour · par contre is a beginning
    "à de par en chez vers dès depuis jusque selon sauf dont que ne si et ou mais car ni": (
        r"(?:^|ah |oh |euh |que |mais bien sûr que |bien sûr que )si|depuis"
    ),
    "pour contre": r"(?:suis|(?<!c')est|êtes|fait|faite|faits|prévu|prévue|sont) (?:pour|contre)",
    "avec sans": (
        r"(?:vien\w+|venir|va|vais|allez|aller|faire|fait|ferai|fera|prends|prendrai|livré|fourni|vendu|comme|et|ou"
        r"|préfère)"
        r" (?:avec|sans)"
    ),
    "sous sur dans entre comme parce puisque lorsque quoique afin tandis sinon malgré concernant": _NOTHING,
    # dites donc · où donc
    "donc": r"(?:dites|dis|allez|où|qui|quoi|comment|pourquoi|voyons) donc",
    "euh heu hum ben bah disons très puis celui celle ceux arobase arrobase tiret qu": r"et puis quoi",
    # c'est quelle heure · savoir qui c'est · où c'est · qu'est-ce que c'est · le fait est
    "est sont suis es était étaient étiez étions êtes sommes seront serons serez serai c'est": (
        rf"(?:où|qui|comment|combien|quand|quel\w*(?: \w+)?) (?:\w+ )?(?:c'|(?:{SUBJECT}|{_THING}) )(?:est|sont|suis"
        rf"|étai\w+|êtes)"
        r"|(?:que|où|qui|quoi|quand|combien|quelle heure|ce que|comment) c'est|l'est"
        r"|(?:où|comment|qui) vous êtes|(?:où|qui|là où) je suis|comme (?:je suis|il est|elle est)|l'êtes|le suis"
        r"|y (?:suis|est|êtes)"
    ),
    # oui je l'ai · j'en ai · tout ce que j'ai · ce que vous avez · quels plats vous avez
    "ai avons avez avais avait aviez avions aurai aura aurez aurons auront": (
        r"^(?:(?:oui|non|voilà|si|ça y est) )*je (?:l'|les |la |le |en |ne l'|n'en )?(?:ai|avais)(?<!je ai)"
        r"|en (?:ai|avons|avez|avais|avait)|(?<!\best )(?:ce|tout|rien|dont|comme|quoi) (?:que )?(?:j'ai|vous avez"
        r"|on a|nous avons)"
        r"|(?:qu'est ce que|qu'|(?:combien|quel\w*)\b.*) ?(?:vous avez|j'ai|nous avons)"
    ),
    # qu'est-ce qu'il y a · il y en a · elle l'a · quel âge il a
    "a ont as": (
        r"(?:qu'est ce|sais ce|ce|tout ce|que) qu'il y a|en (?:a|ont|as)|(?:oui|non|si) (?:il|elle|on) (?:l'|les )(?:a"
        r"|ont)"
        r"|(?:combien|quel\w*) .*(?:a|ont)|(?<!\S)[b-xz] a|(?:tout )?ce que (?:tu as|on a|ils ont)"
    ),
    # si je peux · dès que vous pouvez · comme vous voulez · qu'est-ce que vous voulez · je ne peux pas is closed by pas
    "peux peut pouvez pouvons veux veut voulez pourrai devrai faudra pouviez vouliez pourrez pourriez "
    "souhaitez dois doit devez désirez préférez": (
        r"(?:(?<!savoir )(?<!voir )(?<!demander )si|quand|comme|qu'est ce que|(?<!\best ce )que|où) (?:je|tu|on|nous"
        r"|vous|il|elle)"
        r" (?:le )?\w+|(?:combien|quel\w*) .*(?:dois|doit|veux|voulez)|(?:en|le|la|les) (?:veux|veut)|se peut"
        r"|c'est (?:exactement |bien )?ce que \w+ \w+|^(?:(?:oui|si) )+je peux"
    ),
    # ce que je voudrais · comme je voulais
    "voudrais voudrait voudrions voulais voulait aimerais aimerait aimerions souhaite souhaiterais "
    "souhaiterait souhaitons pourrais devrais préférerais cherche recherche voulions aurais serait sera "
    "serais": (
        r"(?:(?<!\best )ce que|comme|qu'est ce que) \w+ \w+|(?<!\best )ce qu'\w+ \w+|(?:oui|non) j'aimerais"
        r"|c'est (?:exactement |bien )?ce que \w+ \w+"
    ),
    # ça va · j'y vais · je m'en vais · où je vais
    "vais va vont": r"ça va|(?:y|en) (?:vais|va|vont)|(?:comment|où)\b.* (?:vais|va|vont)",
    # que faites-vous, quand ouvrez-vous, où êtes-vous, chez vous, rendez-vous; not: pouvez-vous, est-ce que vous
    "vous": (
        r"(?:à|avec|avant|après|chez|contre|de|entre|et|ou|par|pour|sans|sur|vers|selon|merci|rendez|c'est|comme"
        r"|rien) vous"
        rf"|(?:{ASKING}|que|qu'\w+)\b.* (?!avez|pouvez|voulez|devez|êtes|allez|aurez|pourrez|je|que|auriez"
        rf"|pourriez)\w+ez vous"
        r"|(?:que|qu'en|quoi|comment) (?:faites|voulez|dites|pensez) vous|(?:où|qui) êtes vous|(?:comment"
        r"|où) allez vous"
        r"|(?:dépêchez|débrouillez|asseyez|rappelez|trompez|arrangez) vous|que (?:pouvez|devez|voulez) vous faire"
        r"|(?:de|est|appelez|rappelle|dois|remercie|attends|écoute|rappellerai|entends|comprends) vous"
    ),
    "nous": r"(?:à|avec|chez|contre|de|entre|et|par|pour|sans|sur|c'est|que) nous|(?:appelez|rappelez|dites) nous",
    "je tu j": r"(?:où|qui) (?:suis|es) (?:je|tu)|(?:sais|dis) (?:je|tu)",
    # quelle heure est-il · où est-elle · combien coûte-t-il · avec elle; not: y a-t-il
    "il elle on ils elles": (
        rf"(?:{ASKING}|que|qu'\w+)\b.*(?:(?<!comment )(?<!pourquoi )(?<!quand )est|sont|coûte\w*|arrive\w*|ferme"
        rf"|ouvre|dure|commence|vient|vont|va|finit"
        r"|marche\w*|passe|part|fait|fonctionne\w*) (?:t )?(?:il|elle|on|ils|elles)|(?:combien|qu'y) .*a t (?:il|elle)"
        r"|qu'y a t il|quel âge a t (?:il|elle)|(?:c'est|à|avec|pour|chez|par|sans|et|d'|comme) ?(?:elles?"
        r"|ils)(?<!et ils)|dit (?:il|elle|on)"
    ),
    "me te se m n t s": r"(?:(?<!\S)[b-z]|lettre) \w",
    "l d c": r"(?:(?<!\S)[a-z]|lettre) \w|^c",
    # allez-y
    "y": r"(?:allez|vas|allons|pensez|\b[a-z]) y",
    "lui": r"(?:à|avec|chez|pour|par|sans|c'est|et|de|dites|comme|donnez|parlez) lui",
    # c'est qui · avec qui · je ne sais pas qui; not: une commande qui
    "qui": r"(?:c'est|est|êtes|sont|à|de|avec|pour|chez|par|importe|sais|savoir|pas|voir) qui|^qui",
}
"""Last words after which a sentence is mostly not complete. Each group of words has a pattern: a sentence that ends
with it, and with one of these words, is complete after all. The comments show such complete sentences."""

_CLOSING_WORDS = {
    # je voudrais savoir quand · et quand, but vous ouvrez quand · je ne sais pas où · au cas où
    "quand comment combien où": (
        r"(?:savoir|dire|demander|vérifier|rappeler|expliquer|moi) (?:quand|comment|combien|où)"
        r"|(?:et|mais|sauf|même|surtout|parce que) (?:quand|combien|comment)|(?:là|jour|moment|endroit|et) où"
    ),
    "pourquoi": r"c'est pourquoi",
    # alors · et alors, but à demain alors
    "alors": r"(?:^|^euh |^bon |^oui |^non |^ah |^bah |et |mais |ou |donc )alors",
    "enfin bon": r"(?:^|et |mais |non |ou |alors |euh |oui |donc )(?:enfin|bon)",
    "fait": (
        r"(?:^|^oui |^non |et |mais |donc |parce que |alors |euh )(?:en|au) fait|(?<!combien )(?<!que )(?<!et )ça fait"
    ),
    "sinon surtout notamment": r"(?:^|et |ou |mais |bon )\w+",
    # parce que ça, but c'est ça · avec ça
    "ça": r"(?:^|est ce que |parce que |(?<!plus )(?<!rien )que |si |quand |car |mais |oui |donc )ça",
    # dites-moi, but rappelez-moi
    "moi": (
        r"(?:dites|donnez|expliquez|envoyez|montrez|indiquez|passez|dis|donne|mettez|réservez|laissez) moi"
        r"|(?:mais|si|que|quand) moi|^moi"
    ),
    # je n'ai pas · ce n'est pas, but je ne sais pas · je n'en ai pas
    "pas plus": (
        r"(?:j'ai|n'ai|n'avez|n'avons|n'a|n'est|n'était|n'étais|c'est|je suis|ne suis|n'êtes|n'ont|n'avais|n'aurais"
        r"|ne sont|n'y a"
        r"|il y a|l'ai|l'avez|j'avais) (?:toujours |vraiment |encore )?(?:pas|plus)|(?:combien font|combien fait"
        r"|calculer?) .*plus"
    ),
    "moins fois": r"(?:combien (?:font|fait)|calculer?)\b.* \w+|(?:à|au) moins",
    "être": r"(?:doit|devrait|pourrait|va|vais|voudrais) être",
    # je voudrais faire · je peux faire, but que puis-je faire
    "faire": (
        rf"^(?!.*\b(?:que|quoi|comment|rien)\b)(?!.*qu'est).*(?:{_VERBS_OF_WISH}|vais|peux|peut|pouvez|vous|pour) faire"
    ),
    "devoir pouvoir avoir prendre obtenir parler demander savoir poser connaître signaler déclarer": (
        rf"^(?!.*(?:que|quoi|comment) (?:dois|puis|faut)).*(?:{_VERBS_OF_WISH}|peux|peut|pourrais je|puis je"
        rf"|pouvez vous|besoin de|bien|juste"
        r"|pour|possible (?:de|d')|pourrais|vais|me|vous) ?(?:d'|l')?\w+"
    ),
    "besoin": r"(?<!dont )(?:j'ai|j'aurais|avons|aurions|j'avais|on a) (?:juste |bien |aussi )?besoin",
    # je m'appelle · je vous appelle, but comment je m'appelle
    "appelle m'appelle s'appelle j'appelle rappelle": (
        r"^(?!.*comment).*(?:m'appelle|s'appelle|j'appelle|je vous appelle|(?:je|qui) me rappelle)"
    ),
    "crois pense trouve j'espère suppose imagine": (
        r"(?:^|^euh |et |mais |donc |alors |enfin |bon |parce que )(?:je \w+|j'\w+)"
    ),
    "numéro nom adresse commande téléphone": (
        r"(?:commande|client|dossier|téléphone|c'est le|chambre|table|suivi) numéro|^(?:\w+ )?mon \w+|au nom"
        r"|sous le nom"
    ),
    "dire": (
        r"(?:c'est à|je veux|je voulais|on va|comment) dire|pouvez (?:vous )?me dire|pourriez (?:vous )?me dire"
        r"|peux (?:tu )?me dire"
    ),
    "donner envoyer passer indiquer expliquer confirmer": (
        r"(?:pouvez|pourriez|peux|pourrais|vous|tu) (?:vous |tu )?(?:me|nous|m'|lui) ?\w+|(?:m'envoyer|m'indiquer"
        r"|m'expliquer)"
    ),
    "déjà toujours": r"(?<!je l')(?:ai|avez|a|est|suis|ont|avons|êtes|c'est|j'ai) (?:déjà|toujours)",
    "avant après": r"combien de temps \w+|^(?:et )?(?:avant|après)",
    "possible": r"(?:est ce que c'est|est ce qu'il est|serait il|est il|il serait) possible",
    "docteur madame monsieur": r"(?:le|au|du) docteur|(?:avec|à|pour|je suis|c'est) (?:madame|monsieur)",
    "sujet propos cause partir lieu rapport raison": (
        r"au sujet|à propos|à cause|à partir|au lieu|par rapport|en raison"
    ),
    "aussi plutôt bien juste seulement": (
        rf"(?:{_VERBS_OF_WISH}|j'ai|c'est juste|j'aurais|il faudrait|je suis) (?:aussi|plutôt|juste|seulement)"
        rf"|^(?!(?:(?:oui|ah|bon|moi) )*je (?:veux|voudrais) bien$)(?:.*\b)?{_VERBS_OF_WISH} bien"
        r"|^(?:et |mais |c'est |euh )?(?:juste|seulement)|(?:et|mais|\w+ez moi) aussi"
    ),
    "faudrait faut": r"(?:me |te |il |s'il |qu'il )(?:faudrait|faut)|^faut",
    "rue avenue boulevard place allée impasse chemin": (
        r"(?:\d+|\d+ bis|\d+ ter|^|j'habite|habite|c'est|est|dans la|au) (?:rue|avenue|boulevard|allée|impasse|chemin"
        r"|place)"
    ),
    "point": r"(?<!\bun)(?<!\ble)(?<!\bquel)(?<!\bau)(?<!\bce)(?<!^) point",
    "contre": r"par contre",
    "genre style": r"^(?:\w+ )?(?:genre|style)",
    # il y a deux · depuis deux are numbers
    "rappeler joindre": r"(?:pouvez vous|pouvez|pourriez vous) (?:nous|lui) \w+",
    "voilà": r"(?:euh|et|alors|ben|donc) voilà",
}
"""Last words with which a sentence is mostly complete. Each group of words has a pattern: a sentence that ends with it,
and with one of these words, is not complete. The comments show such incomplete sentences, and after "but" complete
ones."""

UNFINISHED = re.compile(
    # mon mari · est-ce que le docteur
    rf"^(?:{OPENING} )*(?:mon|ma|mes) \w+$|\best ce que (?:le|la|les|mon|ma|mes|votre|vos|notre|ce|cette) \w+$"
)
MORE_FIGURES = re.compile(
    # matches: d a n · numéro un; not: à 10 h
    r"(?:.*\b)?(?:numéro|ligne|chambre|table) une?$|(?!.*\d h$)(?:.* )?(?:[bf-hj-kp-rv-xz]|[a-xz] [a-z])$"
)
_ELIDED = "c' d' j' l' m' n' s' t' qu' jusqu' lorsqu' puisqu' quoiqu'"
OPEN_ENDINGS = last_words(_OPEN_WORDS, _CLOSING_WORDS)
OPEN_ENDINGS = {
    elided + word: pattern
    for word, pattern in OPEN_ENDINGS.items()
    if word[0] in "aàeéêiouy" and "'" not in word
    for elided in _ELIDED.split()
} | OPEN_ENDINGS
"""Also with what is written before a vowel: "qu'il" is as open as "il"."""
