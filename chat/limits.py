"""Every bound that a client can meet, each with its reason. Operators' bounds live in the settings of each process.

They are constants, not settings, because both ends must agree on them: clients receive them in `welcome.limits`.
"""

from typing import Final

FRAME_BYTES_MAX: Final = 64 * 1024
"""One WebSocket message from a client. The longest announcement, in several languages, is 32 kB; the rest is room for
mentions and escapes."""

TEXT_CHARS_MAX: Final = 4_000
"""One post, twice what Discord takes; longer text is a document, not a message."""

NAME_GRAPHEMES_MAX: Final = 40
"""A display name, in user-perceived characters (UAX #29): bytes would punish Chinese, code points punish emoji."""
NAME_CHARS_MAX: Final = 160
"""... and in code points, so that one grapheme of a thousand combining marks is not a name."""

TITLE_GRAPHEMES_MAX: Final = 80
LANGUAGES_MAX: Final = 8
"""Reading languages of one member; the fan-out groups members by this list."""
MENTIONS_MAX: Final = 20
"""Each mention is a notification; above this it is spam."""
EMOJI_CHARS_MAX: Final = 24
"""A reaction. The longest emoji sequences (family, flags) are 7 to 14 code points."""
ROOMS_PER_SESSION_MAX: Final = 100
"""Rooms one connection follows at a time."""
HISTORY_LIMIT_MAX: Final = 100
"""Entries of one history page."""
PAGE_BYTES_MAX: Final = 256 * 1024
"""... and their bytes, with what is about them: 100 of the longest Chinese posts would be more than a gateway will owe
one client (1 MB), and the reader who asked for them would be closed as slow, come back, and ask again."""
RESUME_ENTRIES_MAX: Final = 1_000
"""Entries replayed at a resume. A reader who missed more is told how many, and pages back at leisure."""
REACTIONS_PER_MESSAGE_MAX: Final = 200
TERMS_MAX: Final = 2_000
"""Glossary rows of one room. All of them are looked for in each message."""
TERM_CHARS_MAX: Final = 80
NOTE_CHARS_MAX: Final = 300
PINS_MAX: Final = 20
"""Pinned messages of one room; more is a second history."""
COMMAND_ID_MAX: Final = 2**31 - 1

HELLO_WITHIN_S: Final = 10.0
"""A socket that does not introduce itself in this time is closed: it costs memory and has no owner to bill."""
PING_INTERVAL_S: Final = 25.0
"""Under the 30 s at which some mobile carriers and home routers drop a silent TCP mapping."""
ONCE_KEY_LIFE_S: Final = 48 * 3600
"""How long a retry with the same once-key is recognised: a weekend without signal."""

COMMANDS_PER_S: Final = 20.0
COMMANDS_BURST: Final = 60
POSTS_PER_S: Final = 2.0
"""Sustained posts of one session, far above typing speed."""
POSTS_BURST: Final = 10
"""Posts at once: what a phone queued while it was in a tunnel."""

WRITES_OF_MEMBER_MAX: Final = 16
"""Posts, edits and reactions of one member, on all their devices, that one process has under way at once. A connection
has one at a time, so these are sixteen devices in the same hundredth of a second, or a member who floods."""
WRITES_OF_ROOM_MAX: Final = 500
"""... of one room. An append takes some 10 ms, so this is reached by 50,000 a second, or by an engine that is slow."""
WRITES_OF_PROCESS_MAX: Final = 2_000
"""... of one process. What it acknowledges in half a second; more would only wait longer for the same disk."""
RESUMES_UNDER_WAY_MAX: Final = 100
"""Hellos, resumes and joins of one process that ask the engine at once: enough to keep it busy, too few to bury it."""
RESUMES_WAITING_MAX: Final = 2_000
"""... and that wait for it: what is done within HELLO_WITHIN_S; whoever waited longer would be closed as silent."""
CONNECTS_PER_S: Final = 1_000.0
"""Sockets that one process opens in a second: a handshake and a hello cost it about a millisecond."""
CONNECTS_BURST: Final = 2_000
"""... and at once: a full hall, all of whose phones lost the same access point."""

BUDGET_MS_MIN: Final = 100
BUDGET_MS_MAX: Final = 10_000
"""Bounds of a room's translation budget: below, no engine answers; above, it is no longer a conversation."""
PREVIEW_WITHIN_S: Final = 5.0
"""How long the author of a draft waits for its translation before being told that it did not come."""

TRANSLATION_BUDGET_MS: Final = 60_000
"""How late a translation may come and still be worth appending. Later, the reader is told it was skipped."""

CEREMONIES_MAX: Final = 4
"""Naming ceremonies of one room that are not over: more would be a room of ceremonies."""
CEREMONY_S_MIN: Final = 15
CEREMONY_S_MAX: Final = 600
"""Bounds of a ceremony's window for proposals and votes: shorter nobody can write a reason, longer it is forgotten."""
CONSENT_WITHIN_S: Final = 600
"""How long somebody who is offered a ceremony may think about it."""
CHOOSE_WITHIN_S: Final = 3_600
"""How long after the window the named person may choose: long enough to come back from a tunnel or a dinner."""
PROPOSALS_MAX: Final = 30
"""Proposals of one ceremony. Newcomers receive all of them with the room."""
PROPOSALS_PER_MEMBER_MAX: Final = 3
REPORTS_TO_HIDE: Final = 3
"""Members who must find a proposal rude before it is hidden; a moderator alone suffices."""
GIVEN_NAME_CHARS_MAX: Final = 40
REASON_CHARS_MAX: Final = 300
PINYIN_CHARS_MAX: Final = 80
NAMES_PER_MEMBER_MAX: Final = 20
"""Names on one card; the oldest leave it, not the log."""
REMARKS_MAX: Final = 500
"""Private remarks of one reader in one room."""
FOUND_MAX: Final = 20
"""People in one answer of a search."""

SLOW_S_MAX: Final = 6 * 3600
SURGE_SLOW_S: Final = 10
"""Seconds between two messages of one member while a room surges, or is locked down."""
SAID_AGAIN_S: Final = 60
"""For so long nobody repeats what was said, in a room where every message is to be a new one."""
SENIOR_S_MAX: Final = 30 * 86_400
PRESCREEN_S_MAX: Final = 60
"""A live room in which words are older than a minute is no conversation."""
RATE_MAX: Final = 1_000
CAPACITY_MAX: Final = 1_000_000
TIMEOUT_S_MIN: Final = 10
TIMEOUT_S_MAX: Final = 28 * 86_400
DELETE_LAST_MAX: Final = 50
HELD_MAX: Final = 500
"""Held messages of one room; beyond, new ones that would be held are refused, by name."""
REPORTS_MAX: Final = 500
WORDS_MAX: Final = 1_000
"""Rows of one room's word list: as many as fit into one command."""
WORD_CHARS_MAX: Final = 100
WORD_INNOCENT_MAX: Final = 20
"""Innocent texts of one row: whoever needs more should make the word longer."""
HANDS_MAX: Final = 1_000
OPTIONS_MAX: Final = 10
OPTION_CHARS_MAX: Final = 300
POLLS_MAX: Final = 5
"""Open polls of one room."""
POLL_S_MAX: Final = 86_400
QUESTIONS_MAX: Final = 200
"""Open questions of one room."""
QUESTIONS_PER_MEMBER_MAX: Final = 3
QUESTION_CHARS_MAX: Final = 500
"""Newcomers receive all open questions with the stage."""
PROGRAMME_ITEMS_MAX: Final = 50
TITLE_CHARS_MAX: Final = 320
URL_CHARS_MAX: Final = 2_000
