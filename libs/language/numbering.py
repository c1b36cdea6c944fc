"""Phones, references, wards and times: what people write with digits.

Each finder blanks out what it took, so that a reference is never read again as a phone.
Every pattern has a bounded reach; none can backtrack over more than a few characters.
"""

import re
from collections.abc import Iterator

_GAP = r"[\s.()\u2010-\u2015-]{0,3}"
_COUNTRY = rf"(?:\(?(?:\+|00)?977\)?{_GAP})"
_PHONE = re.compile(
    rf"(?<![\w+])(?:{_COUNTRY}?\(?0?9{_GAP}[678](?:{_GAP}\d){{8}}"
    rf"|(?:{_COUNTRY}\(?0?|\(?0)(?:1{_GAP}[4-6]\d\d{_GAP}\d{{4}}|[2-9]\d{_GAP}\d{{3}}{_GAP}\d{{3}}))"
    r"(?!\d)"
)
_REFERENCE = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"GRV[-\s]\d{4}[-\s](?=[A-Z0-9]*\d)[A-Z0-9]{6}[-\s]\d"
    r"|(?:GRV|GRM|GR|HS|CL|TKT)(?:-?\d{1,8}|\s\d{3,8}|(?:-[A-Z]{2,4}){1,3}-\d{1,8})"
    r"(?:-[A-Z0-9]{1,8}){0,5}"
    r")(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_WARD_WORD = r"(?:wards?|wada|woda|oda|वडा)"
_NUMBER_WORD = r"(?:no\.?|nos\.?|number|num|nambar|नं\.?|नम्बर|न\.)"
_WARD_AFTER = re.compile(
    rf"(?<![A-Za-z]){_WARD_WORD}(?:\s|-|:|को|मा)?\s?{_NUMBER_WORD}?\s{{0,2}}[:.-]?\s?"
    r"(\d{1,2}(?:\s{0,2}(?:,|&|and|र|ra|to)\s{0,2}\d{1,2}){0,8})(?!\d)",
    re.IGNORECASE,
)
_WARD_BEFORE = re.compile(
    rf"(?<![\d/.-])(\d{{1,2}})\s?(?:st|nd|rd|th|औं)?\s?{_NUMBER_WORD}?\s?(?:ward|wada|woda|वडा)(?!s)",
    re.IGNORECASE,
)
_LAST_WARD = 33
_BS_MONTH = (
    "बैशाख|वैशाख|जेठ|जेष्ठ|ज्येष्ठ|असार|आषाढ|साउन|श्रावण|भदौ|भाद्र|असोज|आश्विन|कार्तिक|कात्तिक|मंसिर|मङ्सिर|"
    "मार्ग|पुस|पुष|पौष|माघ|फागुन|फाल्गुन|फाल्गुण|चैत्र|चैत|baisakh|baishakh|jestha|jeth|asadh|ashadh|asar|"
    "shrawan|saun|bhadra|bhadau|ashwin|asoj|kartik|mangsir|poush|paush|push|magh|falgun|fagun|phagun|"
    "chaitra|chait"
)
_AD_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    "oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|जनवरी|फेब्रुअरी|मार्च|अप्रिल|जुन|जुलाई|अगस्ट|सेप्टेम्बर|"
    "अक्टोबर|नोभेम्बर|डिसेम्बर"
)
_COUNT = (
    r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|several|few|many|ek|dui|tin|"
    r"teen|char|paanch|panch|chha|saat|sat|aath|nau|das|एक|दुई|तीन|तिन|चार|पाँच|पांच|छ|सात|आठ|नौ|दस|दश)"
)
_UNIT = (
    r"(?:days?|weeks?|months?|years?|nights?|din|hapta|mahina|maina|barsa|barsha|varsa|"
    r"दिन|हप्ता|महिना|वर्ष|बर्ष|साता)"
)
_WEEKDAY = (
    "sunday|monday|tuesday|wednesday|thursday|friday|saturday|आइतबार|सोमबार|मंगलबार|मङ्गलबार|बुधबार|"
    "बिहिबार|बिहीबार|शुक्रबार|शनिबार|aaitabar|sombar|mangalbar|budhabar|bihibar|sukrabar|sanibar"
)
_TIME = re.compile(
    r"(?<![\w/.-])(?:"
    r"(?:20|19)\d\d[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](?:20|19)\d\d"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\s{{0,2}}(?:गते\s|gate\s|of\s)?(?:{_BS_MONTH}|{_AD_MONTH})"
    r"(?![a-z])(?:,?\s{0,2}(?:20|19)\d\d)?"
    rf"|(?:(?:20|19)\d\d\s{{0,2}}(?:साल\s|sal\s)?)?(?:{_BS_MONTH}|{_AD_MONTH})\s{{0,2}}\d{{1,2}}(?!\d)"
    r"(?:st|nd|rd|th)?(?:\s?(?:गते|gate))?(?:,?\s{0,2}(?:20|19)\d\d)?"
    rf"|(?:{_BS_MONTH}|{_AD_MONTH})\s(?:20|19)\d\d"
    rf"|{_COUNT}\s?{_UNIT}"
    rf"|(?:since|last|this|from|on)\s(?:the\s)?(?:{_WEEKDAY}|week|month|year)"
    rf"|(?:{_WEEKDAY})"
    r"|yesterday|today|hijo|asti|aaja|हिजो|अस्ति|आज|गत\s(?:हप्ता|महिना|वर्ष|साल)"
    r")(?![A-Za-z0-9])",
    re.IGNORECASE,
)


def find_references(text: str) -> tuple[list[str], str]:
    """Case references in capitals, and `text` without them."""
    found, rest = _taken(_REFERENCE, text)
    return list(dict.fromkeys("-".join(reference.upper().split()) for reference in found)), rest


def find_phones(text: str) -> tuple[list[str], str]:
    """Nepali mobile and landline numbers as written, and `text` without them."""
    return _taken(_PHONE, text)


def find_times(text: str) -> tuple[list[str], str]:
    """Dates and spans of time as written, and `text` without them."""
    return _taken(_TIME, text)


def find_wards(text: str) -> Iterator[int]:
    """Ward numbers, named before or after their number; Nepal has none above 33."""
    for pattern in (_WARD_AFTER, _WARD_BEFORE):
        for match in pattern.finditer(text):
            for number in re.findall(r"\d+", match[1]):
                if 0 < int(number) <= _LAST_WARD:
                    yield int(number)


def _taken(pattern: re.Pattern[str], text: str) -> tuple[list[str], str]:
    found = [match.group().strip() for match in pattern.finditer(text)]
    return list(dict.fromkeys(found)), pattern.sub(" ", text)
