"""Laughter, noises and the like: tokens that every reader understands as they are. Pure.

Invariant: what matches here says nothing about the language of a line and is never work for an engine, which turns
"hhhh" into a cough. Words that mean something, however short (嗯, brb), are not here; a goose (鹅) laughs only when
there are three.
"""

from typing import Final

import regex

_LATIN_LAUGH: Final = (
    r"(?:b?w|mw|[bm]u?)?+(?:(?=a*h+a+h)[ah]{4,}+|(?=e*h+e+h)[eh]{4,}+|(?=i*h+i+h)[ih]{4,}+|(?=o*h+o+h)[oh]{4,}+)"
    r"|(?=j+a+j)[aj]{4,}+|(?=j+e+j)[ej]{4,}+|(?=j+i+j)[ij]{4,}+|w?(?:kw){2,}k?|(?:hia){2,}h?|(?:hue){2,}h?|te+he+|kek+w?|lu+lz?"
)
"""In whatever order the fingers met the keys (hahahahha, hhaha, muahaha), and in Spanish, Indonesian, Brazilian."""
EXCLAMATION: Final = regex.compile(
    r"(?:哈|[哈呵嘿嘻嘎噗咯嘤嚶呜嗚]{2,}|(?P<odd>[蛤桀鹅鵝库庫])(?P=odd){2,}|[啊阿哇呀嗷]{3,}|[草艹笑]|[あアぁァ]{3,}|(?:ха|хе|хи|ах){2,}х?|ه{3,}|[ㅋㅎㅠㅜ]{2,}|[でw]{2,}|"
    rf"{_LATIN_LAUGH}|"
    r"a?(?:ha|he|hi|ho|xi|ja|je|ke|ah){2,}h?|h{2,}m*|a{2,}h*|o{2,}h+|(?P<one>[a-z])(?P=one){2,}|lo+l+(?:ol)*z?|lmf?ao+|rofl|x+d+|"
    r"gg+(?:wp)?|wp|(?:o+k+)+(?:ay)?|k{2,}|hm+|e*m{2,}|u+h+|[0-9]+|\+1|yyds|orz|otz|[tq][wa][tq]|[ou]w[ou]|awsl|xswl|\d{1,2}:\d{2})"
)
"""One token of a line, folded (`slang.fold`): no case, no full width."""
