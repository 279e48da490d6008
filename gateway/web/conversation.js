// One person in one room: joins the connection, the room's state and what is still unsent, and tells the view.
// The view asks for things by verbs here and never sees a frame. Every change is announced at most once per animation
// frame ("change"), however many entries arrived in it.

import { canonical, guessTag, isForeign, mayBeTranslated, scriptIn } from "./language.js";
import { applyEntry, applyPage, emptyRoom, find, follow, gap, refusalFor, translationFor, trim } from "./room.js";
import { CommandFailed, Connection } from "./socket.js";
import { onceKey } from "./unsent.js";

const PAGE = 50;
const GAP_FILL_MAX = 300; // missed entries that are fetched unasked; above, the reader decides
const TRANSLATING_MAX = 20;
const QUEUE_MAX = 100;
const TRANSLATION_WAIT_MS = 15_000;
const EXPECT_MS = 3_000; // how long a shimmer may stand under a message
const READ_DEBOUNCE_MS = 800;
const TYPING_EVERY_MS = 3_000;
const TYPING_LIFE_MS = 4_500;

export class Conversation extends EventTarget {
  /** `me` is {token, user, name, languages}; `unsent` an Unsent list. */
  constructor({ url, room, me, unsent }) {
    super();
    this.me = { ...me, languages: me.languages.map(canonical) };
    this.room = emptyRoom(room);
    this.unsent = unsent;
    this.routes = [];
    this.limits = { text_chars_max: 4000 };
    this.loaded = false; // the first page is here
    this.loadingOlder = false;
    this.seen_at_ms = Date.now();
    this.typing = new Map(); // user -> {name, until_ms}
    this.expecting = new Map(); // seq -> timer of the shimmer under it
    this.expected = new Set(); // seqs that had their shimmer: nobody asks for them unasked
    this.asked = new Map(); // "seq language" -> timer, translations we asked for
    this.told = [];
    this.failures = new Map(); // seq -> error code of a refused translation
    this.firstRead = null; // read marker at arrival: where the unread line stands
    this._queue = []; // translations to ask for when there is room in flight
    this._announced = false;
    this._timers = {};
    this.connection = new Connection({
      url,
      hello: () => this._hello(),
      onFrame: (frame) => this._receive(frame),
      onState: (state) => this._state(state),
    });
  }

  get target() {
    return this.me.languages[0];
  }

  start() {
    this.connection.start();
    this._timers.tick = setInterval(() => this._tick(), 1000);
  }

  stop() {
    this.connection.stop();
    for (const timer of Object.values(this._timers)) clearTimeout(timer);
    for (const timer of [...this.asked.values(), ...this.expecting.values()]) clearTimeout(timer);
  }

  // ---- asking

  /** Puts a text on its way; it stays in `unsent` until its entry is here. */
  post(text, { reply_to = null, mentions = [], announce = false } = {}) {
    const once = onceKey();
    this.unsent.add({ room: this.room.id, text, once, reply_to, mentions, announce, at_ms: Date.now() });
    this.redraw();
    this._flush();
    return once;
  }

  retry(once) {
    this.unsent.change(once, { state: "waiting", code: null });
    this.redraw();
    this._flush();
  }

  discard(once) {
    this.unsent.remove(once);
    this.redraw();
  }

  /** Anything that adds an entry (edit, recall, react, vote, pin ...) except a post. A refusal is told and thrown. */
  async change(type, fields) {
    try {
      return await this.connection.ask({ type, room: this.room.id, ...fields, once: onceKey() });
    } catch (failed) {
      this.dispatchEvent(new CustomEvent("refusal", { detail: failed instanceof CommandFailed ? failed.code : "other" }));
      throw failed;
    }
  }

  /** Asks for this message in `language`. Unasked ones (from scrolling) queue behind the bound. */
  translate(seq, language = this.target) {
    const key = `${seq} ${language}`;
    if (this.asked.has(key)) this._expectFor(seq);
    if (this.asked.has(key) || this._queue.some((one) => one.key === key)) return;
    this.failures.delete(seq);
    this._enqueue({ key, seq, language });
  }

