// The host's desk. It asks, tells what was done and takes it back; its parts draw: the queue (queue.js), how one may
// speak (order.js), the programme, polls and announcements (show.js), how it goes (numbers.js), what was done
// (records.js). On a phone one part at a time, on a laptop all of them beside the queue. The log says what became true.

import { h, icon } from "../view/dom.js";
import { style } from "../view/style.js";
import "./host-words.js";
import { Numbers } from "./numbers.js";
import { Order } from "./order.js";
import { Queue } from "./queue.js";
import { Records } from "./records.js";
import { Show } from "./show.js";

export { openMember } from "./member.js";

const NAMES_MAX = 100; // as `names` takes
const TOLD_MS = 12_000;
const AGAIN_MS = 250;
const NUMBERS_EVERY_MS = 2000;
const FRESH_MS = 10_000; // so long a translation of a held message may still be made
const INVERSE = { // as INVERSE of the server
  timeout: "unmute", mute: "unmute", unmute: "mute", ban: "unban", unban: "ban", shadow: "unshadow", unshadow: "shadow",
  invite_speaker: "dismiss_speaker", dismiss_speaker: "invite_speaker",
};
const STIRS = /^(conduct|sanction|held|report|words|hand)/;

await style("/web/stage/host.css");

class Desk {
  constructor(stage) {
    this.stage = stage;
    this.talk = stage.talk;
    this.page = stage.page;
    this.say = stage.page.say;
    this.last = null; // what can be undone: {words, undo}
    this.frame = null;
    this.asked = new Set(); // users whose names were asked for
    this.queue = new Queue(this);
    this.order = new Order(this);
    this.show = new Show(this);
    this.numbers = new Numbers(this);
    this.records = new Records(this);
    this.#build();
    this.ask();
  }

