// Why this reader cannot speak just now, in place of the box or above it; and the line before a full room.
// Slow mode waits with the reader: a draft is never lost to a refusal that was foreseen.

import { h, icon, toast } from "../view/dom.js";
import { clockOf } from "./clock.js";
import { silenceOf } from "./state.js";

export class Silence {
  constructor(stage) {
    this.stage = stage;
    this.talk = stage.talk;
    this.page = stage.page;
    this.view = stage.view;
    this.now = null; // {why, until_ms, blocked, waits}, or null
    this.wait = null; // the latest frame that told a place in line
    this.words = h("p", { role: "status" });
    this.element = h("div", { class: "stage-why", tabindex: -1, hidden: true });
    this.#hold();
  }

  // Enter and the button wait while slow mode does.
  #hold() {
    const { composer } = this.view;
    const hold = (event) => {
      if (!this.now?.waits) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      toast(this.#text(), { refusal: true });
    };
    composer.element.addEventListener("keydown", (event) => {
      const sends = event.target === composer.box && event.key === "Enter" && !event.shiftKey && !event.altKey && !event.isComposing && event.keyCode !== 229;
      if (sends && composer.list.hidden && !matchMedia("(hover: none) and (pointer: coarse)").matches) hold(event);
    }, { capture: true });
    composer.button.addEventListener("click", hold, { capture: true });
  }

  #text() {
    const { say } = this.page;
    const { why, until_ms, n } = this.now;
    if (why === "invited" && this.stage.hand) return say("hand_is_up");
    return say(`why_${why}`, { time: until_ms ? clockOf(until_ms - this.stage.now()) : "", n });
  }

  #spoke() {
    const { stage, talk } = this;
    const { room, unsent } = talk;
    const seq = room.order.findLast((one) => room.messages.get(one).kind === "post" && room.messages.get(one).author === talk.me.user);
    const sent = unsent.of(room.id).filter((one) => one.state !== "failed").at(-1);
    return Math.max(seq === undefined ? 0 : room.messages.get(seq).at_ms, sent ? sent.at_ms + stage.ahead_ms : 0, stage.held.last_ms);
  }

  #found() {
    return silenceOf(this.stage.state, { role: this.talk.room.role, now_ms: this.stage.now(), spoke_ms: this.#spoke() });
  }

  render() {
    const { page, view, stage } = this;
    const silence = this.#found();
    this.now = silence;
    const blocked = Boolean(silence?.blocked) || Boolean(this.wait);
    let leaves = false; // the focus, out of a box that goes out of sight
    if (view.composer.element.hidden !== blocked) {
      const inside = view.composer.element.contains(document.activeElement);
      view.composer.element.hidden = blocked;
      leaves = inside && blocked;
    }
    this.element.hidden = !silence || Boolean(this.wait);
    const sign = JSON.stringify([silence?.why, stage.hand, page.ui]);
    if (silence && sign !== this.sign) {
      const hand = silence.why === "invited" && h("button", { type: "button", class: "secondary", "aria-pressed": String(stage.hand), onclick: () => stage.raise(!stage.hand) }, icon("hand"), page.say(stage.hand ? "hand_down" : "hand_up"));
      const focused = this.element.contains(document.activeElement);
      this.element.className = `stage-why${silence.blocked ? " blocked" : ""}`;
      this.element.replaceChildren(...[icon(silence.blocked ? "lock" : "clock"), this.words, hand].filter(Boolean));
      if (focused) this.element.querySelector("button")?.focus();
    }
    this.sign = silence ? sign : null;
    this.#say();
    if (leaves) this.element.focus({ preventScroll: true });
  }

  #say() {
    if (!this.now) return;
    const words = this.#text();
    // A countdown is no news each second: only what it counts for is announced.
    this.words.setAttribute("aria-live", this.now.until_ms ? "off" : "polite");
    if (this.words.textContent !== words) this.words.textContent = words;
  }

  /** Once a second. */
  tick() {
    if (this.#found()?.why !== this.now?.why) this.render();
    else this.#say();
  }

  showWait() {
    const { say, ui } = this.page;
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
    const sign = `${place} ${waiting} ${ui}`;
    if (this.waitBox.dataset.sign === sign) return;
    this.waitBox.dataset.sign = sign;
    this.waitBox.replaceChildren(h("img", { src: "/web/icon.svg", alt: "", width: 72, height: 72 }), h("h2", {}, say("wait_title")), h("p", { class: "wait-place" }, say("wait_place", { n: place })),
      h("p", {}, say("wait_words")), h("p", { class: "stage-small" }, say("wait_all", { n: waiting })));
  }
}