  // Looked at in one go, asked for in one go: the newest first.
  _enqueue(one) {
    this._queue.push(one);
    if (this._queue.length > QUEUE_MAX) this._queue.shift();
    queueMicrotask(() => this._translateNext());
  }

  /** Whether a reader of my languages probably needs a translation of this message. */
  needsTranslation(message) {
    if (message.kind !== "post" || message.author === this.me.user || message.recalled_by !== null) return false;
    const told = message.translations.get(this.target);
    // From my language into my language: only the foreign words in the middle of the line were translated.
    if (told && told.revision === message.revision) return !this.me.languages.includes(canonical(told.source || "und")) || (told.text !== null && told.source === told.language);
    if (scriptIn(message.text) === null) return false;
    if (message.written_in && message.revision === 0) return !this.me.languages.includes(canonical(message.written_in));
    return isForeign(message.text, this.me.languages);
  }

  /** Whether the server could translate it, as far as its routes tell. */
  canTranslate(message) {
    return mayBeTranslated(message.text, this.target, this.routes);
  }

  look(message) {
    if (!this.connection.ready || !this.needsTranslation(message) || !this.canTranslate(message)) return;
    if (this.expected.has(message.seq) || this.failures.has(message.seq)) return;
    if (translationFor(message, this.me.languages) || refusalFor(message, this.me.languages)) return;
    this.translate(message.seq);
  }

  async older() {
    const { room } = this;
    if (this.loadingOlder || !room.more || room.oldest === null || !this.connection.ready) return;
    this.loadingOlder = true;
    this.redraw();
    try {
      const page = await this.connection.ask({ type: "history", room: room.id, before: room.oldest, epoch: room.epoch, limit: PAGE });
      applyPage(room, page, true);
    } catch {
      // The connection will come back, and so will the reader's thumb.
    } finally {
      this.loadingOlder = false;
      this.redraw();
    }
  }

  /** Loads what lies in a gap. Gaps are rare: what fills them is fetched for the first one. */
  fill(one) {
    import("./fill.js").then(({ fill }) => fill(this, one), () => {});
  }

  askPeople() {
    this.connection.tell({ type: "presence", room: this.room.id });
  }

  markRead(seq) {
    if (seq <= this.room.read) return;
    this.room.read = seq;
    clearTimeout(this._timers.read);
    this._timers.read = setTimeout(() => {
      this.connection.tell({ type: "mark_read", room: this.room.id, seq: this.room.read });
    }, READ_DEBOUNCE_MS);
  }

  tellTyping() {
    const now = Date.now();
    if (now - (this._typed_ms ?? 0) < TYPING_EVERY_MS) return;
    this._typed_ms = now;
    this.connection.tell({ type: "typing", room: this.room.id });
  }

  // ---- hearing

  _hello() {
    const { room, me } = this;
    const position = room.epoch === null || room.oldest === null ? null : [room.epoch, room.last];
    return { token: me.token, languages: me.languages, rooms: [{ room: room.id, position }], name: me.name };
  }

  _state(state) {
    if (state.kind === "ready") {
      this._flush();
      this.askPeople();
      this._translateNext();
    } else if (this.connection?.state.kind !== "ready") {
      for (const post of this.unsent.of(this.room.id)) {
        if (post.state === "sending") this.unsent.change(post.once, { state: "waiting" });
      }
      // What was asked for and not yet told is asked for again on the next connection.
      for (const [key, timer] of [...this.asked].reverse()) {
        clearTimeout(timer);
        const [seq, language] = key.split(" ");
        if (!this._queue.some((one) => one.key === key)) this._queue.push({ key, seq: Number(seq), language });
      }
      this.asked.clear();
    }
    this.dispatchEvent(new CustomEvent("connection", { detail: state }));
    this.redraw();
  }