  #build() {
    const { say } = this;
    const parts = [this.queue, this.order, this.show, this.numbers, this.records].map((part) => part.element);
    this.tabs = h("div", { class: "desk-tabs", role: "group", "aria-label": say("host_desk") }, parts.map(({ dataset: { tab } }) => h("button", {
      type: "button", "data-tab": tab, "aria-pressed": "false", onclick: () => this.#turn(tab),
    }, say(`desk_${tab}`), h("span", { class: "badge", hidden: true }))));
    this.told = h("div", { class: "desk-told", role: "status", hidden: true });
    this.dialog = h("dialog", { class: "desk", "aria-labelledby": "desk-title" },
      h("div", { class: "desk-head" }, h("h2", { id: "desk-title" }, say("host_desk")), this.tabs,
        h("button", { type: "button", class: "plain", "aria-label": say("close"), onclick: () => this.dialog.close() }, icon("close"))),
      h("div", { class: "desk-body" }, parts), this.told);
    // On the document: a part that goes out of sight leaves the focus with the body.
    const key = (event) => this.#key(event);
    document.addEventListener("keydown", key);
    this.dialog.addEventListener("close", () => {
      this.dialog.remove();
      document.removeEventListener("keydown", key);
      clearInterval(this.timer);
      if (this.stage.desk === this) this.stage.desk = null;
    });
    this.#turn("queue");
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.timer = setInterval(() => this.numbers.render(), NUMBERS_EVERY_MS);
  }

  // To another part.
  #turn(tab) {
    this.dialog.dataset.tab = tab;
    for (const button of this.tabs.children) button.setAttribute("aria-pressed", String(button.dataset.tab === tab));
    if (tab === "records" && !this.records.audit) this.records.loadAudit();
  }

  /** How many wait in a part. */
  badge(tab, n) {
    for (const button of this.tabs.children) {
      const badge = button.querySelector(".badge");
      const shown = button.dataset.tab === tab ? n : 0;
      badge.hidden = !shown;
      badge.textContent = String(shown);
    }
  }

  // ---- asking

  async ask() {
    if (this.asking) {
      this.again = true;
      return;
    }
    this.asking = true;
    try {
      this.frame = await this.talk.connection.ask({ type: "desk", room: this.talk.room.id });
      this.failed = null;
    } catch (failed) {
      this.failed = failed.code;
      if (failed.retryable || failed.code === "too_fast") setTimeout(() => this.ask(), failed.retry_after_ms ?? 2000);
    } finally {
      this.asking = false;
      if (this.again) {
        this.again = false;
        setTimeout(() => this.ask(), AGAIN_MS);
      }
    }
    this.learn([...(this.frame?.reports ?? []).flatMap((one) => one.reports.flatMap(({ by, author }) => [by, author])), ...(this.frame?.hands ?? []).map((one) => one.user)]);
    this.render(true);
    // The other text of a held message may still be made, and is not sent to moderators who do not read its language.
    const fresh = this.frame?.held.some((one) => !this.queue.translations(one).length && this.stage.now() - one.at_ms < FRESH_MS);
    clearTimeout(this.later);
    if (fresh && this.dialog.isConnected) this.later = setTimeout(() => this.ask(), 1000);
  }

  /** A live room tells nobody who came: names that the desk has to say and has not heard are asked for, once. */
  async learn(users) {
    const { room, connection } = this.talk;
    const unknown = [...new Set(users)].filter((user) => user && !room.people.has(user) && !this.asked.has(user)).slice(0, NAMES_MAX);
    if (!unknown.length) return;
    for (const user of unknown) this.asked.add(user);
    try {
      const { cards } = await connection.ask({ type: "names", room: room.id, users: unknown });
      for (const { user, name } of cards) room.people.set(user, name);
    } catch {
      return; // somebody they stay
    }
    this.queue.sign = this.records.sign = null;
    this.render(true);
  }

  /** A command, and what to say when it is done. `undo(seq)` takes it back. Resolves to whether it was done. */
  async do(type, fields, words, undo = null) {
    try {
      const seq = (await this.stage.command(type, fields)) ?? 0;
      this.last = { words, undo: undo && (() => undo(seq)) };
      this.#tell();
      this.ask();
      return true;
    } catch {
      return false; // the room has told it already
    }
  }

  #tell() {
    const { say } = this;
    const { words, undo } = this.last;
    this.told.hidden = false;
    this.told.replaceChildren(h("p", {}, words), undo ? h("button", { type: "button", class: "word", onclick: () => this.#undo() }, say("undo")) : "");
    clearTimeout(this.tellTimer);
    this.tellTimer = setTimeout(() => {
      this.told.hidden = true;
    }, TOLD_MS);
  }

  #undo() {
    const undo = this.last?.undo;
    this.last = null;
    this.told.hidden = true;
    undo?.();
  }

  /** Decide about a member; can be taken back where the house can. */
  sanction(user, name, action, more = {}) {
    const words = this.say(`did_${action}`, { name });
    const back = INVERSE[action];
    return this.do("sanction", { user, action, ...more }, words, back && ((seq) => this.do("sanction", { user, action: back, undoes: seq }, this.say("undone"))));
  }

  conduct(changes, words) {
    const before = this.stage.state.conduct;
    return this.do("set_conduct", { conduct: { ...before, ...changes } }, words ?? this.say("conduct_set"),
      () => this.do("set_conduct", { conduct: before }, this.say("undone")));
  }

  // ---- drawing

  render(forced = false) {
    if (!this.stage.hosting) return this.dialog.close(); // no longer a moderator
    const { room } = this.talk;
    const sign = [...room.naming.values()].filter(({ event }) => STIRS.test(event.type)).length;
    if (sign !== this.stirred) {
      const first = this.stirred === undefined;
      this.stirred = sign;
      if (!first) this.ask();
    }
    if (forced || room.naming.size !== this.known) this.queue.render();
    this.known = room.naming.size;
    for (const part of [this.order, this.show, this.numbers]) part.render();
    if (forced) {
      this.order.showLine();
      this.records.render();
    }
    return undefined;
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.closest("input, textarea, select") || document.querySelector("dialog.sheet[open]")) return;
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    const act = { a: "approve", r: "refuse", t: "timeout", m: "mute", b: "ban" }[event.key.toLowerCase()];
    const { rows, current } = this.queue;
    if (event.key.toLowerCase() === "u" && this.last?.undo) this.#undo();
    else if (step && rows.length) {
      this.#turn("queue");
      this.queue.move(step);
    } else if (act && rows.length && !event.repeat) this.queue.decide(rows[current], act);
    else return;
    event.preventDefault();
  }
}

export function openDesk(stage) {
  if (stage.desk) return;
  stage.desk = new Desk(stage);
  stage.desk.render(true);
}
