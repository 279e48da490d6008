// What waits for a moderator: raised hands, and messages that were held or reported, both texts side by side.

import { guessTag, languageName, shortName } from "../language.js";
import { wordsForError } from "../words.js";
import { h, icon } from "../view/dom.js";
import { openMember } from "./member.js";
import { Part } from "./part.js";

const TIMEOUT_S = 600;

export class Queue extends Part {
  constructor(desk) {
    super(desk, "queue");
    this.current = 0; // the row that keys are about
  }

  get rows() {
    const { frame } = this.desk;
    if (!frame) return [];
    return [
      ...frame.held.map((one) => ({ kind: "held", of: one.of, user: one.held.author, name: one.held.name, one })),
      ...frame.reports.map((one) => ({ kind: "report", of: one.of, user: one.reports[0]?.author, name: this.stage.called(one.reports[0]?.author), one })),
    ];
  }

  translations(one) {
    const found = new Map(Object.entries(one.translations ?? {}));
    for (const { event } of this.talk.room.naming.values()) if (event.type === "translated" && event.of === one.of) found.set(event.language, event.text);
    return [...found];
  }

  /** Keys and buttons: approve | refuse | timeout | mute | ban. */
  decide(row, act) {
    const { user, name, of } = row;
    if (act === "approve" || act === "refuse") {
      if (row.kind === "report") return this.desk.do("settle_report", { of, remove: act === "refuse" }, this.say(act === "refuse" ? "did_remove" : "did_keep"));
      return this.desk.do("decide_held", { of, approve: act === "approve" }, this.say(`did_${act}`));
    }
    return this.desk.sanction(user, name, act, act === "timeout" ? { for_s: TIMEOUT_S, of } : { of });
  }

  render() {
    const { say } = this;
    const { frame } = this.desk;
    const part = this.element;
    const rows = this.rows;
    const hands = frame?.hands ?? [];
    this.desk.badge("queue", rows.length + hands.length);
    this.current = Math.max(0, Math.min(this.current, rows.length - 1));
    const sign = JSON.stringify([rows.map((row) => [row.kind, row.one, this.translations(row.one)]), hands, frame?.more_held, this.desk.failed]);
    if (sign === this.sign) return;
    this.sign = sign;
    const focused = part.contains(document.activeElement) ? document.activeElement.closest("[data-of]")?.dataset.of ?? "list" : null;
    part.replaceChildren(
      this.desk.failed && !frame ? h("p", { class: "failure" }, wordsForError(say, this.desk.failed)) : "",
      hands.length ? h("div", { class: "hands" }, h("h3", {}, say("hands")), h("ul", {}, hands.map((one) => h("li", { class: "hand-row" }, icon("hand"), h("bdi", { class: "name" }, this.stage.called(one.user, one.name)),
        h("button", { type: "button", class: "secondary", onclick: () => this.desk.sanction(one.user, one.name, "invite_speaker") }, say("invite")),
        h("button", { type: "button", class: "word", onclick: () => this.desk.do("sanction", { user: one.user, action: "dismiss_speaker" }, say("did_not_now", { name: one.name })) }, say("dismiss")))))) : "",
      h("div", { class: "queue-head" }, h("h3", {}, say("held_n", { n: rows.length + (frame?.more_held ?? 0) })), h("p", { class: "keys", "aria-hidden": "true" }, say("keys_hint"))),
      rows.length ? h("ol", { class: "queue" }, rows.map((row, at) => this.#row(row, at))) : h("p", { class: "queue-empty" }, frame ? say("queue_empty") : say("queue_loading")));
    if (focused) this.focus();
  }

  /** To the current row. */
  focus() {
    this.#mark();
    const at = this.element.querySelectorAll(".queue-row")[this.current];
    (at ?? this.desk.tabs.querySelector("button"))?.focus({ preventScroll: false });
  }

  /** The current row, `step` further. */
  move(step) {
    this.current = Math.max(0, Math.min(this.rows.length - 1, this.current + step));
    this.focus();
  }

  #mark() {
    this.element.querySelectorAll(".queue-row").forEach((node, at) => node.classList.toggle("current", at === this.current));
  }

  #row(row, at) {
    const { say } = this;
    const { kind, one } = row;
    const { time } = this.page;
    const texts = kind === "held"
      ? [["", one.held.text], ...this.translations(one)]
      : [["", one.original], ...this.translations(one)];
    const hits = kind === "held" ? one.held.hits ?? [] : [];
    const original = kind === "held" ? one.held.written_in || guessTag(one.held.text, []) : guessTag(one.original, []);
    const why = kind === "held" ? say(`held_${one.held.why}`) : say("reported_n", { n: one.reports.length });
    const key = (letter) => h("kbd", { "aria-hidden": "true" }, letter);
    const button = (act, letter, words, style = "secondary") => h("button", { type: "button", class: style, onclick: () => this.decide(row, act) }, words, key(letter));
    return h("li", {
      class: `queue-row${at === this.current ? " current" : ""}`, tabindex: 0, "data-of": one.of, "aria-label": `${row.name}: ${why}`,
      onfocusin: () => {
        this.current = at;
        this.#mark();
      },
    },
    h("div", { class: "queue-who" }, h("button", { type: "button", class: "who-open", "aria-haspopup": "dialog", onclick: () => openMember(this.stage, row) }, h("bdi", { class: "name" }, this.stage.called(row.user, row.name))),
      kind === "held" && h("time", {}, time.clock(one.at_ms)), h("span", { class: `why-chip ${kind}` }, why)),
    h("div", { class: "both-texts" }, texts.map(([language, text]) => h("div", { class: "one-text" },
      h("span", { class: "tag" }, shortName(language || original || "und")),
      h("p", { class: "text", dir: "auto", lang: language || original || null }, marked(text, hits.filter((hit) => hit.language === language)))))),
    hits.length > 0 && h("p", { class: "stage-small" }, hits.map((hit) => say("hit_line", { word: hit.word, how: say(`how_${hit.how || "plain"}`), action: say(`word_${hit.action}`) })).join(" · ")),
    kind === "report" && h("ul", { class: "reports" }, one.reports.map((each) => h("li", {}, h("bdi", { class: "name" }, this.stage.called(each.by)), each.why && [" · ", h("bdi", {}, each.why)],
      h("p", { class: "stage-small" }, say("saw_so", { language: each.language ? languageName(each.language, this.page.ui) : say("the_original") }), " ", h("bdi", { lang: each.language || null }, each.seen))))),
    kind === "held" && one.recent?.length > 0 && h("details", {}, h("summary", {}, say("recent_n", { n: one.recent.length })), h("ul", { class: "recent" }, one.recent.map((text) => h("li", { dir: "auto" }, text)))),
    h("div", { class: "queue-acts" },
      button("approve", "A", say(kind === "held" ? "approve" : "keep"), "secondary yes"), button("refuse", "R", say(kind === "held" ? "refuse" : "remove"), "secondary no"),
      button("timeout", "T", say("timeout_10")), button("mute", "M", say("mute")), button("ban", "B", say("ban"))));
  }
}

/** Texts with what was found in them set apart; the server counts code points. */
function marked(text, hits) {
  const points = [...text];
  const nodes = [];
  let from = 0;
  for (const { start, end } of [...hits].sort((a, b) => a.start - b.start)) {
    if (start < from || end <= start || end > points.length) continue;
    nodes.push(points.slice(from, start).join(""), h("mark", {}, points.slice(start, end).join("")));
    from = end;
  }
  nodes.push(points.slice(from).join(""));
  return nodes;
}
