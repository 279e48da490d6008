// Reactions in a live room: they come as sums, without names. Invariant: each counts once, whoever tells it first, the
// log by name (a page of history, a connection that came back, one's own) or a sum of the stretch in which it stands.

import { find, mark } from "../room.js";

export class Counted {
  constructor(talk) {
    this.talk = talk;
    this.early = []; // heard, and not counted yet
    this.epoch = null; // of `stretches`
    this.stretches = []; // {after, upto}: all reactions of these seqs were told as sums
  }

  /** Takes a `reactions` frame. */
  hear(frame) {
    this.early.push(frame);
  }

  /** Counts what was heard, once there are messages to count it for; whether there was any. */
  settle() {
    const heard = this.talk.loaded ? this.early.splice(0) : [];
    for (const frame of heard) this.#take(frame);
    return heard.length > 0;
  }

  #take({ after, upto, counts }) {
    const { room } = this.talk;
    if (this.epoch !== room.epoch) [this.epoch, this.stretches] = [room.epoch, []];
    const last = this.stretches.at(-1);
    if (last?.upto === after) last.upto = upto;
    else this.stretches.push({ after, upto });
    for (const [seq, sums] of Object.entries(counts)) {
      const message = find(room, Number(seq));
      if (message?.kind !== "post" || message.recalled_by !== null) continue;
      for (const [emoji, n] of Object.entries(sums)) this.#nobody(message, emoji, after).sum += n;
      message.version += 1;
    }
  }

  // The sums of an emoji are one mark of nobody's beside the marks of those whose names are known. It is reckoned when
  // it is looked at: less what both tell. Sums before `from` were told of a message that was not here.
  #nobody({ marks }, emoji, from) {
    const key = ` ${emoji}`;
    const { stretches } = this;
    if (!marks.has(key)) {
      marks.set(key, {
        seq: Number.MAX_SAFE_INTEGER, by: "", emoji, sum: 0,
        get n() {
          return this.sum - named(marks, emoji, (seq) => seq > from && stretches.some(({ after, upto }) => seq > after && seq <= upto));
        },
        get on() {
          return this.n !== 0;
        },
      });
    }
    return marks.get(key);
  }

  /** My own. `counts()`: whether this room tells sums in place of names. */
  react(message, emoji, on, counts) {
    const { talk } = this;
    talk.change("react", { of: message.seq, emoji, on }).then((ack) => {
      if (!counts() || !mark(message, ack.position?.[1] ?? 0, { by: talk.me.user, emoji, on })) return;
      message.version += 1;
      talk.redraw();
    }, () => {});
  }
}

// By how much named reactions within some seqs changed the count of an emoji.
function named(marks, emoji, within) {
  let changed = 0;
  for (const latest of marks.values()) {
    if (latest.emoji !== emoji || !latest.by) continue;
    for (let one = latest; one; one = one.was) if (within(one.seq)) changed += Number(one.on) - Number(Boolean(one.was?.on));
  }
  return changed;
}
