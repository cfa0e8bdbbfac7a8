"""Do calls survive lost connections, strangers, malformed offers and clients that behave badly?"""
