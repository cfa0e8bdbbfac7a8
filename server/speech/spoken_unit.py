"""Units after numbers, in words: voices spell "5 km" as "five k m".

A letter that is attached to a number may be something else than a unit ("5m users", "the 90s", "4g"), so it counts only
where people write it as one.
"""

import re
from functools import partial

_UNITS = {
    "km/h": r"[kK]m/h|kmh|km/u",
    "km²": r"[kK]m²",
    "m/s": r"m/s",
    "m²": r"m²",
    "m³": r"m³",
    "km": r"[kK]m|KM",
    "cm": r"cm",
    "mm": r"mm",
    "kg": r"[kK]g|KG",
    "mg": r"mg",
    "ml": r"m[lL]",
    "mph": r"mph",
    "°C": r"°\s?C",
    "°F": r"°\s?F",
    "kWh": r"kWh",
    "kW": r"kW",
    "GB": r"GB",
    "MB": r"MB",
    "min": r"min",
    "ft": r"ft",
    "lb": r"lbs?",
    "oz": r"oz",
    "m": r"m",
    "g": r"g",
    "l": r"[lL]",
    "h": r"h",
    "s": r"s",
}
"""How units are written, the longest first."""
_SAID = {
    "en": """km/h: kilometer per hour|kilometers per hour; km²: square kilometer|square kilometers;
        m/s: meter per second|meters per second; m²: square meter|square meters; m³: cubic meter|cubic meters;
        km: kilometer|kilometers; cm: centimeter|centimeters; mm: millimeter|millimeters; kg: kilogram|kilograms;
        mg: milligram|milligrams; ml: milliliter|milliliters; mph: mile per hour|miles per hour;
        °C: degree Celsius|degrees Celsius; °F: degree Fahrenheit|degrees Fahrenheit;
        kWh: kilowatt hour|kilowatt hours; kW: kilowatt|kilowatts; GB: gigabyte|gigabytes; MB: megabyte|megabytes;
        min: minute|minutes; ft: foot|feet; lb: pound|pounds; oz: ounce|ounces; m: meter|meters; g: gram|grams;
        l: liter|liters; h: hour|hours; s: second|seconds""",
    "de": """km/h: ein Kilometer pro Stunde|Kilometer pro Stunde; km²: ein Quadratkilometer|Quadratkilometer;
        m/s: ein Meter pro Sekunde|Meter pro Sekunde; m²: ein Quadratmeter|Quadratmeter;
        m³: ein Kubikmeter|Kubikmeter; km: ein Kilometer|Kilometer; cm: ein Zentimeter|Zentimeter;
        mm: ein Millimeter|Millimeter; kg: ein Kilogramm|Kilogramm; mg: ein Milligramm|Milligramm;
        ml: ein Milliliter|Milliliter; mph: eine Meile pro Stunde|Meilen pro Stunde; °C: ein Grad Celsius|Grad Celsius;
        °F: ein Grad Fahrenheit|Grad Fahrenheit; kWh: eine Kilowattstunde|Kilowattstunden; kW: ein Kilowatt|Kilowatt;
        GB: ein Gigabyte|Gigabyte; MB: ein Megabyte|Megabyte; min: eine Minute|Minuten; ft: ein Fuß|Fuß;
        lb: ein Pfund|Pfund; oz: eine Unze|Unzen; m: ein Meter|Meter; g: ein Gramm|Gramm; l: ein Liter|Liter;
        h: eine Stunde|Stunden; s: eine Sekunde|Sekunden""",
    "fr": """km/h: un kilomètre à l'heure|kilomètres à l'heure; km²: un kilomètre carré|kilomètres carrés;
        m/s: un mètre par seconde|mètres par seconde; m²: un mètre carré|mètres carrés; m³: un mètre cube|mètres cubes;
        km: un kilomètre|kilomètres; cm: un centimètre|centimètres; mm: un millimètre|millimètres;
        kg: un kilogramme|kilogrammes; mg: un milligramme|milligrammes; ml: un millilitre|millilitres;
        mph: un mile à l'heure|miles à l'heure; °C: un degré Celsius|degrés Celsius;
        °F: un degré Fahrenheit|degrés Fahrenheit; kWh: un kilowattheure|kilowattheures; kW: un kilowatt|kilowatts;
        GB: un gigaoctet|gigaoctets; MB: un mégaoctet|mégaoctets; min: une minute|minutes; ft: un pied|pieds;
        lb: une livre|livres; oz: une once|onces; m: un mètre|mètres; g: un gramme|grammes; l: un litre|litres;
        h: une heure|heures; s: une seconde|secondes""",
    "es": """km/h: un kilómetro por hora|kilómetros por hora; km²: un kilómetro cuadrado|kilómetros cuadrados;
        m/s: un metro por segundo|metros por segundo; m²: un metro cuadrado|metros cuadrados;
        m³: un metro cúbico|metros cúbicos; km: un kilómetro|kilómetros; cm: un centímetro|centímetros;
        mm: un milímetro|milímetros; kg: un kilogramo|kilogramos; mg: un miligramo|miligramos;
        ml: un mililitro|mililitros; mph: una milla por hora|millas por hora; °C: un grado Celsius|grados Celsius;
        °F: un grado Fahrenheit|grados Fahrenheit; kWh: un kilovatio hora|kilovatios hora; kW: un kilovatio|kilovatios;
        GB: un gigabyte|gigabytes; MB: un megabyte|megabytes; min: un minuto|minutos; ft: un pie|pies;
        lb: una libra|libras; oz: una onza|onzas; m: un metro|metros; g: un gramo|gramos; l: un litro|litros;
        h: una hora|horas; s: un segundo|segundos""",
    "it": """km/h: un chilometro all'ora|chilometri all'ora; km²: un chilometro quadrato|chilometri quadrati;
        m/s: un metro al secondo|metri al secondo; m²: un metro quadrato|metri quadrati; m³: un metro cubo|metri cubi;
        km: un chilometro|chilometri; cm: un centimetro|centimetri; mm: un millimetro|millimetri;
        kg: un chilo|chili; mg: un milligrammo|milligrammi; ml: un millilitro|millilitri;
        mph: un miglio all'ora|miglia all'ora; °C: un grado Celsius|gradi Celsius;
        °F: un grado Fahrenheit|gradi Fahrenheit; kWh: un chilowattora|chilowattora; kW: un chilowatt|chilowatt;
        GB: un gigabyte|gigabyte; MB: un megabyte|megabyte; min: un minuto|minuti; ft: un piede|piedi;
        lb: una libbra|libbre; oz: un'oncia|once; m: un metro|metri; g: un grammo|grammi; l: un litro|litri;
        h: un'ora|ore; s: un secondo|secondi""",
    "nl": """km/h: een kilometer per uur|kilometer per uur; km²: een vierkante kilometer|vierkante kilometer;
        m/s: een meter per seconde|meter per seconde; m²: een vierkante meter|vierkante meter;
        m³: een kubieke meter|kubieke meter; km: een kilometer|kilometer; cm: een centimeter|centimeter;
        mm: een millimeter|millimeter; kg: een kilo|kilo; mg: een milligram|milligram; ml: een milliliter|milliliter;
        mph: een mijl per uur|mijl per uur; °C: een graad Celsius|graden Celsius;
        °F: een graad Fahrenheit|graden Fahrenheit; kWh: een kilowattuur|kilowattuur; kW: een kilowatt|kilowatt;
        GB: een gigabyte|gigabyte; MB: een megabyte|megabyte; min: een minuut|minuten; ft: een voet|voet;
        lb: een pond|pond; oz: een ounce|ounce; m: een meter|meter; g: een gram|gram; l: een liter|liter;
        h: een uur|uur; s: een seconde|seconden""",
    "pt": """km/h: um quilómetro por hora|quilómetros por hora; km²: um quilómetro quadrado|quilómetros quadrados;
        m/s: um metro por segundo|metros por segundo; m²: um metro quadrado|metros quadrados;
        m³: um metro cúbico|metros cúbicos; km: um quilómetro|quilómetros; cm: um centímetro|centímetros;
        mm: um milímetro|milímetros; kg: um quilo|quilos; mg: um miligrama|miligramas; ml: um mililitro|mililitros;
        mph: uma milha por hora|milhas por hora; °C: um grau Celsius|graus Celsius;
        °F: um grau Fahrenheit|graus Fahrenheit; kWh: um quilowatt-hora|quilowatts-hora; kW: um quilowatt|quilowatts;
        GB: um gigabyte|gigabytes; MB: um megabyte|megabytes; min: um minuto|minutos; ft: um pé|pés;
        lb: uma libra|libras; oz: uma onça|onças; m: um metro|metros; g: um grama|gramas; l: um litro|litros;
        h: uma hora|horas; s: um segundo|segundos""",
}
"""Of each unit: how one of it is said, and how several are said after their number. In English "1" stays before it."""
_WORDS = {
    language: {
        unit.strip(): (words.split("|")[0].strip(), words.split("|")[1].strip())
        for unit, words in (entry.split(":", 1) for entry in " ".join(table.split()).split(";"))
    }
    for language, table in _SAID.items()
}
_NUMBER = r"(?<![\w.,:/$€£#])(?<![$€£] )(?<![^\W\d]-)(?P<number>\d+(?:[.,]\d+)*)"
_WRITTEN = "|".join(f"(?P<u{place}>{written})" for place, written in enumerate(_UNITS.values()))
_MEASURE = re.compile(rf"{_NUMBER}(?P<gap>\s?)(?:{_WRITTEN})(?![\w²³/°@'’-]|\.\w|\s?[$€£])")
_FEET_AND_INCHES = re.compile(r"(?<![\w.,])(\d+)\s?ft\.?\s(\d+)\s?in\b(?!\s\d)")
_INCHES = re.compile(r"(?<![\w.,])(\d+(?:\.\d+)?)\s?in(?=\s(?:tall|long|wide|high|deep|thick|across)\b)")
_ATTACHED_TO = {
    "m": ("de", "fr", "es", "it", "nl", "pt"),
    "s": (),
    "h": ("en", "fr", "es", "it", "nl", "pt"),
}
"""The languages in which these letters are a unit also without a space before them; others are so in all."""
_GENERATIONS = ("2", "3", "4", "5", "6")
"""Of mobile networks: "4g"."""


def units_spoken(text: str, language: str) -> str:
    """`text` with the units after its numbers in words of `language`, one of those of this file."""
    if language == "en":
        text = _INCHES.sub(r"\1 inches", _FEET_AND_INCHES.sub(r"\1 feet \2 inches", text))
    return _MEASURE.sub(partial(_said, language), text)


def _said(language: str, found: re.Match[str]) -> str:
    place = next(place for place in range(len(_UNITS)) if found[f"u{place}"])
    unit, number = list(_UNITS)[place], found["number"]
    attached = not found["gap"]
    if attached and (language not in _ATTACHED_TO.get(unit, _WORDS) or (unit == "g" and number in _GENERATIONS)):
        return found.group()
    one, many = _WORDS[language][unit]
    ends_range = found.string[: found.start()].endswith(("-", "–", "- ", "– "))
    if number != "1" or ends_range:
        return f"{number} {many}"
    return f"1 {one}" if language == "en" else one
