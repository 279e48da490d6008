// From messages to the blocks a reader sees, top to bottom. Pure, so that grouping has tests without a browser.
// A block: {key, kind: date | unread | gap | notes | post | unsent, ...}. Keys are stable: a block that did not
// change keeps its element, and nothing flickers when the connection comes back.

export const GROUP_MS = 5 * 60 * 1000;

/** `unread`: seq of the first unread message or null. `dayOf`: ms -> a string that is equal within one local day. */
export function layout(room, unsent, { me, unread, dayOf }) {
  const blocks = [];
  const gaps = [...room.gaps].sort((a, b) => a.after - b.after);
  let day = null;
  let previous = null;
  const gapsUpTo = (seq) => {
    while (gaps.length && gaps[0].after < seq) {
      const one = gaps.shift();
      blocks.push({ key: `gap-${one.after}`, kind: "gap", gap: one });
      previous = null;
    }
  };
  const dateOf = (at_ms) => {
    const today = dayOf(at_ms);
    if (today === day) return;
    blocks.push({ key: `date-${today}`, kind: "date", at_ms });
    day = today;
    previous = null;
  };
  for (const seq of room.order) {
    const message = room.messages.get(seq);
    gapsUpTo(seq);
    dateOf(message.at_ms);
    if (seq === unread) {
      blocks.push({ key: "unread", kind: "unread" });
      previous = null;
    }
    if (message.kind !== "post") {
      const open = blocks.at(-1);
      if (open?.kind === "notes" && open.notes[0].kind === message.kind && /joined|news/.test(message.kind)) open.notes.push(message);
      else blocks.push({ key: `notes-${seq}`, kind: "notes", notes: [message] });
      previous = null;
      continue;
    }
    const own = message.author === me;
    const head = previous === null || previous.author !== message.author || message.at_ms - previous.at_ms > GROUP_MS;
    blocks.push({ key: `post-${seq}`, kind: "post", message, own, head });
    previous = message;
  }
  gapsUpTo(Infinity);
  for (const post of unsent) {
    if (post.seq !== null && room.messages.has(post.seq)) continue;
    dateOf(post.at_ms);
    const head = previous === null || previous.author !== me || post.at_ms - previous.at_ms > GROUP_MS;
    blocks.push({ key: `unsent-${post.once}`, kind: "unsent", post, own: true, head });
    previous = { author: me, at_ms: post.at_ms };
  }
  return blocks;
}
