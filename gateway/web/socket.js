// The connection: one WebSocket that says hello, answers commands by id, and comes back by itself.
// Invariant: a command's promise is settled exactly once, by its answering frame or by the end of the socket that
// carried it ({code: "disconnected"}): whoever must not lose it keeps a once-key and asks again.
// Coming back: after a `closing` frame when it says so, otherwise by exponential backoff; both with jitter, because
// a thousand phones that lost one server must not meet again at the same millisecond.

export const SUBPROTOCOL = "diqiucun.v1.json";
const OPEN_WITHIN_MS = 10_000;
const QUIET_MS = 28_000; // silence after which we ask whether anybody is there
const PONG_WITHIN_MS = 8_000;
const BACKOFF_FIRST_MS = 400;
const BACKOFF_MAX_MS = 20_000;
const RESTARTING = 4000;
const REFUSED = { 4501: "token_expired", 4502: "unauthenticated" };
const FINAL = new Set(["unauthenticated", "token_expired", "language_invalid", "malformed"]);

export class CommandFailed extends Error {
  constructor(code, words = "", retryable = false, retry_after_ms = null) {
    super(words || code);
    Object.assign(this, { code, words, retryable, retry_after_ms });
  }
}

export class Connection {
  #url;
  #hello;
  #onFrame;
  #onState;
  #socket = null;
  #nextId = 1;
  #waiting = new Map(); // id -> {type, resolve, reject}
  #timers = {};
  #attempt = 0;
  #closing = null;
  #wanted = false;
  #wasReady = false;

  /** `hello` gives the fields of a fresh hello; `onFrame(frame)` gets what answers no command; `onState(state)`
   * gets {kind: connecting | ready | resuming | offline | restarting | refused | ended, ...}. */
  constructor({ url, hello, onFrame, onState }) {
    Object.assign(this, { state: { kind: "connecting" } });
    this.#url = url;
    this.#hello = hello;
    this.#onFrame = onFrame;
    this.#onState = onState;
  }

  get ready() {
    return this.state.kind === "ready";
  }

  start() {
    this.#wanted = true;
    globalThis.addEventListener("online", this.#wake);
    globalThis.addEventListener("offline", this.#sleep);
    document.addEventListener("visibilitychange", this.#look);
    this.#open();
  }

  stop() {
    this.#wanted = false;
    globalThis.removeEventListener("online", this.#wake);
    globalThis.removeEventListener("offline", this.#sleep);
    document.removeEventListener("visibilitychange", this.#look);
    this.#drop();
  }

  /** Do not wait for the rest of the pause. */
  retryNow() {
    if (this.#wanted && !this.#socket) this.#open();
  }

  /** Sends a command and resolves with its answer; rejects with CommandFailed. */
  ask(command) {
    if (!this.ready) return Promise.reject(new CommandFailed("disconnected", "", true));
    return this.#ask(command);
  }

  /** Sends a command nobody waits for (typing, read marker). */
  tell(command) {
    if (this.ready) this.#ask(command).catch(() => {});
  }

  #ask(command) {
    const id = this.#nextId;
    this.#nextId = (this.#nextId % 2_000_000_000) + 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { type: command.type, resolve, reject });
      this.#socket.send(JSON.stringify({ ...command, id }));
    });
  }

  #wake = () => this.retryNow();

  #sleep = () => {
    if (this.#socket) this.#lost(this.#socket);
  };

  #look = () => {
    if (document.visibilityState !== "visible") return;
    if (!this.#socket) this.retryNow();
    else if (this.ready) this.#ping(); // a phone that slept does not know that its socket died
  };

  #enter(state) {
    this.state = state;
    this.#onState(state);
  }

  #after(name, ms, act) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(act, ms);
  }

  #open() {
    clearTimeout(this.#timers.retry);
    this.#closing = null;
    let socket;
    try {
      socket = new WebSocket(this.#url, [SUBPROTOCOL]);
    } catch {
      this.#retryLater();
      return;
    }
    this.#socket = socket;
    this.#enter({ kind: this.#wasReady ? "resuming" : "connecting" });
    this.#after("open", OPEN_WITHIN_MS, () => this.#lost(socket));
    socket.onopen = () => {
      if (socket !== this.#socket) return;
      this.#ask({ type: "hello", ...this.#hello() }).then(
        () => {},
        (failed) => {
          if (!FINAL.has(failed.code)) return this.#lost(socket);
          this.#wanted = false;
          this.#drop();
          return this.#enter({ kind: "refused", code: failed.code });
        },
      );
    };
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#receive(data);
    };
    socket.onclose = (event) => {
      if (socket !== this.#socket) return;
      // 4500 to 4999 mean "do not come back until something on your side has changed" (docs/protocol.md).
      if (event.code >= 4500 && event.code < 5000) this.#closing ??= { code: event.code, retry_after_ms: null, words: event.reason };
      this.#lost(socket);
    };
  }

  #receive(data) {
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    this.#after("quiet", QUIET_MS, () => this.#ping());
    clearTimeout(this.#timers.pong);
    const asked = frame.re === undefined || frame.re === null ? undefined : this.#waiting.get(frame.re);
    if (frame.type === "welcome") {
      clearTimeout(this.#timers.open);
      this.#attempt = 0;
      this.#wasReady = true;
      this.#enter({ kind: "ready" });
    }
    if (frame.type === "closing") this.#closing = frame;
    // A room frame under hello's id is news of one room of several; hello itself is answered by `welcome`.
    if (asked && !(frame.type === "room" && asked.type === "hello")) {
      this.#waiting.delete(frame.re);
      if (frame.type === "error") {
        asked.reject(new CommandFailed(frame.code, frame.words, frame.retryable, frame.retry_after_ms));
      } else {
        asked.resolve(frame);
      }
      if (!/^(room|welcome|people)$/.test(frame.type)) return;
    }
    this.#onFrame(frame);
  }

  #ping() {
    const socket = this.#socket;
    if (!this.ready) return;
    this.#after("pong", PONG_WITHIN_MS, () => this.#lost(socket));
    this.tell({ type: "ping" });
  }

  #drop() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    const left = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of left) reject(new CommandFailed("disconnected", "", true));
  }

  #lost(socket) {
    if (socket !== this.#socket) return;
    const closing = this.#closing;
    this.state = { kind: "resuming" };
    this.#drop();
    if (!this.#wanted) return;
    if (closing && closing.retry_after_ms === null) {
      this.#wanted = false;
      const code = REFUSED[closing.code];
      this.#enter(code ? { kind: "refused", code } : { kind: "ended", code: closing.code, words: closing.words ?? "" });
      return;
    }
    this.#retryLater(closing);
  }

  #retryLater(closing = null) {
    const backoff = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** this.#attempt);
    this.#attempt += 1;
    const wait = closing
      ? closing.retry_after_ms * (1 + Math.random() / 10)
      : backoff * (0.5 + Math.random() / 2);
    const kind = navigator.onLine === false ? "offline" : closing?.code === RESTARTING ? "restarting" : this.#attempt > 3 ? "offline" : "resuming";
    this.#enter({ kind: this.#wasReady || kind !== "resuming" ? kind : "connecting" });
    this.#after("retry", wait, () => this.#open());
  }
}
