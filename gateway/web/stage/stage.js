// What everybody sees of a hosted room: a slim bar under the head (countdown, what is on, announcement, an open poll),
// why one cannot speak just now, and what became of a message that was held. Fetched when the room is hosted; the
// sheets are in sheets.js, the host's desk in host.js.
//
// Nothing in the log moves when a tally arrives four times a second: the bar redraws only what its sign says changed.

import { moderates, pinsOf } from "../depth.js";
import { mayBeTranslated } from "../language.js";
import { find } from "../room.js";
import { wordsForError } from "../words.js";
import { onceKey } from "../unsent.js";
import "../words-later.js";
import "./words.js";
import { ICONS, h, icon, toast, unseen } from "../view/dom.js";
import { reading, textNodes } from "../view/message.js";
import { style } from "../view/style.js";
import { linesFor, needsLines, openedPoll, placeIn, pollLines, programmeLines, silenceOf, stageOf } from "./state.js";

const RESULT_FOR_MS = 90_000; // how long a result stays in the bar
const STRETCH_MS = 10_000; // what is left out within so long is one line in the log
const AGAIN_MS = 3_000;
const TRIES_MAX = 4;
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

/** Minutes and seconds, or hours too, as a clock shows them. */
export function clockOf(ms) {
  const s = Math.max(0, Math.ceil(ms / 1000));
  const two = (n) => String(n).padStart(2, "0");
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

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
    this.held = new Map(); // seq -> {what, text, until_ms, why}
    this.away = new Set(view.memory.get("stage-away", []));
    this.askedFor = new Set();
    this.reacted = new Map(); // "seq emoji" -> my reaction that is about to be told with all others
    this.wait = null;
    this.hand = false;
    this.heard = []; // for the desk: arrivals of the last minutes
    this.bar = h("section", { class: "stage", "aria-label": this.page.say("stage_region"), hidden: true });
    this.top = h("div", { class: "stage-top" });
    this.cards = h("div", { class: "stage-cards" });
    this.bar.append(this.top, this.cards);
    this.why = h("div", { class: "stage-why", tabindex: -1, hidden: true });
    this.whyWords = h("p", { role: "status" });
    this.mineBox = h("div", { class: "stage-mine", "aria-live": "polite" });
    this.timer = setInterval(() => this.#tick(), 1000);
    this.#place();
  }

  get me() {
    return this.talk.me.user;
  }

  now() {
    return Date.now() + this.ahead_ms;
  }

  #place() {
    const { view } = this;
    const body = view.element.querySelector(".body");
    body.classList.add("staged");
    body.querySelector(".pins").before(this.bar);
    view.composer.element.before(this.mineBox, this.why);
    // Slow mode: Enter and the button wait with the reader; a draft is never lost to a refusal that was foreseen.
    const hold = (event) => {
      if (!this.silence?.waits) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      toast(this.#whyText(this.silence), { refusal: true });
    };
    view.composer.element.addEventListener("keydown", (event) => {
      const sends = event.target === view.composer.box && event.key === "Enter" && !event.shiftKey && !event.altKey && !event.isComposing && event.keyCode !== 229;
      if (sends && view.composer.list.hidden && !matchMedia("(hover: none) and (pointer: coarse)").matches) hold(event);
    }, { capture: true });
    view.composer.button.addEventListener("click", hold, { capture: true });
    const act = view.act.bind(view);
    view.act = (verb, ...rest) => (verb === "react" ? this.react(...rest) : act(verb, ...rest));
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
      this.tallies.clear();
      this.votes.clear();
      this.mine.clear();
      this.minded.clear();
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

  async vote(of, choices) {
    const before = this.mine.get(of);
    this.mine.set(of, choices);
    this.talk.redraw();
    try {
      await this.command("vote_poll", { of, choices });
    } catch {
      this.mine.set(of, before ?? this.state.polls.get(of)?.mine ?? []);
      this.talk.redraw();
    }
  }

  async mind(of, on) {
    this.minded.set(of, on);
    this.talk.redraw();
    try {
      await this.command("vote_question", { of, on });
    } catch {
      this.minded.set(of, !on);
      this.talk.redraw();
    }
  }

  async raise(on) {
    this.hand = on;
    this.talk.redraw();
    try {
      await this.command("raise_hand", { on });
      if (on && this.silence?.why !== "invited") toast(this.page.say("hand_is_up"));
    } catch {
      this.hand = !on;
      this.talk.redraw();
    }
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
        this.#react(frame.counts);
        break;
      case "skipped":
        this.#skip(frame);
        break;
      case "wait":
        this.wait = frame;
        break;
      case "decided":
        this.#decided(frame);
        break;
      default:
        break;
    }
  }

  #react(counts) {
    for (const [seq, by] of Object.entries(counts)) {
      const message = find(this.talk.room, Number(seq));
      if (message?.kind !== "post" || message.recalled_by !== null) continue;
      for (const [emoji, n] of Object.entries(by)) {
        const known = this.reacted.get(`${seq} ${emoji}`);
        this.reacted.delete(`${seq} ${emoji}`);
        count(message, emoji, n - (known && Date.now() - known.at_ms < 1000 ? known.by : 0));
      }
      message.version += 1;
    }
  }

  // My own reaction counts at once, and not again when all of them are told.
  react(message, emoji, on) {
    this.talk.change("react", { of: message.seq, emoji, on }).then((ack) => {
      if ((this.state.conduct.kind ?? "group") !== "live") return;
      const mark = `${this.me} ${emoji}`;
      if (Boolean(message.marks.get(mark)?.on) === on) return;
      message.marks.set(mark, { seq: ack.position?.[1] ?? 0, by: this.me, emoji, on, n: 0 });
      count(message, emoji, on ? 1 : -1);
      this.reacted.set(`${message.seq} ${emoji}`, { by: on ? 1 : -1, at_ms: Date.now() });
      message.version += 1;
      this.talk.redraw();
    }, () => {});
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

  #decided({ what, of, until_ms, why }) {
    const { say } = this.page;
    if (what === "held") {
      this.lastHeld_ms = this.now();
      this.held.set(of, { what: why === "prescreen" ? "prescreen" : "held", text: this.held.get(of)?.text ?? null, until_ms, why: "" });
    } else if (what === "approved") {
      this.held.delete(of);
    } else if (what === "refused") {
      const known = this.held.get(of);
      this.held.set(of, { what: "refused", text: known?.text ?? null, until_ms: 0, why });
    } else {
      const key = what === "dismiss_speaker" && !this.state?.standing.speaker ? "told_not_now" : `told_${what}`;
      const words = say(key);
      // Who is led out is told so at the door; here there is only the reason to add.
      if (words !== key && (why || !LEADS_OUT.has(what))) toast(why ? `${words} · ${say("because", { why })}` : words, { refusal: !/^(un|invite|dismiss)/.test(what) });
      if (/_speaker$/.test(what)) this.hand = false;
      if (ASK_AGAIN.has(what)) this.ask();
      // Live rooms tell nobody who left, so this is how one hears it of oneself.
      if (LEADS_OUT.has(what)) this.talk.dispatchEvent(new CustomEvent("refused", { detail: what === "ban" ? "banned" : "removed" }));
    }
  }

  // A held message is taken out of what is being sent: it waits here, in sight of its author.
  #takeHeld() {
    const { unsent, room } = this.talk;
    for (const post of unsent.of(room.id)) {
      const held = post.seq !== null && this.held.get(post.seq);
      if (!held) continue;
      held.text = post.text;
      unsent.remove(post.once);
    }
    for (const [seq] of this.held) {
      const message = room.messages.get(seq);
      if (message?.kind === "post") this.held.delete(seq);
    }
  }

  // ---- drawing

  render() {
    const { talk } = this;
    const { room } = talk;
    const told = talk.told.splice(0);
    for (const frame of told) this.#hear(frame);
    // The log was drawn a moment ago, before these were heard.
    if (told.some(({ type }) => type === "reactions" || type === "skipped")) talk.redraw();
    if (room.conduct !== this.frame && room.epoch !== null) {
      this.frame = room.conduct;
      this.wait = null;
      this.ask();
    }
    this.state = stageOf(room, this.answer, this.asOf);
    this.#count();
    this.#takeHeld();
    this.#translate();
    this.#showTop();
    this.#showCards();
    this.#showWhy();
    this.#showMine();
    this.#showWait();
    this.desk?.render();
  }

  // How many messages came, and how long ago they were written: for the desk's charts.
  #count() {
    const { room } = this.talk;
    const from = this.counted ?? room.last;
    for (let at = room.order.length - 1; at >= 0 && room.order[at] > from; at -= 1) {
      const message = room.messages.get(room.order[at]);
      if (message.kind === "post") this.heard.push({ at_ms: Date.now(), seq: message.seq });
    }
    this.counted = room.last;
    const old = Date.now() - 300_000;
    while (this.heard.length && this.heard[0].at_ms < old) this.heard.shift();
  }

  // Texts of the stage are translated like messages, under the seq of their entry; newcomers ask for what they missed.
  #translate() {
    const { talk, state } = this;
    const wanted = [...state.polls.values()].filter((one) => !one.closed).map((one) => [one.of, pollLines(one.opened)]);
    if (state.programme) wanted.push([state.programme_seq, programmeLines(state.programme)]);
    for (const one of state.questions.values()) if (!one.settled) wanted.push([one.of, [one.asked.text]]);
    if (!talk.connection.ready) return;
    for (const [seq, texts] of wanted) {
      if (!texts.length || this.askedFor.has(seq) || !needsLines(texts, talk.me.languages)) continue;
      if (!mayBeTranslated(texts.join("\n"), talk.target, talk.routes)) continue;
      this.askedFor.add(seq);
      // It comes by itself to who was here; who came later asks, after a moment in which it may still be made.
      setTimeout(() => {
        if (!this.#lines(seq, texts).made) talk.connection.ask({ type: "translate", room: talk.room.id, of: seq, language: talk.target }).catch(() => {});
      }, seq > this.asOf ? 2000 : 0);
    }
  }

  #lines(seq, texts) {
    return linesFor(this.talk.room, seq, texts, this.talk.me.languages);
  }

  /** A poll's {question, options, made, language} as I read it. */
  pollTexts(of) {
    const opened = openedPoll(this.talk.room, this.state, of);
    if (!opened) return null;
    const { lines, made, language } = this.#lines(of, pollLines(opened));
    return { question: lines[0], options: lines.slice(1), made, language };
  }

  /** The programme as I read it: {about, titles, made, language}. */
  programmeTexts() {
    const { programme, programme_seq } = this.state;
    const { lines, made, language } = this.#lines(programme_seq, programmeLines(programme));
    const [about, ...titles] = programme.about ? lines : ["", ...lines];
    return { about, titles, made, language };
  }

  /** A question as I read it. */
  questionText(one) {
    const { lines, made, language } = linesFor(this.talk.room, one.of, [one.asked.text], this.talk.me.languages);
    return { text: lines[0], made, language };
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

  #phase() {
    const { conduct, programme } = this.state;
    const phase = conduct.phase ?? "open";
    if (phase !== "open") return phase;
    return conduct.kind === "live" ? "live" : programme ? "open" : "";
  }

  #showTop() {
    const { say, time, ui } = this.page;
    const { conduct, programme } = this.state;
    const phase = this.#phase();
    const questions = this.questions;
    const texts = programme && this.programmeTexts();
    const place = programme ? placeIn(programme.items ?? [], this.now()) : { now: -1, next: -1 };
    const handy = !this.hosting && phase !== "archive" && conduct.kind === "live";
    const sign = JSON.stringify([phase, texts?.titles, place, programme?.starts_ms, questions.length, this.hosting, this.hand, handy, ui]);
    this.bar.hidden = !phase && !this.hosting && this.cards.childElementCount === 0 && !questions.length;
    if (sign === this.topSign) return;
    this.topSign = sign;
    const focused = this.top.contains(document.activeElement) ? document.activeElement.dataset.part : null;
    const tool = (part, picture, words, act, more = {}) => h("button", { type: "button", class: "plain", "data-part": part, "aria-label": words, onclick: act, "aria-haspopup": "dialog", ...more }, icon(picture), more.badge && h("span", { class: "badge", "aria-hidden": "true" }, more.badge));
    const item = place.now >= 0 ? say("on_now", { title: texts.titles[place.now] })
      : place.next >= 0 ? say("comes_next", { time: time.clock(programme.items[place.next].at_ms), title: texts.titles[place.next] }) : "";
    const starts = phase === "lobby" && programme?.starts_ms;
    this.countdown = starts ? h("strong", { class: "countdown", role: "timer", "aria-live": "off" }, this.#untilStart()) : null;
    const words = phase === "lobby" ? [starts ? h("span", { class: "stage-small" }, say("starts_in")) : h("strong", {}, say("doors_open")), this.countdown]
      : phase === "live" ? [h("span", { class: "live-chip" }, say("live_now")), item && h("span", { class: "first", dir: "auto", lang: texts.language }, item)]
      : phase === "archive" ? [h("span", { class: "live-chip over" }, say("archive_now")), h("span", { class: "first" }, say("archive_words"))]
      : [item && h("span", { class: "first", dir: "auto" }, item)];
    this.top.replaceChildren(
      h("div", { class: "stage-words" }, words.filter(Boolean)),
      ...[programme && tool("programme", "calendar", say("programme"), () => this.open("openProgramme")),
        (phase || questions.length > 0) && tool("questions", "ask", say("questions_n", { n: questions.length }), () => this.open("openQuestions"), { badge: questions.length ? String(questions.length) : null }),
        handy && tool("hand", "hand", say(this.hand ? "hand_down" : "hand_up"), () => this.raise(!this.hand), { "aria-haspopup": null, "aria-pressed": String(this.hand) }),
        this.hosting && tool("desk", "desk", say("host_desk"), () => this.host("openDesk"))].filter(Boolean));
    if (focused) this.top.querySelector(`[data-part="${focused}"]`)?.focus();
  }

  #untilStart() {
    const left = this.state.programme.starts_ms - this.now();
    if (left <= 0) return this.page.say("doors_open");
    const days = Math.floor(left / 86_400_000);
    return `${days ? `${this.page.say("days_left", { n: days })} ` : ""}${clockOf(left % 86_400_000)}`;
  }

  #announcement() {
    const { room } = this.talk;
    const pins = pinsOf(room);
    const seq = room.order.findLast((one) => room.messages.get(one).announced && room.messages.get(one).recalled_by === null);
    return seq === undefined || pins.includes(seq) || this.away.has(seq) ? null : room.messages.get(seq);
  }

  #polls() {
    return [...this.state.polls.values()].filter((one) => !this.away.has(one.of) && (!one.closed || (one.closed.outcome === "ended" && this.now() - one.closed.at_ms < RESULT_FOR_MS)))
      .sort((a, b) => Boolean(a.closed) - Boolean(b.closed) || b.of - a.of);
  }

  #showCards() {
    const announcement = this.#announcement();
    const polls = this.#polls();
    const [poll] = polls;
    const sign = JSON.stringify([announcement?.seq, announcement?.version, this.page.ui, poll && this.#pollSign(poll), polls.length]);
    if (sign === this.cardsSign) return;
    this.cardsSign = sign;
    const focused = this.cards.contains(document.activeElement) ? document.activeElement.dataset.part : null;
    this.cards.replaceChildren(...[announcement && this.#announced(announcement), poll && this.pollCard(poll),
      polls.length > 1 && h("button", { type: "button", class: "word", "data-part": "polls", onclick: () => this.open("openPolls") }, this.page.say("polls_more", { n: polls.length - 1 }))].filter(Boolean));
    if (focused) this.cards.querySelector(`[data-part="${focused}"]`)?.focus();
    this.bar.hidden &&= this.cards.childElementCount === 0;
  }

  #pollSign(poll) {
    return [poll.of, this.countsOf(poll), this.choicesOf(poll), Boolean(poll.closed), this.pollTexts(poll.of)];
  }

  #announced(message) {
    const { say } = this.page;
    this.talk.look(message);
    const read = reading(message, this.talk, null);
    return h("div", { class: "announced-card", role: "note", "aria-label": say("announcement") },
      icon("horn"),
      h("button", { type: "button", class: "announced-words", "data-part": "announcement", onclick: () => this.view.messages.jump(message.seq) },
        h("span", { class: "text", dir: "auto", lang: read.main.language || null }, textNodes(read.main, this.me)),
        read.main.made === "machine" && h("span", { class: "stage-small" }, say("by_machine"))),
      this.#putAway(message.seq));
  }

  #putAway(seq) {
    return h("button", { type: "button", class: "plain", "data-part": `away ${seq}`, "aria-label": this.page.say("put_away_it"), onclick: () => {
      this.away.add(seq);
      this.view.memory.set("stage-away", [...this.away].slice(-50));
      this.talk.redraw();
      this.view.element.querySelector("#composer")?.focus({ preventScroll: true });
    } }, icon("close"));
  }

  countsOf(poll) {
    const told = poll.closed ?? this.tallies.get(poll.of) ?? poll;
    return { counts: told.counts ?? [], voters: told.voters ?? 0 };
  }

  choicesOf(poll) {
    return this.mine.get(poll.of) ?? poll.mine;
  }

  /** A poll to vote in, or its result. */
  pollCard(poll, closable = true) {
    const { say } = this.page;
    const texts = this.pollTexts(poll.of);
    const { counts, voters } = this.countsOf(poll);
    const mine = this.choicesOf(poll);
    const { opened, closed } = poll;
    const most = opened.choices_max ?? 1;
    const shown = counts.length > 0 && (closed || mine.length > 0 || this.hosting);
    const percent = new Intl.NumberFormat(this.page.ui, { style: "percent" });
    const choose = (at) => {
      if (most === 1) return this.vote(poll.of, mine.includes(at) ? [] : [at]);
      const next = mine.includes(at) ? mine.filter((one) => one !== at) : [...mine, at].slice(-most);
      return this.vote(poll.of, next.sort((a, b) => a - b));
    };
    const option = (words, at) => {
      const share = voters ? (counts[at] ?? 0) / voters : 0;
      const right = closed && closed.answer === at;
      const bar = h("span", { class: "poll-bar", "aria-hidden": "true" });
      bar.style.inlineSize = `${shown ? Math.round(share * 100) : 0}%`;
      const inside = [bar, h("span", { class: "poll-words", dir: "auto", lang: texts.language }, words),
        right && h("span", { class: "poll-mark" }, icon("check"), unseen(say("right_answer"))),
        mine.includes(at) && closed && h("span", { class: "stage-small" }, say("your_vote")),
        shown && h("span", { class: "count" }, percent.format(share))];
      return h("li", {}, closed ? h("div", { class: `poll-option closed${right ? " right" : ""}` }, inside)
        : h("button", { type: "button", class: "poll-option", "data-part": `poll ${poll.of} ${at}`, "aria-pressed": String(mine.includes(at)), onclick: () => choose(at) }, inside));
    };
    const until = !closed && opened.closes_ms ? h("span", { class: "until", "data-closes": opened.closes_ms }, say("closes_in", { time: clockOf(opened.closes_ms - this.now()) })) : null;
    return h("div", { class: "poll-card", role: "group", "aria-label": texts.question },
      h("div", { class: "poll-head" },
        h("p", { class: "stage-small" }, say(opened.quiz ? "quiz" : "poll"), texts.made && ` · ${say("by_machine")}`),
        closable && closed && this.#putAway(poll.of)),
      h("p", { class: "poll-question", dir: "auto", lang: texts.language }, texts.question),
      h("ul", { class: "poll-options" }, texts.options.map(option)),
      h("p", { class: "stage-small poll-foot" },
        h("span", {}, closed ? say("poll_over") : opened.quiz && mine.length ? say("quiz_secret") : most === 1 ? say("choose_one") : say("choose_many", { n: most })),
        h("span", {}, say("voters_n", { n: voters })), until));
  }

  #whyText(silence) {
    const { say } = this.page;
    if (silence.why === "invited" && this.hand) return say("hand_is_up");
    return say(`why_${silence.why}`, { time: silence.until_ms ? clockOf(silence.until_ms - this.now()) : "", n: silence.n });
  }

  #spoke() {
    const { room, unsent } = this.talk;
    const seq = room.order.findLast((one) => room.messages.get(one).kind === "post" && room.messages.get(one).author === this.me);
    const sent = unsent.of(room.id).filter((one) => one.state !== "failed").at(-1);
    const held = this.lastHeld_ms ?? 0;
    return Math.max(seq === undefined ? 0 : room.messages.get(seq).at_ms, sent ? sent.at_ms + this.ahead_ms : 0, held);
  }

  #showWhy() {
    const { talk, page, view } = this;
    const silence = silenceOf(this.state, { role: talk.room.role, now_ms: this.now(), spoke_ms: this.#spoke() });
    this.silence = silence;
    const blocked = Boolean(silence?.blocked) || Boolean(this.wait);
    let leaves = false; // the focus, out of a box that goes out of sight
    if (view.composer.element.hidden !== blocked) {
      const inside = view.composer.element.contains(document.activeElement);
      view.composer.element.hidden = blocked;
      leaves = inside && blocked;
    }
    this.why.hidden = !silence || Boolean(this.wait);
    const sign = JSON.stringify([silence?.why, this.hand, page.ui]);
    if (silence && sign !== this.whySign) {
      const hand = silence.why === "invited" && h("button", { type: "button", class: "secondary", "aria-pressed": String(this.hand), onclick: () => this.raise(!this.hand) }, icon("hand"), page.say(this.hand ? "hand_down" : "hand_up"));
      const focused = this.why.contains(document.activeElement);
      this.why.className = `stage-why${silence.blocked ? " blocked" : ""}`;
      this.why.replaceChildren(...[icon(silence.blocked ? "lock" : "clock"), this.whyWords, hand].filter(Boolean));
      if (focused) this.why.querySelector("button")?.focus();
    }
    this.whySign = silence ? sign : null;
    this.#whyTick();
    if (leaves) this.why.focus({ preventScroll: true });
  }

  #whyTick() {
    if (!this.silence) return;
    const words = this.#whyText(this.silence);
    // A countdown is no news each second: only what it counts for is announced.
    this.whyWords.setAttribute("aria-live", this.silence.until_ms ? "off" : "polite");
    if (this.whyWords.textContent !== words) this.whyWords.textContent = words;
  }

  #showMine() {
    const { say } = this.page;
    const shown = [...this.held].filter(([, one]) => one.text !== null).slice(-3);
    const sign = JSON.stringify([shown, this.page.ui]);
    if (sign === this.mineSign) return;
    this.mineSign = sign;
    this.mineBox.replaceChildren(...shown.map(([seq, one]) => h("div", { class: `held-mine ${one.what}` }, icon(one.what === "refused" ? "alert" : "clock"),
      h("div", {}, h("p", {}, h("strong", { "data-due": one.what === "prescreen" ? one.until_ms : null }, say(`mine_${one.what}`, { time: clockOf(one.until_ms - this.now()) })), one.why && ` · ${say("because", { why: one.why })}`),
        h("p", { class: "first", dir: "auto" }, one.text)),
      one.what === "refused" && h("button", { type: "button", class: "plain", "aria-label": say("close"), onclick: () => {
        this.held.delete(seq);
        this.talk.redraw();
      } }, icon("close")))));
  }

  #showWait() {
    const { say } = this.page;
    if (!this.wait) {
      this.waitBox?.remove();
      this.waitBox = null;
      return;
    }
    if (!this.waitBox) {
      this.waitBox = h("div", { class: "stage-wait", role: "status" });
      this.view.element.querySelector(".body").append(this.waitBox);
    }
    const { place, waiting } = this.wait;
    const sign = `${place} ${waiting} ${this.page.ui}`;
    if (this.waitBox.dataset.sign === sign) return;
    this.waitBox.dataset.sign = sign;
    this.waitBox.replaceChildren(h("img", { src: "/web/icon.svg", alt: "", width: 72, height: 72 }), h("h2", {}, say("wait_title")), h("p", { class: "wait-place" }, say("wait_place", { n: place })),
      h("p", {}, say("wait_words")), h("p", { class: "stage-small" }, say("wait_all", { n: waiting })));
  }

  #tick() {
    if (!this.view.element.isConnected) {
      clearInterval(this.timer);
      return;
    }
    if (!this.state) return;
    if (this.countdown?.isConnected) {
      const words = this.#untilStart();
      if (this.countdown.textContent !== words) this.countdown.textContent = words;
    }
    for (const node of document.querySelectorAll("[data-closes]")) node.textContent = this.page.say("closes_in", { time: clockOf(node.dataset.closes - this.now()) });
    for (const node of this.mineBox.querySelectorAll("[data-due]")) node.textContent = this.page.say("mine_prescreen", { time: clockOf(node.dataset.due - this.now()) });
    const now = silenceOf(this.state, { role: this.talk.room.role, now_ms: this.now(), spoke_ms: this.#spoke() })?.why;
    if (now !== this.silence?.why) this.#showWhy();
    else this.#whyTick();
    this.#showTop();
    this.#showCards();
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
    if (event.type === "poll_opened") {
      return h("div", { class: "line note stage-note" }, h("span", {}, `${say("poll_by", { name: this.called(event.by, event.name) })}: `, h("bdi", {}, this.pollTexts(note.seq)?.question ?? event.question)));
    }
    if (event.outcome !== "ended") return h("div", { class: "line note stage-note" }, h("span", {}, say("poll_withdrawn")));
    const opened = openedPoll(this.talk.room, this.state, event.of);
    if (!opened) return h("div", { class: "line note stage-note" }, h("span", {}, `${say("poll_over")} · ${say("voters_n", { n: event.voters })}`));
    return h("div", { class: "line stage-result" }, this.pollCard({ of: event.of, opened, counts: event.counts, voters: event.voters, mine: [], closed: { ...event, at_ms: note.at_ms } }, false));
  }

  called(user, name = "") {
    return user === this.me ? this.page.say("you") : this.talk.called(user, name) || this.talk.room.people.get(user) || this.page.say("somebody");
  }

  // ---- sheets

  open(sheet, ...rest) {
    return import("./sheets.js").then((sheets) => sheets[sheet](this, ...rest), () => toast(wordsForError(this.page.say, "network"), { refusal: true }));
  }

  host(sheet, ...rest) {
    return import("./host.js").then((desk) => desk[sheet](this, ...rest), () => toast(wordsForError(this.page.say, "network"), { refusal: true }));
  }
}

// Counts without names are one mark of nobody's: it stands beside the marks of those whose names are known.
function count(message, emoji, by) {
  const known = message.marks.get(` ${emoji}`) ?? { seq: Number.MAX_SAFE_INTEGER, by: "", emoji, n: 0 };
  const n = known.n + by;
  message.marks.set(` ${emoji}`, { ...known, n, on: n !== 0 });
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
