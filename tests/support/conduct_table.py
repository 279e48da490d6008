"""Who is heard in a hosted room: the one table of modes, roles and standings that every surface is checked against.

It is written from docs/conduct.md, not from the code that it judges.
"""

from chat.conduct import ORDINARY, Conduct
from chat.errors import ErrorCode
from chat.live_events import SanctionAction

ALL = "message edit line ask act typing"
MODES: dict[str, tuple[Conduct, str, str]] = {
    # what a member may do, and a guest; moderators may do everything, but nothing after the end
    "group": (ORDINARY, ALL, ALL),
    "live": (Conduct(kind="live"), ALL, ALL),
    "lobby": (Conduct(phase="lobby"), "ask act", "ask act"),
    "archive": (Conduct(phase="archive"), "", ""),
    "members": (Conduct(speakers="members"), ALL, "line ask act"),
    "seniors": (Conduct(speakers="seniors", senior_s=600), ALL, ALL),
    "newcomers": (Conduct(speakers="seniors", senior_s=86_400), "line ask act", "line ask act"),
    "invited": (Conduct(speakers="invited"), "line ask act", "line ask act"),
    "slow": (Conduct(slow_s=30), ALL, ALL),
    "emoji": (Conduct(emoji_only=True), "line ask act typing", "line ask act typing"),
    "unique": (Conduct(unique=True), ALL, ALL),
    "frozen": (Conduct(frozen=True), "act", "act"),
    "prescreen": (Conduct(prescreen_s=5), "held line ask act typing", "held line ask act typing"),
    "locked down": (Conduct(locked_down=True, senior_s=86_400), "held line ask act typing", "line ask act"),
}
STANDINGS: dict[str, tuple[SanctionAction, str]] = {
    "free": ("unmute", "as the mode says"),
    "muted": ("mute", "silent"),
    "timed out": ("timeout", "silent"),
    "banned": ("ban", "out"),
    "kicked": ("kick", "out"),
    "shadowed": ("shadow", "alone"),
    "speaker": ("invite_speaker", "invited"),
}


def expected(mode: str, role: str, standing: str, way: str) -> str:
    """heard, alone, held or refused: the specification."""
    conduct, member, guest = MODES[mode]
    outcome = STANDINGS[standing][1]
    if conduct.phase == "archive":
        return "refused"
    if outcome in ("silent", "out"):
        return "refused"
    if role in ("owner", "moderator"):
        return "alone" if outcome == "alone" else "heard"
    may = (guest if role == "guest" else member).split()
    if outcome == "invited" and mode in ("invited", "newcomers", "members"):
        may = ALL.split()
    if outcome == "alone":
        may = [ALL.split()[0] if each == "held" else each for each in may]
        if mode in ("prescreen", "locked down") and "message" in may:
            may.append("edit")
        return "alone" if way in may else "refused"
    if way == "message" and "held" in may:
        return "held"
    return "heard" if way in may else "refused"


def code_of(mode: str, standing: str, way: str, *, granted: bool = False) -> ErrorCode:
    """How one is told that one is refused. `granted`: by the token one could come in."""
    if STANDINGS[standing][1] == "out":
        return ErrorCode.NOT_A_MEMBER if granted else ErrorCode.ROOM_NOT_FOUND
    if mode == "archive":
        return ErrorCode.OVER
    if STANDINGS[standing][1] == "silent":
        return ErrorCode.MUTED
    if mode == "emoji" and way in ("message", "edit"):
        return ErrorCode.EMOJI_ONLY
    return ErrorCode.NOT_NOW
