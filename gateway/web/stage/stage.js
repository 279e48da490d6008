// What everybody sees of a hosted room. The stage asks and hears; the parts draw: the slim bar (bar.js), why one
// cannot speak just now and the line before a full room (silence.js), what became of a message that was held
// (held.js), counted reactions (counted.js). Fetched when the room is hosted; the sheets are in sheets.js, the host's
// desk in host.js.
//
// Nothing in the log moves when a tally arrives four times a second: each part redraws only what its sign says changed.

import { moderates } from "../depth.js";
import { wordsForError } from "../words.js";
import { onceKey } from "../unsent.js";
import "../words-later.js";
import "./words.js";
import { ICONS, h, toast } from "../view/dom.js";
import { style } from "../view/style.js";
import { Bar } from "./bar.js";
import { clockOf } from "./clock.js";
import { Counted } from "./counted.js";
import { Held } from "./held.js";
import { pollCard } from "./poll.js";
import { Silence } from "./silence.js";
import { openedPoll, stageOf } from "./state.js";
import { Texts } from "./texts.js";

const STRETCH_MS = 10_000; // what is left out within so long is one line in the log
const AGAIN_MS = 3_000;
const TRIES_MAX = 4;
const HEARD_FOR_MS = 300_000;
const LEADS_OUT = new Set(["kick", "ban"]);
const ASK_AGAIN = new Set(["timeout", "mute", "unmute", "invite_speaker", "dismiss_speaker", "unban"]);

Object.assign(ICONS, {
  calendar: "M5 6h14v14H5zM5 10.500h14M9 3.500V8M15 3.500V8",
  ask: "M4 5h16v11h-8l-4.500 4V16H4zM10 8.800c.3-1.600 4-1.600 4 .4 0 1.300-2 1.300-2 2.600M12 13.800h.01",
  hand: "M8 12V6.500a1.500 1.500 0 0 1 3 0V11M11 10.500V4.500a1.500 1.500 0 0 1 3 0V11M14 10.500V6a1.500 1.500 0 0 1 3 0v8c0 4-2 6.500-5.500 6.500-3 0-4-1.500-6.500-6 1-1.500 2-1.500 3 .5",
  desk: "M4 5h16v11H4zM9 20h6M12 16v4M8 9.500h5M8 12.500h8",
  vote: "M12 19V6M6 11.500 12 5.500l6 6",
  lock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  horn: "M4 10v4h3l8 4V6l-8 4zM18 9.500c1.3 1.300 1.300 3.700 0 5M8 14l1 5.500h2.500L10.500 15",
});

await style("/web/stage/stage.css");

class Stage {
  constructor(view) {
    this.view = view;
    this.talk = view.talk;
    this.page = view.page;
    this.answer = null;
    this.asOf = 0;
    this.ahead_ms = 0; // the log's clock, less this device's
    this.tallies = new Map();
    this.votes = new Map(); // question -> votes
    this.mine = new Map(); // poll -> my choices since the answer
    this.minded = new Map(); // question -> whether I want to know it, since the answer
    this.raised = null; // my hand, as I left it since the answer
    this.heard = []; // for the desk: arrivals of the last minutes
    this.texts = new Texts(this.talk);
    this.counted = new Counted(this.talk);
    this.bar = new Bar(this);
    this.held = new Held(this);
    this.silence = new Silence(this);
    this.timer = setInterval(() => this.#tick(), 1000);
    this.#place();
  }

  now() {
    return Date.now() + this.ahead_ms;
  }

  #place() {
    const { view } = this;
    const body = view.element.querySelector(".body");
    body.classList.add("staged");
    body.querySelector(".pins").before(this.bar.element);
    view.composer.element.before(this.held.element, this.silence.element);
    const act = view.act.bind(view);
    const counts = () => (this.state.conduct.kind ?? "group") === "live";
    view.act = (verb, ...rest) => (verb === "react" ? this.counted.react(...rest, counts) : act(verb, ...rest));
  }

  // ---- asking the server

  /** Once at the beginning, after each return, and whenever something was decided about me. */
  async ask() {
    if (this.asking || !this.talk.connection.ready) return;
    this.asking = true;
    const { room } = this.talk;
    const asOf = room.last;
    try {
      this.answer = await this.talk.connection.ask({ type: "stage", room: room.id });
      this.asOf = asOf;
      this.ahead_ms = this.answer.now_ms - Date.now();
      for (const since of [this.tallies, this.votes, this.mine, this.minded]) since.clear();
      this.raised = null;
    } catch (failed) {
      if (failed.code !== "disconnected" && (failed.retryable || failed.code === "too_fast")) setTimeout(() => this.ask(), failed.retry_after_ms ?? AGAIN_MS);
    } finally {
      this.asking = false;
      this.talk.redraw();
    }
  }

