// The slim bar under the head: countdown or what is on, the tools, the latest announcement, the open poll.
// It draws again only what its sign says changed: a tally comes four times a second.

import { pinsOf } from "../depth.js";
import { h, icon } from "../view/dom.js";
import { reading, textNodes } from "../view/message.js";
import { clockOf } from "./clock.js";
import { pollCard } from "./poll.js";
import { placeIn } from "./state.js";

const RESULT_FOR_MS = 90_000; // how long a result stays in the bar

export class Bar {
  constructor(stage) {
    this.stage = stage;
    this.talk = stage.talk;
    this.page = stage.page;
    this.view = stage.view;
    this.away = new Set(this.view.memory.get("stage-away", []));
    this.top = h("div", { class: "stage-top" });
    this.cards = h("div", { class: "stage-cards" });
    this.element = h("section", { class: "stage", "aria-label": this.page.say("stage_region"), hidden: true }, this.top, this.cards);
  }

  render() {
    this.#showTop();
    this.#showCards();
  }

  /** Once a second. */
  tick() {
    if (this.countdown?.isConnected) {
      const words = this.#untilStart();
      if (this.countdown.textContent !== words) this.countdown.textContent = words;
    }
    this.render();
  }

  #phase() {
    const { conduct, programme } = this.stage.state;
    const phase = conduct.phase ?? "open";
    if (phase !== "open") return phase;
    return conduct.kind === "live" ? "live" : programme ? "open" : "";
  }

  #showTop() {
    const { stage } = this;
    const { say, time, ui } = this.page;
    const { conduct, programme } = stage.state;
    const { hosting, hand } = stage;
    const phase = this.#phase();
    const { questions } = stage;
    const texts = programme && stage.programmeTexts();
    const place = programme ? placeIn(programme.items ?? [], stage.now()) : { now: -1, next: -1 };
    const handy = !hosting && phase !== "archive" && conduct.kind === "live";
    const sign = JSON.stringify([phase, texts?.titles, place, programme?.starts_ms, questions.length, hosting, hand, handy, ui]);
    this.element.hidden = !phase && !hosting && this.cards.childElementCount === 0 && !questions.length;
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
      ...[programme && tool("programme", "calendar", say("programme"), () => stage.open("openProgramme")),
        (phase || questions.length > 0) && tool("questions", "ask", say("questions_n", { n: questions.length }), () => stage.open("openQuestions"), { badge: questions.length ? String(questions.length) : null }),
        handy && tool("hand", "hand", say(hand ? "hand_down" : "hand_up"), () => stage.raise(!stage.hand), { "aria-haspopup": null, "aria-pressed": String(hand) }),
        hosting && tool("desk", "desk", say("host_desk"), () => stage.host("openDesk"))].filter(Boolean));
    if (focused) this.top.querySelector(`[data-part="${focused}"]`)?.focus();
  }

  #untilStart() {
    const left = this.stage.state.programme.starts_ms - this.stage.now();
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
    return [...this.stage.state.polls.values()].filter((one) => !this.away.has(one.of) && (!one.closed || (one.closed.outcome === "ended" && this.stage.now() - one.closed.at_ms < RESULT_FOR_MS)))
      .sort((a, b) => Boolean(a.closed) - Boolean(b.closed) || b.of - a.of);
  }

  #showCards() {
    const { stage } = this;
    const announcement = this.#announcement();
    const polls = this.#polls();
    const [poll] = polls;
    const sign = JSON.stringify([announcement?.seq, announcement?.version, this.page.ui, poll && this.#pollSign(poll), polls.length]);
    if (sign === this.cardsSign) return;
    this.cardsSign = sign;
    const focused = this.cards.contains(document.activeElement) ? document.activeElement.dataset.part : null;
    this.cards.replaceChildren(...[announcement && this.#announced(announcement), poll && pollCard(stage, poll, this.#putAway(poll.of)),
      polls.length > 1 && h("button", { type: "button", class: "word", "data-part": "polls", onclick: () => stage.open("openPolls") }, this.page.say("polls_more", { n: polls.length - 1 }))].filter(Boolean));
    if (focused) this.cards.querySelector(`[data-part="${focused}"]`)?.focus();
    this.element.hidden &&= this.cards.childElementCount === 0;
  }

  #pollSign(poll) {
    const { stage } = this;
    return [poll.of, stage.countsOf(poll), stage.choicesOf(poll), Boolean(poll.closed), stage.pollTexts(poll.of)];
  }

  #announced(message) {
    const { say } = this.page;
    this.talk.look(message);
    const read = reading(message, this.talk, null);
    return h("div", { class: "announced-card", role: "note", "aria-label": say("announcement") },
      icon("horn"),
      h("button", { type: "button", class: "announced-words", "data-part": "announcement", onclick: () => this.view.messages.jump(message.seq) },
        h("span", { class: "text", dir: "auto", lang: read.main.language || null }, textNodes(read.main, this.talk.me.user)),
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
}
