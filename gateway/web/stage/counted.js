// Reactions in a live room: they come as changes to counts, without names. One's own counts at once, and is not
// counted again when it is told with all others.

import { find } from "../room.js";

const OWN_WITHIN_MS = 1000;

export class Counted {
  constructor(talk) {
    this.talk = talk;
    this.mine = new Map(); // "seq emoji" -> my reaction that is about to be told with all others
  }

  /** Takes the counts of a `reactions` frame. */
  hear(counts) {
    for (const [seq, by] of Object.entries(counts)) {
      const message = find(this.talk.room, Number(seq));
      if (message?.kind !== "post" || message.recalled_by !== null) continue;
      for (const [emoji, n] of Object.entries(by)) {
        const known = this.mine.get(`${seq} ${emoji}`);
        this.mine.delete(`${seq} ${emoji}`);
        count(message, emoji, n - (known && Date.now() - known.at_ms < OWN_WITHIN_MS ? known.by : 0));
      }
      message.version += 1;
    }
  }

  /** My own. `counts()`: whether this room tells counts in place of names. */
  react(message, emoji, on, counts) {
    const { talk } = this;
    const me = talk.me.user;
    talk.change("react", { of: message.seq, emoji, on }).then((ack) => {
      if (!counts()) return;
      const mark = `${me} ${emoji}`;
      if (Boolean(message.marks.get(mark)?.on) === on) return;
      message.marks.set(mark, { seq: ack.position?.[1] ?? 0, by: me, emoji, on, n: 0 });
      count(message, emoji, on ? 1 : -1);
      this.mine.set(`${message.seq} ${emoji}`, { by: on ? 1 : -1, at_ms: Date.now() });
      message.version += 1;
      talk.redraw();
    }, () => {});
  }
}

// Counts without names are one mark of nobody's: it stands beside the marks of those whose names are known.
function count(message, emoji, by) {
  const known = message.marks.get(` ${emoji}`) ?? { seq: Number.MAX_SAFE_INTEGER, by: "", emoji, n: 0 };
  const n = known.n + by;
  message.marks.set(` ${emoji}`, { ...known, n, on: n !== 0 });
}
