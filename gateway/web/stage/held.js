// What became of messages of mine that were held: they wait above the box, in sight of their author, until they are
// let through, or are told to be refused.

import { h, icon } from "../view/dom.js";
import { clockOf } from "./clock.js";

const SHOWN_MAX = 3;

export class Held {
  constructor(stage) {
    this.stage = stage;
    this.talk = stage.talk;
    this.page = stage.page;
    this.messages = new Map(); // seq -> {what, text, until_ms, why}
    this.last_ms = 0; // when the latest was held, on the log's clock
    this.element = h("div", { class: "stage-mine", "aria-live": "polite" });
  }

  /** Takes a frame that decides about a held message; false for any other. */
  decided({ what, of, until_ms, why }) {
    const known = this.messages.get(of);
    if (what === "held") {
      this.last_ms = this.stage.now();
      this.messages.set(of, { what: why === "prescreen" ? "prescreen" : "held", text: known?.text ?? null, until_ms, why: "" });
    } else if (what === "approved") this.messages.delete(of);
    else if (what === "refused") this.messages.set(of, { what, text: known?.text ?? null, until_ms: 0, why });
    else return false;
    return true;
  }

  // A held message is taken out of what is being sent: it waits here.
  #take() {
    const { unsent, room } = this.talk;
    for (const post of unsent.of(room.id)) {
      const held = post.seq !== null && this.messages.get(post.seq);
      if (!held) continue;
      held.text = post.text;
      unsent.remove(post.once);
    }
    for (const [seq] of this.messages) {
      const message = room.messages.get(seq);
      if (message?.kind === "post") this.messages.delete(seq);
    }
  }

  render() {
    this.#take();
    const { say, ui } = this.page;
    const shown = [...this.messages].filter(([, one]) => one.text !== null).slice(-SHOWN_MAX);
    const sign = JSON.stringify([shown, ui]);
    if (sign === this.sign) return;
    this.sign = sign;
    this.element.replaceChildren(...shown.map(([seq, one]) => h("div", { class: `held-mine ${one.what}` }, icon(one.what === "refused" ? "alert" : "clock"),
      h("div", {}, h("p", {}, h("strong", { "data-due": one.what === "prescreen" ? one.until_ms : null }, say(`mine_${one.what}`, { time: clockOf(one.until_ms - this.stage.now()) })), one.why && ` · ${say("because", { why: one.why })}`),
        h("p", { class: "first", dir: "auto" }, one.text)),
      one.what === "refused" && h("button", { type: "button", class: "plain", "aria-label": say("close"), onclick: () => {
        this.messages.delete(seq);
        this.talk.redraw();
      } }, icon("close")))));
  }

  /** Once a second. */
  tick() {
    for (const node of this.element.querySelectorAll("[data-due]")) node.textContent = this.page.say("mine_prescreen", { time: clockOf(node.dataset.due - this.stage.now()) });
  }
}