  _receive(frame) {
    this.seen_at_ms = Date.now();
    if (frame.type === "welcome") return this._welcome(frame);
    if (frame.room !== this.room.id) return undefined;
    switch (frame.type) {
      case "room":
        return this._follow(frame);
      case "entry":
        return this._entry(frame);
      case "gap":
        gap(this.room, frame);
        this.loaded = this.room.oldest !== null;
        return this._recover();
      case "people":
        this.room.here = frame;
        for (const person of frame.people) this.room.people.set(person.user, person.name);
        return this.redraw();
      case "tally":
        this.room.tallies.set(frame.of, frame);
        return this.redraw();
      case "typing":
        if (frame.user !== this.me.user) {
          this.typing.set(frame.user, { name: frame.name, until_ms: Date.now() + TYPING_LIFE_MS });
          this.redraw();
        }
        return undefined;
      default:
        this.room.hosted = true;
        this.told.push(frame);
        return this.redraw();
    }
  }

  _welcome(frame) {
    this.me.user = this.room.me = frame.user;
    this.me.name = frame.name;
    this.routes = frame.routes ?? [];
    Object.assign(this.limits, frame.limits);
    const refused = (frame.refused ?? []).find((one) => one.room === this.room.id);
    // Somebody who came with a token is let in by it, once.
    if (refused && this.me.join) this.connection.ask({ type: "join", room: this.room.id }).catch((failed) => this.dispatchEvent(new CustomEvent("refused", { detail: failed.code })));
    else if (refused) this.dispatchEvent(new CustomEvent("refused", { detail: refused.code }));
    this.dispatchEvent(new CustomEvent("welcome", { detail: frame }));
    // The first page was asked for by the room frame, before `welcome`: now commands may go out.
    this._recover();
  }

  _follow(frame) {
    this._needs = follow(this.room, frame);
    this.firstRead ??= frame.read;
    this.dispatchEvent(new CustomEvent("title", { detail: frame.title }));
    if (this.connection.ready) this._recover();
  }

  _recover() {
    if (!this.connection.ready) return;
    if (this.room.oldest === null) this._loadLatest();
    for (const one of this.room.gaps) if (!one.lost && !one.sampled && one.missed <= GAP_FILL_MAX) this.fill(one);
    this.redraw();
  }

  async _loadLatest() {
    if (this._loadingLatest) return;
    this._loadingLatest = true;
    this._askCards();
    try {
      const page = await this.connection.ask({ type: "history", room: this.room.id, epoch: this.room.epoch, limit: PAGE });
      applyPage(this.room, page, true);
      this.loaded = true;
      this.dispatchEvent(new CustomEvent("loaded"));
    } catch (failed) {
      if (failed.code !== "disconnected") setTimeout(() => this._recover(), failed.retry_after_ms ?? 1000);
    } finally {
      this._loadingLatest = false;
      this.redraw();
    }
  }

  async _askCards() {
    const { room } = this;
    const asOf = room.last;
    const answer = await this.connection.ask({ type: "names", room: room.id }).catch(() => null);
    if (answer?.cards) room.cards = { asOf, list: answer.cards };
    this.redraw();
  }

  called(user, name) {
    return this.naming?.called(user) ?? name;
  }

  _entry(frame) {
    const { event, seq } = frame;
    const isNew = applyEntry(this.room, frame);
    if (event.type === "posted") {
      this.typing.delete(event.author);
      if (event.author === this.me.user) this._recognise(seq, event);
      if (isNew) this._expect(seq);
    }
    if (event.type === "edited" && isNew) this._expect(event.of);
    if (event.type === "translated" || event.type === "untranslated") this._told(event);
    if (event.type === "left" && event.user === this.me.user) {
      this.dispatchEvent(new CustomEvent("refused", { detail: "not_a_member" }));
    }
    if (isNew && this.atEnd?.()) trim(this.room);
    this.redraw();
  }

  // My own entry usually arrives before its ack. Take the oldest post on its way with the same text for it, so that
  // nobody sees it twice for a moment; the ack has the last word.
  _recognise(seq, event) {
    const text = event.text.trim();
    const post = this.unsent.of(this.room.id).find((one) => one.state === "sending" && one.seq === null && one.text.trim() === text);
    if (post) this.unsent.change(post.once, { seq });
  }

  _expect(seq) {
    const message = this.room.messages.get(seq);
    if (!message || !this.needsTranslation(message) || !this.canTranslate(message)) return;
    if (translationFor(message, this.me.languages)) return;
    this._expectFor(seq);
  }

