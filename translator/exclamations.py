"""Laughter, noises and the like: tokens that every reader understands as they are. Pure.

Invariant: what matches here says nothing about the language of a line and is never work for an engine, which turns
"hhhh" into a cough. Words that mean something, however short (嗯, brb), are not here.
"""

from typing import Final

import regex

EXCLAMATION: Final = regex.compile(
    r"(?:[哈呵嘿嘻嘎噗咯嘤呜]{2,}|[啊阿哇呀嗷]{3,}|[草艹笑]|[あアぁァ]{3,}|(?:ха|хе|хи|ах){2,}х?|ه{3,}|[ㅋㅎㅠㅜ]{2,}|[でw]{2,}|"
    r"a?(?:ha|he|hi|ho|xi|ja|je|ke|ah){2,}h?|h{2,}m*|a{2,}h*|o{2,}h+|(?P<one>[a-z])(?P=one){2,}|lo+l+(?:ol)*|lmf?ao+|rofl|x+d+|"
    r"gg+(?:wp)?|wp|(?:o+k+)+(?:ay)?|k{2,}|hm+|e*m{2,}|u+h+|[0-9]+|\+1|yyds|orz|otz|[tq][wa][tq]|[ou]w[ou]|awsl|xswl|\d{1,2}:\d{2})"
)
"""One token of a line, folded (`slang.fold`): no case, no full width."""
