// Messages this device has not seen in the log yet. Invariant: a message leaves this list only when its entry is
// here, or when its writer throws it away. Each keeps the once-key it was born with, so that sending again after a
// cut or a reload can never post twice; the server knows a key for 48 hours, and so do we.

export const LIFE_MS = 48 * 3600 * 1000;
const KEY = "unsent";

export class Unsent {
  #store;
  #mine;

  constructor(store, now) {
    this.#store = store;
    // States "sending" and "sent" of an earlier page are unknown now: the once-key makes asking again safe.
    this.#mine = this.#kept(now).map((post) => ({ ...post, state: post.state === "failed" ? "failed" : "waiting" }));
  }

  /** Posts of one room in the order they were written. state: waiting | sending | sent | failed. */
  of(room) {
    return this.#mine.filter((post) => post.room === room);
  }

  add(post) {
    this.#mine.push({ ...post, state: "waiting", seq: null, code: null });
    this.#keep(post.once, post.at_ms);
  }

  change(once, fields) {
    const post = this.#mine.find((one) => one.once === once);
    if (!post) return;
    Object.assign(post, fields);
    this.#keep(once, post.at_ms);
  }

  remove(once) {
    const at = this.#mine.findIndex((one) => one.once === once);
    if (at < 0) return;
    const [gone] = this.#mine.splice(at, 1);
    this.#keep(once, gone.at_ms);
  }

  #kept(now) {
    const kept = this.#store.get(KEY, []);
    return Array.isArray(kept) ? kept.filter((post) => post && post.once && post.at_ms > now - LIFE_MS) : [];
  }

  // Another tab has its own list under the same key: change only our own row of it.
  #keep(once, now) {
    const others = this.#kept(now).filter((post) => post.once !== once);
    const own = this.#mine.filter((post) => post.once === once);
    this.#store.set(KEY, [...others, ...own].sort((a, b) => a.at_ms - b.at_ms).slice(-200));
  }
}

/** A new intent: 128 random bits in the server's alphabet for once-keys. */
export function onceKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
