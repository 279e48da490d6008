// One person in one room: joins the connection, the room's state and what is still unsent, and tells the view.
// The view asks for things by verbs here and never sees a frame. Every change is announced at most once per animation
// frame ("change"), however many entries arrived in it.

import { canonical, guessTag, isForeign, mayBeTranslated, scriptIn } from "./language.js";
import { applyEntry, applyPage, emptyRoom, follow, gap, refusalFor, translationFor, trim } from "./room.js";
import { CommandFailed, Connection } from "./socket.js";
import { onceKey } from "./unsent.js";

const PAGE = 50;
const GAP_FILL_MAX = 300; // missed entries that are fetched unasked; above, the reader decides
const TRANSLATING_MAX = 20;
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
  post(text, { reply_to = null, mentions = [] } = {}) {
    const once = onceKey();
    this.unsent.add({ room: this.room.id, text, once, reply_to, mentions, at_ms: Date.now() });
    this._change();
    this._flush();
    return once;
  }

  retry(once) {
    this.unsent.change(once, { state: "waiting", code: null });
    this._change();
    this._flush();
  }

  discard(once) {
    this.unsent.remove(once);
    this._change();
  }

  edit(of, text, mentions) {
    return this._do({ type: "edit", room: this.room.id, of, text, mentions, once: onceKey() });
  }

  recall(of) {
    return this._do({ type: "recall", room: this.room.id, of, once: onceKey() });
  }

  react(of, emoji, on) {
    return this._do({ type: "react", room: this.room.id, of, emoji, on, once: onceKey() });
  }

  /** Asks for this message in `language`. Unasked ones (from scrolling) queue behind the bound. */
  translate(seq, language = this.target) {
    const key = `${seq} ${language}`;
    if (this.asked.has(key)) this._expectFor(seq);
    if (this.asked.has(key) || this._queue.some((one) => one.key === key)) return;
    this.failures.delete(seq);
    this._queue.push({ key, seq, language });
    if (this._queue.length > 100) this._queue.shift();
    this._translateNext();
  }

  /** Whether a reader of my languages probably needs a translation of this message. */
  needsTranslation(message) {
    if (message.kind !== "post" || message.author === this.me.user || message.recalled_by !== null) return false;
    const told = message.translations.get(this.target);
    if (told && told.revision === message.revision) return !this.me.languages.includes(canonical(told.source || "und"));
    if (scriptIn(message.text) === null) return false;
    if (message.written_in && message.revision === 0) return !this.me.languages.includes(canonical(message.written_in));
    return isForeign(message.text, this.me.languages);
  }

  /** Whether the server could translate it, as far as its routes tell. */
  canTranslate(message) {
    return mayBeTranslated(message.text, this.target, this.routes);
  }

  /** A message scrolled into view. */
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
    this._change();
    try {
      const page = await this.connection.ask({ type: "history", room: room.id, before: room.oldest, epoch: room.epoch, limit: PAGE });
      applyPage(room, page, true);
    } catch {
      // The connection will come back, and so will the reader's thumb.
    } finally {
      this.loadingOlder = false;
      this._change();
    }
  }

  /** Loads what lies in a gap, page by page. */
  async fill(one) {
    const { room } = this;
    if (one.lost || one.loading) return;
    one.loading = true;
    this._change();
    try {
      for (let pages = 0; pages < 10; pages += 1) {
        const page = await this.connection.ask({ type: "history", room: room.id, after: one.after, epoch: room.epoch, limit: 100 });
        applyPage(room, page, false);
        one.after = Math.max(one.after, page.last);
        one.missed = Math.max(0, one.missed - page.entries.length);
        if (!page.more || one.after >= one.upto || page.entries.length === 0) {
          room.gaps = room.gaps.filter((other) => other !== one);
          return;
        }
      }
    } catch (failed) {
      if (failed.code !== "disconnected" && !failed.retryable) one.lost = true;
    } finally {
      one.loading = false;
      this._change();
    }
  }

  askPeople() {
    this.connection.tell({ type: "presence", room: this.room.id });
  }

  /** I have seen everything up to here. */
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

  /** Changes what I read. Translations into a new language are with the history, so it is loaded again. */
  async setLanguages(languages) {
    this.me.languages = languages.map(canonical);
    this._change();
    try {
      await this.connection.ask({ type: "set_languages", languages: this.me.languages });
      const { room } = this;
      const from = room.order[0] ?? 0;
      const page = await this.connection.ask({ type: "history", room: room.id, epoch: room.epoch, limit: 100 });
      if (page.first <= from || page.entries.length === 0) applyPage(room, page, true);
      else applyPage(room, page, false);
      this._change();
    } catch {
      // The next hello says the new languages.
    }
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
    }
    this.dispatchEvent(new CustomEvent("connection", { detail: state }));
    this._change();
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
        return this._change();
      case "typing":
        if (frame.user !== this.me.user) {
          this.typing.set(frame.user, { name: frame.name, until_ms: Date.now() + TYPING_LIFE_MS });
          this._change();
        }
        return undefined;
      default:
        return undefined;
    }
  }

  _welcome(frame) {
    this.me.user = frame.user;
    this.me.name = frame.name;
    this.routes = frame.routes ?? [];
    Object.assign(this.limits, frame.limits);
    const refused = (frame.refused ?? []).find((one) => one.room === this.room.id);
    if (refused) this.dispatchEvent(new CustomEvent("refused", { detail: refused.code }));
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
    for (const one of this.room.gaps) if (!one.lost && one.missed <= GAP_FILL_MAX) this.fill(one);
    this._change();
  }

  async _loadLatest() {
    if (this._loadingLatest) return;
    this._loadingLatest = true;
    try {
      const page = await this.connection.ask({ type: "history", room: this.room.id, epoch: this.room.epoch, limit: PAGE });
      applyPage(this.room, page, true);
      this.loaded = true;
      this.dispatchEvent(new CustomEvent("loaded"));
    } catch (failed) {
      if (failed.code !== "disconnected") setTimeout(() => this._recover(), failed.retry_after_ms ?? 1000);
    } finally {
      this._loadingLatest = false;
      this._change();
    }
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
    this._change();
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
        this._stopExpecting(seq);
        this._settle(key);
        if (failed.code === "too_fast") setTimeout(() => this.translate(seq, language), failed.retry_after_ms ?? 1000);
        else if (failed.code !== "disconnected") this.failures.set(seq, failed.code);
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
    const message = this.room.messages.get(seq);
    if (!message) return;
    message.version += 1;
    this._change();
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
        this._change();
        const { room, text, once, reply_to, mentions } = post;
        try {
          const ack = await this.connection.ask({ type: "post", room, text, once, reply_to, mentions });
          this.unsent.change(once, { state: "sent", seq: ack.position?.[1] ?? null });
        } catch (failed) {
          if (failed.code === "disconnected") {
            this.unsent.change(once, { state: "waiting" });
            return;
          }
          if (failed.retryable) {
            this.unsent.change(once, { state: "waiting", code: failed.code });
            this._change();
            await new Promise((resolve) => setTimeout(resolve, Math.max(200, failed.retry_after_ms ?? 1000)));
          } else {
            this.unsent.change(once, { state: "failed", code: failed.code });
            this.dispatchEvent(new CustomEvent("refusal", { detail: failed.code }));
          }
        }
        this._change();
      }
    } finally {
      this._flushing = false;
    }
  }

  async _do(command) {
    try {
      return await this.connection.ask(command);
    } catch (failed) {
      const code = failed instanceof CommandFailed ? failed.code : "other";
      this.dispatchEvent(new CustomEvent("refusal", { detail: code }));
      throw failed;
    }
  }

  _tick() {
    const now = Date.now();
    let changed = false;
    for (const [user, { until_ms }] of this.typing) {
      if (until_ms < now) changed = this.typing.delete(user);
    }
    if (changed) this._change();
  }

  _change() {
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