  // A shimmer stands for three seconds at most; the answer may still come later.
  _expectFor(seq) {
    clearTimeout(this.expecting.get(seq));
    this.expecting.set(seq, setTimeout(() => this._stopExpecting(seq), EXPECT_MS));
    this.expected.add(seq);
    this._touch(seq);
  }

  _stopExpecting(seq) {
    clearTimeout(this.expecting.get(seq));
    if (this.expecting.delete(seq)) this._touch(seq);
  }

  _told(event) {
    this._stopExpecting(event.of);
    this._settle(`${event.of} ${canonical(event.language)}`);
  }

  _translateNext() {
    while (this.connection.ready && this._queue.length && this.asked.size < TRANSLATING_MAX) {
      const { key, seq, language } = this._queue.pop(); // the newest question is what the reader looks at now
      this.asked.set(key, setTimeout(() => this._settle(key), TRANSLATION_WAIT_MS));
      this._expectFor(seq);
      this.connection.ask({ type: "translate", room: this.room.id, of: seq, language }).catch((failed) => {
        if (failed.code === "disconnected") return;
        this._stopExpecting(seq);
        this._settle(key);
        if (failed.code === "too_fast") setTimeout(() => this.translate(seq, language), failed.retry_after_ms ?? 1000);
        else this.failures.set(seq, failed.code);
        this._touch(seq);
      });
    }
  }

  _settle(key) {
    if (!this.asked.has(key)) return;
    clearTimeout(this.asked.get(key));
    this.asked.delete(key);
    this._touch(Number(key.split(" ")[0]));
    this._translateNext();
  }

  _touch(seq) {
    const message = find(this.room, seq);
    if (!message) return;
    message.version += 1;
    this.redraw();
  }

  // Posts leave in the order they were written: the next goes out when the one before is in the log.
  async _flush() {
    if (this._flushing) return;
    this._flushing = true;
    try {
      for (;;) {
        const post = this.unsent.of(this.room.id).find((one) => one.state === "waiting");
        if (!post || !this.connection.ready) return;
        this.unsent.change(post.once, { state: "sending" });
        this.redraw();
        const { room, text, once, reply_to, mentions, announce = false } = post;
        try {
          const ack = await this.connection.ask({ type: "post", room, text, once, reply_to, mentions, announce });
          this.unsent.change(once, { state: "sent", seq: ack.position?.[1] ?? null });
        } catch (failed) {
          if (failed.code === "disconnected") {
            this.unsent.change(once, { state: "waiting" });
            return;
          }
          if (failed.retryable) {
            this.unsent.change(once, { state: "waiting", code: failed.code });
            this.redraw();
            await new Promise((resolve) => setTimeout(resolve, Math.max(200, failed.retry_after_ms ?? 1000)));
          } else {
            this.unsent.change(once, { state: "failed", code: failed.code });
            this.dispatchEvent(new CustomEvent("refusal", { detail: failed.code }));
          }
        }
        this.redraw();
      }
    } finally {
      this._flushing = false;
    }
  }

  _tick() {
    const now = Date.now();
    let changed = false;
    for (const [user, { until_ms }] of this.typing) {
      if (until_ms < now) changed = this.typing.delete(user);
    }
    if (changed) this.redraw();
  }

  /** Announces a change of what is shown, at most once per frame. */
  redraw() {
    // A sent post whose entry is here has done its time.
    for (const post of this.unsent.of(this.room.id)) {
      if (post.state === "sent" && (post.seq === null || this.room.messages.has(post.seq) || post.seq < (this.room.order[0] ?? 0))) {
        this.unsent.remove(post.once);
      }
    }
    if (this._announced) return;
    this._announced = true;
    const announce = () => {
      if (!this._announced) return;
      this._announced = false;
      this.dispatchEvent(new Event("change"));
    };
    // Hidden pages get no animation frames, but must not fall behind without end.
    if (document.visibilityState === "hidden") setTimeout(announce, 250);
    else requestAnimationFrame(announce);
  }
}

/** Which package would join a message to its reader, for the words that say that it is missing. */
export function missingPackage(refusal, message, target) {
  const source = refusal?.source && refusal.source !== "und" ? canonical(refusal.source) : guessTag(message.text, []);
  return { from: source || "und", to: target };
}
