"""What callers of a front desk say in Spanish, with the pauses that people make inside sentences. The notation is that
of `corpus.py`.
"""

ASKED = {"?": "¿Puedo ayudarle en algo más?", "#": "¿Cuál es su número de pedido?"}
"""What the agent said before the utterance, by the mark at the beginning of the line."""

LINES = """
    quisiera {open} saber dónde está mi pedido
    me puede decir {open} si abren el domingo?
    cuáles son sus {open} horarios
    a qué hora cierran el {open} viernes
    puede {open} llamarme mañana?
    quisiera reservar una mesa para {open} esta noche
    está mi {open} pedido listo?
    llamo por {open} mi pedido
    podría hablar con {open} una persona?
    estoy buscando {open} un regalo para mi madre
    necesito una {open} cita
    no he {open} recibido el paquete
    mi hija tiene {open} fiebre desde ayer
    hay {open} un problema con la factura
    tienen {open} mesa en la terraza?
    tengo que {open} cancelar mi cita
    quiero {open} cambiar la reserva
    eh {um} dónde está mi pedido
    quisiera eh {um} cancelar mi cita
    abren a eh {um} qué hora
    mi número de pedido es eh {um} cuatro dos siete uno
    este {um} quería modificar mi reserva
    pues {um} es para esta noche
    puede eh {um} repetirlo por favor?
    llamo porque {and} mi pedido no ha llegado
    quiero cancelar mi cita y {and} pedir otra para el martes
    llámeme el lunes o {and} el martes por la mañana
    dónde está mi pedido y {and} cuándo llega
    quiero una mesa pero {and} no en la terraza
    abren el sábado y {and} el domingo?
    el jueves no puedo así que {and} prefiero el viernes
    mi número de pedido es el {number} cuatro dos siete uno
    # cuatro dos {number} siete uno
    # es el ocho {number} uno {number} cero {number} cinco
    # cuarenta y dos {number} setenta y uno
    mi teléfono es el seis tres nueve {number} doce {number} treinta y cuatro {number} cincuenta y seis
    llámeme mañana a las {number} diez
    ? mañana a las {number} cuatro y media
    es para {number} cuatro personas
    # nueve {number} uno {number} cuatro {number} dos
    me llamo {name} Ana García
    hola me llamo {name} Pedro
    ? soy {name} María López
    a nombre de {name} Martín
    soy {name} Tomás y {and} tengo una pregunta sobre mi pedido
    tengo una pregunta {clause} dónde está mi pedido
    hola me puede ayudar? {clause} no he recibido el paquete
    quiero cancelar mi cita {clause} del lunes
    llámeme mañana {clause} a las diez
    mi pedido no ha llegado {clause} puede comprobarlo?
    quisiera una mesa {clause} para cuatro personas {clause} el sábado por la noche
    están abiertos {clause} el domingo?
    no gracias {clause} eso es todo
    sí {clause} llámeme por favor
    # sí {clause} mi número es el {number} cuatro dos siete uno
    gracias {clause} puede repetirlo?
    dónde está la tienda {clause} y a qué hora abren

    dónde está mi pedido
    a qué hora abren el lunes
    me puede llamar mañana a las tres?
    mi número de pedido es el cuatro dos siete uno
    # tres cinco nueve dos
    cuáles son sus horarios
    están abiertos el domingo?
    hola me puede ayudar?
    muchas gracias
    adiós
    ? sí por favor
    ? sí
    ? no gracias
    me llamo Ana
    quisiera cancelar mi cita
    qué hora es
    puede repetirlo por favor?
    usted es un robot?
    cuánto cuesta
    quiero hablar con una persona
    ? mañana a las diez
    cuándo llega mi pedido
    mi hija tiene fiebre
    no sé
    dónde están ustedes
"""
