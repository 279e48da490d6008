"""What the server says about a hosted room. Frames and their rules as in `frames.py`."""

from msgspec import Struct

from chat.conduct import Conduct, Standing
from chat.ids import ActorId, RoomId, Seq, UserId
from chat.live_events import HeldBack, PollOpened, Programme, QuestionAsked, Reported, Word


class HeldView(Struct, frozen=True, kw_only=True):
    """A held message in front of a moderator. Its translations come as `translated` entries about `of`."""

    of: Seq
    at_ms: int
    held: HeldBack
    translations: dict[str, str] = {}
    recent: tuple[str, ...] = ()
    """The member's latest messages, newest first."""


class ReportView(Struct, frozen=True, kw_only=True):
    """Everything reported about one message."""

    of: Seq
    reports: tuple[Reported, ...]
    original: str
    translations: dict[str, str] = {}


class HandView(Struct, frozen=True, kw_only=True):
    user: UserId
    name: str
    at_ms: int


class StandingView(Struct, frozen=True, kw_only=True):
    user: UserId
    name: str
    standing: Standing
    why: str = ""
    by: ActorId = ""
    seq: Seq = 0


class DeskFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="desk"):
    """Answer to `desk`. Lists are bounded; `more_held` tells how many held messages are not listed."""

    re: int
    room: RoomId
    conduct: Conduct
    held: tuple[HeldView, ...]
    more_held: int
    reports: tuple[ReportView, ...]
    hands: tuple[HandView, ...]
    sanctions: tuple[StandingView, ...]
    words: tuple[Word, ...]
    lists: tuple[str, ...]
    waiting: int = 0
    """Guests in line before the door of a full room."""


class PollView(Struct, frozen=True, kw_only=True):
    """A poll that is open. `counts` in the order of the options; in a quiz they are hidden (empty) until it closes."""

    of: Seq
    opened: PollOpened
    counts: tuple[int, ...]
    voters: int
    mine: tuple[int, ...] = ()


class QuestionView(Struct, frozen=True, kw_only=True):
    of: Seq
    asked: QuestionAsked
    votes: int
    mine: bool = False
    on_stage: bool = False


class StageFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="stage"):
    """Answer to `stage`; how the room stands for this reader."""

    re: int
    room: RoomId
    conduct: Conduct
    standing: Standing
    programme: Programme
    programme_seq: Seq
    """The entry that set it: its texts are translated under this seq. 0: none was set."""
    polls: tuple[PollView, ...]
    questions: tuple[QuestionView, ...]
    now_ms: int
    hand: bool = False
    """This reader's own hand is raised."""


class PollTallyFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="poll_tally"):
    """The votes of poll `of` as they stand, at most four times a second; never stored."""

    room: RoomId
    of: Seq
    counts: tuple[int, ...]
    voters: int


class QuestionTallyFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="question_tally"):
    """Votes of questions that changed, by their seqs (as text: not every msgpack takes numbers as keys); at most four
    times a second; never stored."""

    room: RoomId
    votes: dict[str, int]


class ReactionsFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="reactions"):
    """In a live room, in place of one entry for each: what was reacted in the last quarter of a second, by message and
    emoji, as changes to the counts. Who has read one of these entries in the log has it here once more."""

    room: RoomId
    counts: dict[str, dict[str, int]]
    after: Seq = 0
    upto: Seq = 0
    """All reactions to everybody at after < seq <= upto are in `counts`. Where `after` is the `upto` of the frame
    before, none stands between them."""


class SkippedFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="skipped"):
    """Messages that were left out of the sample of this reader between two seqs: "n more". The log has them all."""

    room: RoomId
    first: Seq
    last: Seq
    count: int


class CrowdFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="crowd"):
    """How many are here, in all and by language; whenever that has changed, at most once a second."""

    room: RoomId
    total: int
    by_language: dict[str, int]


class DecidedFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="decided"):
    """To a member whose message was held, or about whom was decided: what, and why. Pages say it in their language."""

    room: RoomId
    what: str
    """held, approved, refused, and the actions of `sanctioned`."""
    of: Seq = 0
    until_ms: int = 0
    why: str = ""


class WaitFrame(Struct, frozen=True, kw_only=True, tag_field="type", tag="wait"):
    """The room is full: one's place in line, told again when it moves. `room` follows when there is a seat."""

    room: RoomId
    place: int
    waiting: int


LiveNotice = PollTallyFrame | QuestionTallyFrame | ReactionsFrame | SkippedFrame | CrowdFrame | DecidedFrame | WaitFrame
"""What comes by itself."""
LiveFrame = DeskFrame | StageFrame | LiveNotice