  /** A command of the stage; a refusal is told and thrown. What was only too fast is asked again: a host does many
   * things in a minute. Resolves to its position's seq, or null. */
  async command(type, fields) {
    const once = onceKey();
    for (let tries = 1; ; tries += 1) {
      try {
        const ack = await this.talk.connection.ask({ type, room: this.talk.room.id, ...fields, once });
        return ack.position?.[1] ?? null;
      } catch (failed) {
        if (failed.retryable && failed.code !== "disconnected" && tries < TRIES_MAX) {
          await new Promise((resolve) => setTimeout(resolve, Math.min(5000, failed.retry_after_ms ?? 500)));
          continue;
        }
        this.talk.dispatchEvent(new CustomEvent("refusal", { detail: failed.code ?? "other" }));
        throw failed;
      }
    }
  }

  // Shown at once, and taken back where it is refused.
  async #assume(change, type, fields, back) {
    change();
    this.talk.redraw();
    try {
      await this.command(type, fields);
      return true;
    } catch {
      back();
      this.talk.redraw();
      return false;
    }
  }

  vote(of, choices) {
    const before = this.mine.get(of);
    return this.#assume(() => this.mine.set(of, choices), "vote_poll", { of, choices }, () => this.mine.set(of, before ?? this.state.polls.get(of)?.mine ?? []));
  }

  mind(of, on) {
    return this.#assume(() => this.minded.set(of, on), "vote_question", { of, on }, () => this.minded.set(of, !on));
  }

  get hand() {
    return this.raised ?? this.state.hand;
  }

  async raise(on) {
    const raise = (is) => () => {
      this.raised = is;
    };
    const done = await this.#assume(raise(on), "raise_hand", { on }, raise(!on));
    if (done && on && this.silence.now?.why !== "invited") toast(this.page.say("hand_is_up"));
  }

  // ---- hearing

  #hear(frame) {
    const { room } = this.talk;
    switch (frame.type) {
      case "crowd":
        room.here = { ...frame, people: room.here?.people ?? [] };
        break;
      case "poll_tally":
        this.tallies.set(frame.of, frame);
        break;
      case "question_tally":
        for (const [of, n] of Object.entries(frame.votes)) this.votes.set(Number(of), n);
        break;
      case "reactions":
        this.counted.hear(frame);
        break;
      case "skipped":
        this.#skip(frame);
        break;
      case "wait":
        this.silence.wait = frame;
        break;
      case "decided":
        if (!this.held.decided(frame)) this.#decided(frame);
        break;
      default:
        break;
    }
  }

  // What was left out is one line for each stretch of some seconds, where it begins; a tap loads it.
  #skip({ first, last, count }) {
    const { room } = this.talk;
    const open = room.gaps.at(-1);
    if (open?.sampled && !open.loading && Date.now() - open.at_ms < STRETCH_MS) {
      open.missed += count;
      open.upto = Math.max(open.upto, last);
    } else {
      room.gaps.push({ after: first - 1, upto: last, missed: count, lost: false, sampled: true, at_ms: Date.now() });
    }
  }

  #decided({ what, why }) {
    const { say } = this.page;
    const key = what === "dismiss_speaker" && !this.state?.standing.speaker ? "told_not_now" : `told_${what}`;
    const words = say(key);
    // Who is led out is told so at the door; here there is only the reason to add.
    if (words !== key && (why || !LEADS_OUT.has(what))) toast(why ? `${words} · ${say("because", { why })}` : words, { refusal: !/^(un|invite|dismiss)/.test(what) });
    if (/_speaker$/.test(what)) this.raised = false;
    if (ASK_AGAIN.has(what)) this.ask();
    // Live rooms tell nobody who left, so this is how one hears it of oneself.
    if (LEADS_OUT.has(what)) this.talk.dispatchEvent(new CustomEvent("refused", { detail: what === "ban" ? "banned" : "removed" }));
  }

  // ---- drawing

  render() {
    const { talk } = this;
    const { room } = talk;
    const told = talk.told.splice(0);
    for (const frame of told) this.#hear(frame);
    // The log was drawn a moment ago, before these were heard.
    if (this.counted.settle() || told.some(({ type }) => type === "skipped")) talk.redraw();
    if (room.conduct !== this.frame && room.epoch !== null) {
      this.frame = room.conduct;
      this.silence.wait = null;
      this.ask();
    }
    this.state = stageOf(room, this.answer, this.asOf);
    if (this.raised === this.state.hand) this.raised = null;
    this.#count();
    this.texts.ask(this.state, this.asOf);
    this.bar.render();
    this.held.render();
    this.silence.render();
    this.silence.showWait();
    this.desk?.render();
  }

  // How many messages came, and how long ago they were written: for the desk's charts.
  #count() {
    const { room } = this.talk;
    const from = this.heardUpTo ?? room.last;
    for (let at = room.order.length - 1; at >= 0 && room.order[at] > from; at -= 1) {
      const message = room.messages.get(room.order[at]);
      if (message.kind === "post") this.heard.push({ at_ms: Date.now(), seq: message.seq });
    }
    this.heardUpTo = room.last;
    const old = Date.now() - HEARD_FOR_MS;
    while (this.heard.length && this.heard[0].at_ms < old) this.heard.shift();
  }

  #tick() {
    if (!this.view.element.isConnected) {
      clearInterval(this.timer);
      return;
    }
    if (!this.state) return;
    for (const node of document.querySelectorAll("[data-closes]")) node.textContent = this.page.say("closes_in", { time: clockOf(node.dataset.closes - this.now()) });
    for (const part of [this.held, this.silence, this.bar]) part.tick();
  }

  // ---- what the parts and sheets read

  /** A poll's {question, options, made, language} as I read it. */
  pollTexts(of) {
    return this.texts.poll(this.state, of);
  }

  /** The programme as I read it: {about, titles, made, language}. */
  programmeTexts() {
    return this.texts.programme(this.state);
  }

  /** A question as I read it. */
  questionText(one) {
    return this.texts.question(one);
  }

  countsOf(poll) {
    const told = poll.closed ?? this.tallies.get(poll.of) ?? poll;
    return { counts: told.counts ?? [], voters: told.voters ?? 0 };
  }

  choicesOf(poll) {
    return this.mine.get(poll.of) ?? poll.mine;
  }

  votesOf(one) {
    const counted = this.votes.get(one.of) ?? one.votes;
    return Math.max(counted, Number(this.minds(one)));
  }

  minds(one) {
    return this.minded.get(one.of) ?? one.mine;
  }

  /** Open questions, what is on stage first, then by votes. */
  get questions() {
    return [...this.state.questions.values()].filter((one) => !one.settled)
      .sort((a, b) => b.on_stage - a.on_stage || this.votesOf(b) - this.votesOf(a) || a.of - b.of);
  }

  get hosting() {
    return moderates(this.talk.room);
  }

  called(user, name = "") {
    return user === this.talk.me.user ? this.page.say("you") : this.talk.called(user, name) || this.talk.room.people.get(user) || this.page.say("somebody");
  }

  // ---- the log

  /** What a line of the log shows of polls: changes whenever it has to be drawn again. */
  sign(note) {
    if (note.kind !== "stage" || !this.state) return "";
    const of = note.event.type === "poll_opened" ? note.seq : note.event.of;
    return JSON.stringify([this.pollTexts(of), this.page.ui]);
  }

  /** A poll that begins or ends, in the log. */
  line(note) {
    const { say } = this.page;
    const { event } = note;
    const words = (...children) => h("div", { class: "line note stage-note" }, h("span", {}, children));
    if (event.type === "poll_opened") return words(`${say("poll_by", { name: this.called(event.by, event.name) })}: `, h("bdi", {}, this.pollTexts(note.seq)?.question ?? event.question));
    if (event.outcome !== "ended") return words(say("poll_withdrawn"));
    const opened = openedPoll(this.talk.room, this.state, event.of);
    if (!opened) return words(`${say("poll_over")} · ${say("voters_n", { n: event.voters })}`);
    return h("div", { class: "line stage-result" }, pollCard(this, { of: event.of, opened, counts: event.counts, voters: event.voters, mine: [], closed: { ...event, at_ms: note.at_ms } }));
  }

  // ---- sheets

  open(sheet, ...rest) {
    return import("./sheets.js").then((sheets) => sheets[sheet](this, ...rest), () => this.#lost());
  }

  host(sheet, ...rest) {
    return import("./host.js").then((desk) => desk[sheet](this, ...rest), () => this.#lost());
  }

  #lost() {
    toast(wordsForError(this.page.say, "network"), { refusal: true });
  }
}

/** Adds the stage to a room's view, once; returns what can be asked of it. */
export function begin(view) {
  if (!view.context.stage) {
    view.context.stage = new Stage(view);
    view.context.stage.render();
    view.talk.redraw();
  }
  return view.context.stage;
}
