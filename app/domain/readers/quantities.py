"""Reads one written number, with its sign, currency, unit and separators, as a Decimal, or says that it is none.

Written is a number alone: a currency or "x =" may stand before it and up to four words of unit after it. Words that
make it another number are counted in (5 million) or refused (5 and a half, 5 or 6, not 5), never overlooked.
"""

import re
import unicodedata
from decimal import Context, Decimal

from app.domain.answerspace import Numbers
from app.domain.readers.readings import Unreadable, quoted

_LONGEST = 200
_LARGEST_POWER = 400
_EXACT = Context(prec=1_000, Emax=100_000, Emin=-100_000)

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_RAISED_UNIT = re.compile("(?<=[^\\W\\d_])[²³](?![⁰¹²³⁴⁵⁶⁷⁸⁹])")
_POWER = re.compile("(?<=10)[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_MARKUP = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\{([^{}]*)\}|\\(?=[$%])|(?<!\d)\*\*|\*\*(?!\d)")
_THIN = re.compile(r"\\[,;! ]|\{,\}")
_AROUND = '\ufeff\u200b \t\r\n"“”«»„`*_'
_MINUS = str.maketrans("−–‒﹣", "----")
_BLANK = "[ \u00a0\u2009\u202f'’_]"

_CURRENCY = r"(?:US\$|A\$|C\$|[$€£¥₽₹₴₸₩₺]|USD|EUR|GBP|RUB|JPY|CNY|CHF)"
_BEFORE = rf"(?:[a-z]\s?=\s?|[=≈~]\s?)?(?P<sign>[-+])?(?:{_CURRENCY}\s{{0,3}})?(?P<inner>[-+])?"
_DIGITS = (
    r"(?:(?P<power>10\^[-+]?[0-9]{1,4})"
    rf"|(?P<spaced>[0-9]{{1,3}}(?P<blank>{_BLANK})[0-9]{{3}}(?:(?P=blank)[0-9]{{3}})*(?:[.,][0-9]+)?)(?![0-9.,])"
    r"|(?P<commas>[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?)(?![0-9.,])"
    r"|(?P<points>[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?)(?![0-9.,])"
    r"|(?P<plain>[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)(?![0-9.,]))"
)
_TIMES_TEN = r"(?:(?:e|\s?[x×*·⋅]\s?10\s?(?:\^|\*\*)\s?\{?)(?P<exponent>[-+]?[0-9]{1,4})\}?)?"
_UNIT = (
    r"(?P<unit>(?:\s{0,6}(?:[%$€£¥₽₹₴₸₩₺°]|(?<![^\W\d_])(?<![-/.'’])[^\W\d_]+(?:[-/.'’][^\W\d_]+)*\.?)){0,4})\s{0,3}"
)
_WRITTEN = re.compile(rf"{_BEFORE}{_DIGITS}{_TIMES_TEN}{_UNIT}", re.IGNORECASE)

_MULTIPLES = (
    (("hundred", "сотня", "сотни", "сотен"), 2),
    (("thousand", "thousands", "тыс", "тыщ", "тысяча", "тысячи", "тысяч"), 3),
    (("million", "millions", "mln", "млн", "миллион", "миллиона", "миллионов"), 6),
    (("billion", "billions", "bln", "млрд", "миллиард", "миллиарда", "миллиардов"), 9),
    (("trillion", "trillions", "трлн", "триллион", "триллиона", "триллионов"), 12),
)
_POWERS = {word: power for words, power in _MULTIPLES for word in words}
_PERCENT = frozenset({"%", "percent", "процент", "процента", "процентов", "pct"})
_OTHER_WORDS = """
    and or not no nor but wrong incorrect instead unless if plus minus to than over under below above about by into
    half halves third thirds quarter quarters fifth fifths tenth tenths hundredth hundredths thousandth thousandths
    dozen dozens score pair pairs squared cubed zero one two three four five six seven eight nine ten eleven twelve
    twenty thirty forty fifty sixty seventy eighty ninety infinity maybe perhaps k b bn mn e x
    tausend millionen milliarde milliarden mille millones mil lakh lakhs crore crores
    и или не нет но неверно плюс минус до чем пол половина половины половиной треть трети четверть четверти десятых
    сотых тысячных дюжина дюжины дюжин пара пары пар ноль один два три четыре пять шесть семь восемь девять десять
    возможно наверное к х
"""
_TELLING = frozenset(_OTHER_WORDS.split())


