"""What callers of a front desk say in French, with the pauses that people make inside sentences. The notation is that
of `corpus.py`.
"""

ASKED = {"?": "Puis-je faire autre chose pour vous ?", "#": "Quel est votre numéro de commande ?"}
"""What the agent said before the utterance, by the mark at the beginning of the line."""

LINES = """
    je voudrais {open} savoir où est ma commande
    pouvez-vous me dire {open} si vous êtes ouverts dimanche?
    à quelle heure est-ce que {open} vous fermez
    quels sont vos {open} horaires d'ouverture
    est-ce que vous pouvez {open} me rappeler demain?
    je voudrais réserver une table pour {open} ce soir
    est-ce que ma {open} commande est prête?
    je vous appelle pour {open} ma commande
    est-ce que je pourrais parler à {open} quelqu'un?
    je cherche {open} un cadeau pour ma mère
    j'ai besoin d'un {open} rendez-vous
    je n'ai pas {open} reçu mon colis
    ma fille a {open} de la fièvre depuis hier
    il y a {open} un problème avec ma facture
    vous avez {open} une table en terrasse?
    je ne peux pas venir à {open} mon rendez-vous
    euh {um} où est ma commande
    je voudrais euh {um} annuler mon rendez-vous
    vous ouvrez à euh {um} quelle heure
    mon numéro c'est euh {um} quatre deux sept un
    alors {um} je voudrais modifier ma réservation
    ben {um} c'est pour ce soir
    pouvez-vous euh {um} répéter s'il vous plaît?
    j'appelle parce que {and} ma commande n'est pas arrivée
    je voudrais annuler mon rendez-vous et {and} en prendre un autre mardi
    rappelez-moi lundi ou {and} mardi matin
    où est ma commande et {and} quand est-ce qu'elle arrive
    je voudrais une table mais {and} pas dehors
    vous êtes ouverts samedi et {and} dimanche?
    je ne suis pas libre jeudi donc {and} je préfère vendredi
    mon numéro de commande est le {number} quatre deux sept un
    # quatre deux {number} sept un
    # c'est le huit {number} un {number} zéro {number} cinq
    # quarante-deux {number} soixante et onze
    mon numéro de téléphone est le zéro six {number} douze {number} trente-quatre {number} quatre-vingt-dix
    rappelez-moi demain à {number} dix heures
    ? demain à {number} seize heures trente
    c'est pour {number} quatre personnes
    # neuf {number} un {number} quatre {number} deux
    je m'appelle {name} Sophie Martin
    bonjour je m'appelle {name} Pierre
    ? c'est {name} Marie Dupont
    au nom de {name} Lambert
    je suis {name} Thomas et {and} j'ai une question sur ma commande
    j'ai une question {clause} où est ma commande
    bonjour pouvez-vous m'aider? {clause} je n'ai pas reçu mon colis
    je voudrais annuler mon rendez-vous {clause} de lundi
    rappelez-moi demain {clause} à dix heures
    ma commande n'est pas arrivée {clause} est-ce que vous pouvez vérifier?
    je voudrais une table {clause} pour quatre personnes {clause} samedi soir
    vous êtes ouverts {clause} le dimanche?
    non merci {clause} c'est tout
    oui {clause} rappelez-moi s'il vous plaît
    # oui {clause} mon numéro est le {number} quatre deux sept un
    merci {clause} pouvez-vous répéter?
    où se trouve le magasin {clause} et à quelle heure ouvrez-vous

    où est ma commande
    à quelle heure ouvrez-vous lundi
    pouvez-vous me rappeler demain à quinze heures?
    mon numéro de commande est le quatre deux sept un
    # trois cinq neuf deux
    quels sont vos horaires d'ouverture
    est-ce que vous êtes ouverts dimanche?
    bonjour pouvez-vous m'aider?
    merci beaucoup
    au revoir
    ? oui s'il vous plaît
    ? oui
    ? non merci
    je m'appelle Anna
    je voudrais annuler mon rendez-vous
    quelle heure est-il
    pouvez-vous répéter s'il vous plaît?
    vous êtes un robot?
    c'est combien
    vous ouvrez quand
    je voudrais parler à un conseiller
    ? demain à dix heures
    quand est-ce que ma commande arrive
    ma fille a de la fièvre
    je ne sais pas
"""
