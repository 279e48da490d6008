"""A bot that greets newcomers once, in their language, and answers a few fixed questions. Also our example of a bot.

Invariants: at most one greeting for a member of a room, over restarts and over several greeters; it never speaks to
itself or to a program; and it never speaks more often than its bounds allow, however many come or ask. It keeps no
file: whom it has greeted is read from the room's log, which is where its greetings are.

`words` is what it says, `desk` decides when (pure), `attend` sits at the desk with a `chat.client.Client`.
`python -m chat.greeter URL TOKEN ROOM` runs it anywhere; `diqiucun up` runs it in its welcome room.
"""

from chat.greeter.attend import Removed, attend

__all__ = ["Removed", "attend"]
