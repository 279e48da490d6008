"""Numbers without words: posts of a bench that nobody is owed a translation of.

Digits would be words ("666" is slang), and each such post would bring a job for the translator; once ten thousand of
these wait, a second entry besides, which says that there is no translation: a bench would measure those.
"""

from typing import Final

SIGNS: Final = "!?.,:;~^*+"
"""For 0 to 9. None of them needs an escape in JSON or markup."""
FILLING: Final = "!?!?!?!? "
_AS_SIGNS: Final = str.maketrans("0123456789", SIGNS)
_AS_DIGITS: Final = str.maketrans(SIGNS, "0123456789")


def signs_of(number: int, width: int = 0) -> str:
    """At least `width` signs, as zeros before it would be. `number` is not negative."""
    return f"{number:0{width}d}".translate(_AS_SIGNS)


def number_in(signs: str) -> int | None:
    """None when these are not signs, or none at all."""
    return int(signs.translate(_AS_DIGITS)) if signs and set(signs) <= set(SIGNS) else None