def the_number(text: str, options: Numbers) -> Decimal:
    """The number that the whole text is. Raises Unreadable."""
    plain = _plain(text)
    found = _WRITTEN.fullmatch(plain) if len(plain) <= _LONGEST else None
    if found is None or (found["sign"] and found["inner"]):
        raise Unreadable(f"{quoted(text)} is not one number")
    power, share = _of_unit(found["unit"], options, text)
    power += int(found["exponent"] or 0)
    if abs(power) > _LARGEST_POWER:
        raise Unreadable("the number's power of ten is too large")
    sign = "-" if "-" in (found["sign"] or "") + (found["inner"] or "") else ""
    number = Decimal(sign + _digits(found, options)).scaleb(power - 2 * share, _EXACT)
    return bounded(number)


def bounded(number: Decimal) -> Decimal:
    """The same number. Raises Unreadable when it is none, or so large or small that it can be no answer."""
    if not number.is_finite() or (number and abs(number.adjusted()) > _LARGEST_POWER):
        raise Unreadable("the number is too large or too small")
    return number


def same(number: Decimal, reference: Decimal, options: Numbers) -> bool:
    """Whether they differ by no more than the tolerance; reckoned exactly."""
    allowed = Decimal(options.tolerance)
    if options.relative:
        allowed = _EXACT.multiply(allowed, abs(reference))
    return number == reference or abs(_EXACT.subtract(number, reference)) <= allowed


def written_plainly(number: Decimal) -> str:
    """The shortest way to write it, without a power of ten where that is not long."""
    if number == 0:
        return "0"
    short = number.normalize(_EXACT)
    return f"{short:f}" if abs(short.adjusted()) < 30 else str(short)


def _plain(text: str) -> str:
    """The text with digits of every width as 0-9, and without mark-up, blanks and points around it.

    Raises Unreadable where a character would change its meaning by that, as raised digits do.
    """
    if len(text) > 10 * _LONGEST:
        raise Unreadable(f"{quoted(text)} is not one number")
    if not text.isascii():
        text = _RAISED_UNIT.sub("", text)
        text = _POWER.sub(lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text)
        if any(unicodedata.category(character) in ("No", "Nl") for character in text):
            raise Unreadable(f"{quoted(text)} holds raised digits or a fraction")
        text = unicodedata.normalize("NFKC", text).translate(_MINUS)
        if any(character.isnumeric() and not character.isascii() for character in text):
            raise Unreadable(f"{quoted(text)} holds other digits than 0 to 9")
    text = _THIN.sub(lambda found: "," if found[0] == "{,}" else " ", text)
    return _unwrapped(_MARKUP.sub(lambda found: f"  {found[1] or ''}", text))


def _unwrapped(text: str) -> str:
    """Without blanks, quotes and mark-up around it and a point at its end."""
    text = text.strip(_AROUND)
    text = text.removesuffix(".").removesuffix("!").rstrip(_AROUND)
    if text[:2] in ("\\(", "\\[") and text[-2:] in ("\\)", "\\]"):
        text = text[2:-2]
    return text.strip(_AROUND)


def _digits(found: "re.Match[str]", options: Numbers) -> str:
    """The digits with a point as decimal mark and nothing between thousands, or a power of ten as 1E+n."""
    if found["power"]:
        if abs(int(found["power"][3:])) > _LARGEST_POWER or found["exponent"]:
            raise Unreadable("the number's power of ten is too large")
        return "1E" + found["power"][3:]
    for name, group, decimal in (("commas", ",", "."), ("points", ".", ",")):
        if text := found[name]:
            return _grouped(text, group, decimal, options)
    spaced = re.sub(_BLANK, "", found["spaced"] or found["plain"])
    return spaced.replace(",", ".")


def _grouped(text: str, group: str, decimal: str, options: Numbers) -> str:
    """One mark and three digits can be thousands or decimals: the options decide, but 0,125 can only be decimals."""
    both_ways = text.count(group) == 1 and decimal not in text
    if both_ways and (text.startswith("0") or (group == ",") == options.comma):
        return text.replace(group, ".")
    return text.replace(group, "").replace(decimal, ".")


def _of_unit(unit: str, options: Numbers, text: str) -> tuple[int, bool]:
    """(power of ten that the words after the number stand for, whether it is a share in percent)."""
    words = [word.rstrip(".") for word in re.findall(r"[%$€£¥₽₹₴₸₩₺°]|[^\s%$€£¥₽₹₴₸₩₺°]+", unit.casefold())]
    power = 0
    while words and words[0] in _POWERS:
        power += _POWERS[words.pop(0)]
    if re.search(r"\bM\b|(?<=[0-9])M\b", unit) or (words[:1] == ["m"] and re.search("[$€£¥₽]", text)):
        raise Unreadable(f"{quoted(text)} can mean millions")
    parts = {part for word in words for part in re.split(r"[-/'’.]", word)}
    if parts & _TELLING or parts & _POWERS.keys():
        raise Unreadable(f"{quoted(text)} is more than a number and its unit")
    return power, options.percent_as_share and bool(_PERCENT & set(words))
