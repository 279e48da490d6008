// The host's desk: what is held and reported with both texts side by side, who wants to speak, what happens by one tap,
// the programme, polls, announcements, word lists, and how the evening goes as small charts. On a phone one part at a
// time, on a laptop all of them beside the queue. Everything here asks; the log says what became true.

import { guessTag, languageName, shortName } from "../language.js";
import { refusalFor } from "../room.js";
import { wordsForError } from "../words.js";
import { h, icon, toast } from "../view/dom.js";
import { careful, openSheet } from "../view/sheet.js";
import { style } from "../view/style.js";
import "./host-words.js";

const TIMEOUT_S = 600;
const TABS = ["queue", "quick", "show", "numbers", "records"];
const LISTS = ["abuse-en", "abuse-zh", "scams"];
const OPTIONS_MAX = 10;
const ITEMS_MAX = 50;
const AUDIT_PAGES = 5;
const SEATS_MAX = 1_000_000; // as CAPACITY_MAX of the server
const LINE_MS = 3000;
const NAMES_MAX = 100; // as `names` takes
const INVERSE = { // as INVERSE of the server
  timeout: "unmute", mute: "unmute", unmute: "mute", ban: "unban", unban: "ban", shadow: "unshadow", unshadow: "shadow",
  invite_speaker: "dismiss_speaker", dismiss_speaker: "invite_speaker",
};
const STIRS = /^(conduct|sanction|held|report|words|hand)/;
const AUDITED = /^(conduct_changed|sanctioned|held_decided|report_settled|words_changed|programme_changed|poll_opened|poll_closed|question_settled|role_changed|room_changed)$/;

await style("/web/stage/host.css");

class Desk {
  constructor(stage) {
    this.stage = stage;
    this.talk = stage.talk;
    this.page = stage.page;
    this.say = stage.page.say;
    this.tab = "queue";
    this.current = 0;
    this.last = null; // what can be undone: {words, undo}
    this.frame = null;
    this.audit = null;
    this.asked = new Set(); // users whose names were asked for
    this.#build();
    this.ask();
  }

  #build() {
    const { say } = this;
    this.parts = Object.fromEntries(TABS.map((tab) => [tab, h("section", { class: "desk-part", "data-tab": tab, "aria-label": say(`desk_${tab}`) })]));
    this.tabs = h("div", { class: "desk-tabs", role: "group", "aria-label": say("host_desk") }, TABS.map((tab) => h("button", {
      type: "button", "data-tab": tab, "aria-pressed": String(tab === this.tab), onclick: () => this.#show(tab),
    }, say(`desk_${tab}`), h("span", { class: "badge", hidden: true }))));
    this.told = h("div", { class: "desk-told", role: "status", hidden: true });
    this.dialog = h("dialog", { class: "desk", "aria-labelledby": "desk-title" },
      h("div", { class: "desk-head" }, h("h2", { id: "desk-title" }, say("host_desk")), this.tabs,
        h("button", { type: "button", class: "plain", "aria-label": say("close"), onclick: () => this.dialog.close() }, icon("close"))),
      h("div", { class: "desk-body" }, Object.values(this.parts)), this.told);
    this.dialog.dataset.tab = this.tab;
    // On the document: a part that goes out of sight leaves the focus with the body.
    const key = (event) => this.#key(event);
    document.addEventListener("keydown", key);
    this.dialog.addEventListener("close", () => {
      this.dialog.remove();
      document.removeEventListener("keydown", key);
      clearInterval(this.timer);
      if (this.stage.desk === this) this.stage.desk = null;
    });
    this.#buildShow();
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.timer = setInterval(() => this.#numbers(), 2000);
  }

  #show(tab) {
    this.tab = tab;
    this.dialog.dataset.tab = tab;
    for (const button of this.tabs.children) button.setAttribute("aria-pressed", String(button.dataset.tab === tab));
    if (tab === "records" && !this.audit) this.#loadAudit();
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
        setTimeout(() => this.ask(), 250);
      }
    }
    this.#learn([...(this.frame?.reports ?? []).flatMap((one) => one.reports.flatMap(({ by, author }) => [by, author])), ...(this.frame?.hands ?? []).map((one) => one.user)]);
    this.render(true);
    // The other text of a held message may still be made, and is not sent to moderators who do not read its language.
    const fresh = this.frame?.held.some((one) => !this.#translations(one).length && this.stage.now() - one.at_ms < 10_000);
    clearTimeout(this.later);
    if (fresh && this.dialog.isConnected) this.later = setTimeout(() => this.ask(), 1000);
  }

  // A live room tells nobody who came: names that the desk has to say and has not heard are asked for, once.
  async #learn(users) {
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
    this.queueSign = this.recordsSign = null;
    this.render(true);
  }

  async #do(type, fields, words, undo = null) {
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
    }, 12_000);
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
    return this.#do("sanction", { user, action, ...more }, words, back && ((seq) => this.#do("sanction", { user, action: back, undoes: seq }, this.say("undone"))));
  }

  conduct(changes, words) {
    const before = this.stage.state.conduct;
    return this.#do("set_conduct", { conduct: { ...before, ...changes } }, words ?? this.say("conduct_set"),
      () => this.#do("set_conduct", { conduct: before }, this.say("undone")));
  }

  decide(row, act) {
    const { user, name, of } = row;
    if (act === "approve" || act === "refuse") {
      if (row.kind === "report") return this.#do("settle_report", { of, remove: act === "refuse" }, this.say(act === "refuse" ? "did_remove" : "did_keep"));
      return this.#do("decide_held", { of, approve: act === "approve" }, this.say(`did_${act}`));
    }
    return this.sanction(user, name, act, act === "timeout" ? { for_s: TIMEOUT_S, of } : { of });
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
    if (forced || room.naming.size !== this.known) this.#queue();
    this.known = room.naming.size;
    this.#quick();
    this.#polls();
    this.#numbers();
    if (forced) {
      this.#line();
      this.#records();
    }
    return undefined;
  }

  get rows() {
    const { frame } = this;
    if (!frame) return [];
    return [
      ...frame.held.map((one) => ({ kind: "held", of: one.of, user: one.held.author, name: one.held.name, one })),
      ...frame.reports.map((one) => ({ kind: "report", of: one.of, user: one.reports[0]?.author, name: this.stage.called(one.reports[0]?.author), one })),
    ];
  }

  #translations(one) {
    const found = new Map(Object.entries(one.translations ?? {}));
    for (const { event } of this.talk.room.naming.values()) if (event.type === "translated" && event.of === one.of) found.set(event.language, event.text);
    return [...found];
  }

  #queue() {
    const { say, frame } = this;
    const part = this.parts.queue;
    const rows = this.rows;
    const hands = frame?.hands ?? [];
    const counts = { queue: rows.length + hands.length };
    for (const button of this.tabs.children) {
      const badge = button.querySelector(".badge");
      const n = counts[button.dataset.tab] ?? 0;
      badge.hidden = !n;
      badge.textContent = String(n);
    }
    this.current = Math.max(0, Math.min(this.current, rows.length - 1));
    const sign = JSON.stringify([rows.map((row) => [row.kind, row.one, this.#translations(row.one)]), hands, frame?.more_held, this.failed]);
    if (sign === this.queueSign) return;
    this.queueSign = sign;
    const focused = part.contains(document.activeElement) ? document.activeElement.closest("[data-of]")?.dataset.of ?? "list" : null;
    part.replaceChildren(
      this.failed && !frame ? h("p", { class: "failure" }, wordsForError(say, this.failed)) : "",
      hands.length ? h("div", { class: "hands" }, h("h3", {}, say("hands")), h("ul", {}, hands.map((one) => h("li", { class: "hand-row" }, icon("hand"), h("bdi", { class: "name" }, this.stage.called(one.user, one.name)),
        h("button", { type: "button", class: "secondary", onclick: () => this.sanction(one.user, one.name, "invite_speaker") }, say("invite")),
        h("button", { type: "button", class: "word", onclick: () => this.#do("sanction", { user: one.user, action: "dismiss_speaker" }, say("did_not_now", { name: one.name })) }, say("dismiss")))))) : "",
      h("div", { class: "queue-head" }, h("h3", {}, say("held_n", { n: rows.length + (frame?.more_held ?? 0) })), h("p", { class: "keys", "aria-hidden": "true" }, say("keys_hint"))),
      rows.length ? h("ol", { class: "queue" }, rows.map((row, at) => this.#row(row, at))) : h("p", { class: "queue-empty" }, frame ? say("queue_empty") : say("queue_loading")));
    if (focused) this.#focus();
  }

  #focus() {
    this.#mark();
    const at = this.parts.queue.querySelectorAll(".queue-row")[this.current];
    (at ?? this.dialog.querySelector(".desk-tabs button"))?.focus({ preventScroll: false });
  }

  #mark() {
    this.parts.queue.querySelectorAll(".queue-row").forEach((node, at) => node.classList.toggle("current", at === this.current));
  }

  #row(row, at) {
    const { say } = this;
    const { kind, one } = row;
    const { time } = this.page;
    const texts = kind === "held"
      ? [["", one.held.text], ...this.#translations(one)]
      : [["", one.original], ...this.#translations(one)];
    const hits = kind === "held" ? one.held.hits ?? [] : [];
    const original = kind === "held" ? one.held.written_in || guessTag(one.held.text, []) : guessTag(one.original, []);
    const why = kind === "held" ? say(`held_${one.held.why}`) : say("reported_n", { n: one.reports.length });
    const key = (letter) => h("kbd", { "aria-hidden": "true" }, letter);
    const button = (act, letter, words, style = "secondary") => h("button", { type: "button", class: style, onclick: () => this.#act(row, act) }, words, key(letter));
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

  #act(row, act) {
    return this.decide(row, act);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.closest("input, textarea, select") || document.querySelector("dialog.sheet[open]")) return;
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    const act = { a: "approve", r: "refuse", t: "timeout", m: "mute", b: "ban" }[event.key.toLowerCase()];
    const rows = this.rows;
    if (event.key.toLowerCase() === "u" && this.last?.undo) this.#undo();
    else if (step && rows.length) {
      this.#show("queue");
      this.current = Math.max(0, Math.min(rows.length - 1, this.current + step));
      this.#focus();
    } else if (act && rows.length && !event.repeat) this.#act(rows[this.current], act);
    else return;
    event.preventDefault();
  }

  #quick() {
    const { say } = this;
    const { conduct } = this.stage.state;
    const sign = JSON.stringify([conduct, this.page.ui]);
    if (sign === this.quickSign) return;
    this.quickSign = sign;
    const part = this.parts.quick;
    const at = [...part.querySelectorAll("button, select, input")].indexOf(document.activeElement);
    const toggle = (field, picture) => h("button", { type: "button", class: "quick", "aria-pressed": String(Boolean(conduct[field])), onclick: () => this.conduct({ [field]: !conduct[field] }, say(conduct[field] ? "quick_off" : "quick_on", { what: say(`quick_${field}`) })) },
      icon(picture), h("strong", {}, say(`quick_${field}`)), h("span", { class: "stage-small" }, say(`quick_${field}_words`)));
    const pick = (field, values, words, of = (value) => value) => {
      const known = values.some(([value]) => value === (conduct[field] ?? values[0][0]));
      const all = known ? values : [...values, [conduct[field], String(conduct[field])]];
      return h("div", { class: "field" }, h("label", { for: `conduct-${field}` }, words), h("select", { id: `conduct-${field}`, onchange: ({ target }) => this.conduct({ [field]: of(target.value) }) },
        all.map(([value, shown]) => h("option", { value, selected: value === (conduct[field] ?? values[0][0]) }, shown))));
    };
    const seconds = (list) => list.map((s) => [s, s ? say("seconds", { n: s }) : say("off")]);
    this.line = h("p", { class: "hint capacity-line", role: "status" });
    const capacity = h("input", { id: "conduct-capacity", type: "text", inputmode: "numeric", dir: "ltr", autocomplete: "off", maxlength: 7, value: conduct.capacity || "", "aria-describedby": "capacity-hint", onchange: ({ target }) => {
      const n = Math.floor(Number(target.value.normalize("NFKC").trim() || 0));
      if (n >= 0 && n <= SEATS_MAX) this.conduct({ capacity: n });
      else target.value = conduct.capacity || "";
    } });
    part.replaceChildren(
      h("button", { type: "button", class: `lockdown${conduct.locked_down ? " on" : ""}`, "aria-pressed": String(Boolean(conduct.locked_down)), onclick: () => this.conduct({ locked_down: !conduct.locked_down }, say(conduct.locked_down ? "quick_off" : "quick_on", { what: say("lockdown") })) },
        icon("lock"), h("span", {}, h("strong", {}, say("lockdown")), h("span", {}, say("lockdown_words")))),
      h("div", { class: "quick-grid" }, toggle("frozen", "clock"), toggle("emoji_only", "add"), toggle("unique", "copy")),
      h("div", { class: "form desk-form" },
        pick("phase", [["open", say("phase_open")], ["lobby", say("phase_lobby")], ["archive", say("phase_archive")]], say("phase")),
        pick("slow_s", seconds([0, 5, 10, 30, 60, 300]), say("slow_mode"), Number),
        pick("speakers", ["everyone", "members", "seniors", "invited"].map((one) => [one, say(`speakers_${one}`)]), say("who_speaks")),
        pick("prescreen_s", seconds([0, 2, 5, 10, 30]), say("prescreen"), Number),
        pick("kind", [["group", say("kind_group")], ["live", say("kind_live")]], say("kind")),
        h("div", { class: "field" }, h("label", { for: "conduct-capacity" }, say("capacity")), capacity, h("p", { class: "hint", id: "capacity-hint" }, say("capacity_hint")), this.line)));
    if (at >= 0) part.querySelectorAll("button, select, input")[at]?.focus();
    this.#line();
  }

  // Who waits before a full room is no entry of its log: the desk looks every few seconds while there is a capacity.
  #line() {
    const { say } = this;
    const { capacity = 0 } = this.stage.state.conduct;
    const waiting = this.frame?.waiting ?? 0;
    this.line.hidden = !capacity;
    const words = capacity ? say(waiting ? "capacity_waiting" : "capacity_free", { n: waiting }) : "";
    if (this.line.textContent !== words) this.line.textContent = words;
    clearTimeout(this.looking);
    if (capacity && this.dialog.isConnected) this.looking = setTimeout(() => this.ask(), LINE_MS);
  }

  // ---- programme, polls, announcements: forms that are built once, so that nothing typed is ever lost

  #buildShow() {
    this.pollList = h("div", { class: "open-polls" });
    this.parts.show.append(this.#announceForm(), this.#pollForm(), this.pollList, this.#programmeForm());
  }

  #form(title, fields, sendWords, send, openIt = false) {
    const failure = h("p", { class: "failure", role: "alert", hidden: true });
    const button = h("button", { type: "submit", class: "primary" }, sendWords);
    const form = h("form", { class: "form desk-form", onsubmit: async (event) => {
      event.preventDefault();
      if (button.disabled) return;
      button.disabled = true;
      failure.hidden = true;
      try {
        const done = await send();
        if (done) toast(done);
      } catch (failed) {
        failure.textContent = failed.words_shown ?? wordsForError(this.say, failed.code ?? "other");
        failure.hidden = false;
      }
      button.disabled = false;
    } }, fields, failure, button);
    return h("details", { class: "desk-fold", open: openIt }, h("summary", {}, h("h3", {}, title)), form);
  }

  #announceForm() {
    const { say } = this;
    const area = (language) => h("textarea", { id: `announce-${language}`, rows: 2, lang: language, dir: "auto", maxlength: 4000 });
    const [zh, en] = [area("zh"), area("en")];
    return this.#form(say("announce_both"), [
      h("div", { class: "field" }, h("label", { for: "announce-zh" }, say("in_chinese")), zh),
      h("div", { class: "field" }, h("label", { for: "announce-en" }, say("in_english")), en),
      h("p", { class: "hint" }, say("announce_both_hint"))], say("announce_send"), async () => {
      const [first, second] = [zh.value.trim(), en.value.trim()];
      if (!first && !second) throw { words_shown: say("error_nothing_to_say") };
      await this.stage.command("post", { text: first || second, announce: true, versions: first && second ? [["en", second]] : [] });
      zh.value = en.value = "";
      return say("announced_it");
    }, true);
  }

  #pollForm() {
    const { say } = this;
    const question = h("input", { id: "poll-question", type: "text", dir: "auto", maxlength: 200, autocomplete: "off" });
    const list = h("div", { class: "poll-inputs" });
    const quiz = h("input", { id: "poll-quiz", type: "checkbox", onchange: () => list.classList.toggle("quiz", quiz.checked) });
    const many = h("input", { id: "poll-many", type: "checkbox" });
    const add = () => {
      const at = list.childElementCount;
      if (at >= OPTIONS_MAX) return;
      list.append(h("div", { class: "poll-input" }, h("input", { type: "radio", name: "poll-right", value: at, "aria-label": say("right_one", { n: at + 1 }) }),
        h("input", { type: "text", dir: "auto", maxlength: 200, autocomplete: "off", "aria-label": say("option_n", { n: at + 1 }), placeholder: say("option_n", { n: at + 1 }), oninput: () => {
          if ([...list.querySelectorAll("input[type=text]")].every((one) => one.value)) add();
        } })));
    };
    add();
    add();
    const window = h("select", { id: "poll-window" }, [[0, say("by_hand")], [30, say("seconds", { n: 30 })], [60, say("minutes", { n: 1 })], [120, say("minutes", { n: 2 })], [300, say("minutes", { n: 5 })], [600, say("minutes", { n: 10 })]].map(([value, words]) => h("option", { value }, words)));
    return this.#form(say("poll_open"), [
      h("div", { class: "field" }, h("label", { for: "poll-question" }, say("poll_question")), question),
      h("fieldset", { class: "field" }, h("legend", {}, say("poll_options")), list),
      h("label", { class: "check" }, quiz, h("span", {}, say("poll_is_quiz"))),
      h("label", { class: "check" }, many, h("span", {}, say("poll_many"))),
      h("div", { class: "field" }, h("label", { for: "poll-window" }, say("poll_window")), window)], say("poll_send"), async () => {
      const rows = [...list.children].map((row) => ({ text: row.querySelector("[type=text]").value.trim(), right: row.querySelector("[type=radio]").checked })).filter((row) => row.text);
      if (!question.value.trim() || rows.length < 2) throw { words_shown: say("poll_too_little") };
      const right = rows.findIndex((row) => row.right);
      if (quiz.checked && right < 0) throw { words_shown: say("quiz_needs_answer") };
      await this.stage.command("open_poll", {
        question: question.value.trim(), options: rows.map((row) => row.text), choices_max: many.checked ? rows.length : 1,
        answer: quiz.checked ? right : null, window_s: Number(window.value),
      });
      question.value = "";
      list.replaceChildren();
      add();
      add();
      return say("poll_is_open");
    });
  }

  #polls() {
    const { say } = this;
    const open = [...this.stage.state.polls.values()].filter((one) => !one.closed);
    const sign = JSON.stringify(open.map((one) => [one.of, this.stage.countsOf(one), this.stage.pollTexts(one.of)]));
    if (sign === this.pollsSign) return;
    this.pollsSign = sign;
    this.pollList.replaceChildren(...open.map((one) => h("div", { class: "open-poll" }, this.stage.pollCard(one, false),
      h("div", { class: "buttons" }, h("button", { type: "button", class: "secondary", onclick: () => this.#do("close_poll", { of: one.of }, say("poll_over")) }, say("poll_close")),
        h("button", { type: "button", class: "secondary", onclick: () => this.#do("close_poll", { of: one.of, withdraw: true }, say("poll_withdrawn")) }, say("poll_withdraw"))))));
  }

  #programmeForm() {
    const { say } = this;
    const { programme } = this.stage.state;
    const when = (id, ms) => h("input", { id, type: "datetime-local", value: ms ? localTime(ms) : "" });
    const starts = when("show-starts", programme?.starts_ms);
    const ends = when("show-ends", programme?.ends_ms);
    const about = h("textarea", { id: "show-about", rows: 3, dir: "auto", maxlength: 4000, value: programme?.about ?? "" });
    const poster = h("input", { id: "show-poster", type: "text", inputmode: "url", dir: "ltr", placeholder: "https://", value: programme?.poster ?? "" });
    const items = h("div", { class: "show-items" });
    const add = (item) => items.childElementCount < ITEMS_MAX && items.append(h("div", { class: "show-item" },
      h("input", { type: "datetime-local", "aria-label": say("item_at"), value: item ? localTime(item.at_ms) : "" }),
      h("input", { type: "text", dir: "auto", maxlength: 80, "aria-label": say("item_title"), placeholder: say("item_title"), value: item?.title ?? "" }),
      h("button", { type: "button", class: "plain", "aria-label": say("item_remove"), onclick: ({ currentTarget }) => currentTarget.parentNode.remove() }, icon("close"))));
    for (const item of programme?.items ?? []) add(item);
    if (!programme?.items?.length) add(null);
    return this.#form(say("programme"), [
      h("div", { class: "field" }, h("label", { for: "show-starts" }, say("show_starts")), starts),
      h("div", { class: "field" }, h("label", { for: "show-ends" }, say("show_ends")), ends),
      h("div", { class: "field" }, h("label", { for: "show-about" }, say("show_about")), about),
      h("div", { class: "field" }, h("label", { for: "show-poster" }, say("poster_of")), poster),
      h("fieldset", { class: "field" }, h("legend", {}, say("show_items")), items, h("button", { type: "button", class: "word", onclick: () => add(null) }, say("item_add")))], say("save"), async () => {
      const rows = [...items.children].map((row) => {
        const [at, title] = row.querySelectorAll("input");
        return { at_ms: at.value ? new Date(at.value).getTime() : 0, title: title.value.trim() };
      }).filter((row) => row.title && row.at_ms);
      await this.stage.command("set_programme", { programme: {
        starts_ms: starts.value ? new Date(starts.value).getTime() : 0, ends_ms: ends.value ? new Date(ends.value).getTime() : 0,
        about: about.value.trim(), poster: poster.value.trim(), items: rows.sort((a, b) => a.at_ms - b.at_ms),
      } });
      return say("programme_saved");
    });
  }

  // ---- how it goes

  #numbers() {
    const { say } = this;
    const { room } = this.talk;
    const part = this.parts.numbers;
    const now = Date.now();
    const bins = Array.from({ length: 30 }, () => 0);
    for (const { at_ms } of this.stage.heard) {
      const at = 29 - Math.floor((now - at_ms) / 10_000);
      if (at >= 0) bins[at] += 0.1;
    }
    const foreign = this.stage.heard.map((one) => room.messages.get(one.seq)).filter((one) => one?.kind === "post" && one.recalled_by === null && [...one.translations.values()].some((each) => !each.own));
    const waits = foreign.flatMap((one) => [...one.translations.values()].filter((each) => each.text !== null && each.at_ms).map((each) => each.at_ms - one.at_ms)).sort((a, b) => a - b);
    const lost = [...room.messages.values()].filter((one) => one.kind === "post" && one.recalled_by === null && refusalFor(one, this.talk.me.languages)?.text === null && refusalFor(one, this.talk.me.languages).reason !== "nothing_to_translate").slice(-20);
    const budget = room.translation_budget_ms ?? 800;
    const within = waits.filter((one) => one <= budget).length;
    const missed = foreign.length - waits.length;
    const sign = JSON.stringify([bins, room.here?.total, room.here?.by_language, waits.length, lost.map((one) => one.seq), this.page.ui]);
    if (sign === this.numbersSign) return;
    this.numbersSign = sign;
    const number = new Intl.NumberFormat(this.page.ui, { maximumFractionDigits: 1 });
    const percent = new Intl.NumberFormat(this.page.ui, { style: "percent", maximumFractionDigits: 0 });
    const p = (share) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))];
    const counts = Object.entries(room.here?.by_language ?? {}).sort((a, b) => b[1] - a[1]).slice(0, 6);
    part.replaceChildren(
      h("div", { class: "figures" },
        h("figure", {}, h("figcaption", {}, say("per_second")), h("strong", {}, number.format(bins.at(-1))), spark(bins)),
        h("figure", {}, h("figcaption", {}, say("in_budget", { n: budget })), h("strong", {}, waits.length + missed ? percent.format(within / (waits.length + Math.max(0, missed))) : "–")),
        h("figure", {}, h("figcaption", {}, say("latency")), h("strong", {}, waits.length ? `${number.format(p(0.5))} / ${number.format(p(0.95))} ms` : "–"))),
      h("div", {}, h("h3", {}, say("here_by_language", { n: room.here?.total ?? 0 })), h("ul", { class: "language-bars" }, counts.map(([language, n]) => {
        const bar = h("span", { class: "bar" });
        bar.style.inlineSize = `${Math.max(2, (100 * n) / Math.max(1, room.here.total))}%`;
        return h("li", {}, h("span", {}, languageName(language, this.page.ui)), h("span", { class: "bar-track" }, bar), h("span", { class: "count" }, number.format(n)));
      }))),
      h("div", {}, h("h3", {}, say("not_understood")), lost.length ? h("ul", { class: "lost" }, lost.reverse().map((one) => h("li", {}, h("bdi", { class: "name" }, this.stage.called(one.author, one.name)), h("p", { class: "text", dir: "auto" }, one.text),
        h("p", { class: "stage-small" }, say(`reason_${refusalFor(one, this.talk.me.languages).reason}`, { source: "", target: "", from: "", to: "" }))))) : h("p", { class: "hint" }, say("all_understood"))));
  }

  // ---- records: words, who is muted, export, audit

  #records() {
    const { say, frame } = this;
    if (!frame) return;
    const part = this.parts.records;
    const sign = JSON.stringify([frame.words, frame.lists, frame.sanctions, this.audit?.length, this.page.ui]);
    if (sign === this.recordsSign) return;
    // Half-typed words stay: the list is drawn again only where nobody works in it.
    if (part.contains(document.activeElement) && document.activeElement.matches("input")) return;
    this.recordsSign = sign;
    part.replaceChildren(this.#words(), this.#sanctions(), this.#exports(), this.#auditList());
  }

  #words() {
    const { say, frame } = this;
    const words = h("ul", { class: "word-list" });
    const row = (word) => {
      const text = h("input", { type: "text", dir: "auto", maxlength: 80, value: word.text, "aria-label": say("word") });
      const action = h("select", { "aria-label": say("word_action") }, ["hold", "replace", "refuse"].map((one) => h("option", { value: one, selected: one === (word.action ?? "hold") }, say(`word_${one}`))));
      const loose = h("input", { type: "checkbox", checked: Boolean(word.loose) });
      words.append(h("li", { class: "word-row" }, text, action, h("label", { class: "check" }, loose, h("span", {}, say("word_loose"))),
        h("button", { type: "button", class: "plain", "aria-label": say("item_remove"), onclick: ({ currentTarget }) => currentTarget.parentNode.remove() }, icon("close"))));
      return text;
    };
    for (const word of frame.words) row(word);
    const lists = LISTS.map((name) => [name, h("input", { type: "checkbox", checked: frame.lists.includes(name) })]);
    const known = frame.lists.filter((name) => !LISTS.includes(name));
    return this.#form(say("word_list"), [
      h("fieldset", { class: "field" }, h("legend", {}, say("built_in")), lists.map(([name, box]) => h("label", { class: "check" }, box, h("span", {}, say(`list_${name.replace("-", "_")}`))))),
      words, h("button", { type: "button", class: "word", onclick: () => row({ text: "" }).focus() }, say("word_add"))], say("save"), async () => {
      const rows = [...words.children].map((one) => ({ text: one.querySelector("[type=text]").value.trim(), action: one.querySelector("select").value, loose: one.querySelector("[type=checkbox]").checked })).filter((one) => one.text);
      const known_as = new Map(frame.words.map((one) => [one.text, one])); // what this form does not show stays
      const kept = ({ note = "", innocent = [] } = {}) => ({ note, innocent });
      await this.stage.command("set_words", { words: rows.map((one) => ({ ...one, ...kept(known_as.get(one.text)) })), lists: [...known, ...lists.filter(([, box]) => box.checked).map(([name]) => name)] });
      this.ask();
      return say("words_saved");
    });
  }

  #sanctions() {
    const { say, frame } = this;
    const { time } = this.page;
    if (!frame.sanctions.length) return "";
    return h("details", { class: "desk-fold", open: true }, h("summary", {}, h("h3", {}, say("sanctions_n", { n: frame.sanctions.length }))), h("ul", { class: "sanction-list" }, frame.sanctions.map((one) => {
      const { standing } = one;
      const [what, lift] = standing.banned ? ["ban", "unban"] : standing.muted ? ["mute", "unmute"] : standing.shadowed ? ["shadow", "unshadow"] : ["invite_speaker", "dismiss_speaker"];
      return h("li", {}, h("div", {}, h("bdi", { class: "name" }, this.stage.called(one.user, one.name)), h("p", { class: "stage-small" }, [say(`is_${what}`), standing.until_ms && say("until", { time: `${time.day(standing.until_ms)} ${time.clock(standing.until_ms)}` }), one.why].filter(Boolean).join(" · "))),
        h("button", { type: "button", class: "word", onclick: () => this.sanction(one.user, one.name, lift, { undoes: one.seq ?? 0 }) }, say(`lift_${what}`)));
    })));
  }

  #exports() {
    const { say } = this;
    return h("div", {}, h("h3", {}, say("export")), h("div", { class: "buttons" }, [["export.html", "HTML"], ["export.csv", "CSV"], ["export", "JSONL"]].map(([path, words]) => h("button", { type: "button", class: "secondary", onclick: () => this.#export(path) }, words))), h("p", { class: "hint" }, say("export_words")));
  }

  async #export(path) {
    const { room, me } = this.talk;
    try {
      const answer = await fetch(`/api/v1/rooms/${encodeURIComponent(room.id)}/${path}`, { headers: { authorization: `Bearer ${me.token}` } });
      if (!answer.ok) throw await answer.json();
      const link = h("a", { href: URL.createObjectURL(await answer.blob()), download: `${room.id}${path === "export" ? ".jsonl" : path.slice(6)}` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch (failed) {
      toast(wordsForError(this.say, failed.code ?? "network"), { refusal: true });
    }
  }

  async #loadAudit() {
    const { room, connection } = this.talk;
    const found = [];
    let before = null;
    try {
      for (let pages = 0; pages < AUDIT_PAGES; pages += 1) {
        const page = await connection.ask({ type: "history", room: room.id, epoch: room.epoch, before, limit: 100 });
        found.push(...page.entries);
        if (!page.more || !page.entries.length) break;
        before = page.first;
      }
    } catch {
      // What is here already is shown.
    }
    this.#learn(found.map(({ event }) => event.by));
    this.audit = found.filter(({ event }) => AUDITED.test(event.type) || (event.type === "recalled" && event.by !== event.author)).sort((a, b) => b.seq - a.seq);
    this.render(true);
  }

  #auditList() {
    const { say } = this;
    const { time } = this.page;
    if (!this.audit) return h("div", {}, h("h3", {}, say("audit")), h("button", { type: "button", class: "secondary", onclick: () => this.#loadAudit() }, say("audit_load")));
    const words = (event) => {
      const name = event.name || this.stage.called(event.user ?? event.author ?? "");
      switch (event.type) {
        case "sanctioned":
          return say(`did_${event.action}`, { name });
        case "held_decided":
          return say(event.approved ? "did_approve" : "did_refuse");
        case "report_settled":
          return say(event.outcome === "removed" ? "did_remove" : "did_keep");
        case "recalled":
          return say("did_remove");
        default:
          return say(`audit_${event.type}`);
      }
    };
    return h("div", {}, h("h3", {}, say("audit")), h("ol", { class: "audit" }, this.audit.slice(0, 200).map(({ at_ms, event }) => h("li", {}, h("time", {}, `${time.day(at_ms)} ${time.clock(at_ms)}`),
      h("p", {}, h("bdi", { class: "name" }, event.by ? this.stage.called(event.by) : say("by_itself")), " · ", words(event), event.why && h("span", { class: "stage-small" }, ` · ${event.why}`))))));
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

const SVG = "http://www.w3.org/2000/svg";

function spark(values) {
  const most = Math.max(...values, 1e-9);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 100 28");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "spark");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("points", values.map((value, at) => `${((100 * at) / (values.length - 1)).toFixed(1)},${(26 - (24 * value) / most).toFixed(1)}`).join(" "));
  svg.append(line);
  return svg;
}

function localTime(ms) {
  const date = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 16);
}

export function openDesk(stage) {
  if (stage.desk) return;
  stage.desk = new Desk(stage);
  stage.desk.render(true);
}

/** What can be decided about one member: {user, name, of}. */
export function openMember(stage, { user, name, of = 0 }) {
  const { say } = stage.page;
  openSheet(stage.called(user, name), say("close"), (close) => {
    const why = h("input", { id: "sanction-why", type: "text", dir: "auto", maxlength: 300, autocomplete: "off" });
    const latest = h("select", { id: "sanction-delete" }, [0, 1, 5, 20].map((n) => h("option", { value: n }, n ? say("delete_n", { n }) : say("delete_none"))));
    const sanction = (action, more = {}) => async () => {
      const fields = { of, why: why.value.trim(), delete_last: Number(latest.value), ...more };
      try {
        if (stage.desk) {
          if (await stage.desk.sanction(user, stage.called(user, name), action, fields)) close();
          return;
        }
        await stage.command("sanction", { user, action, ...fields });
        close();
        toast(say(`did_${action}`, { name: stage.called(user, name) }));
      } catch {
        // The room has told why.
      }
    };
    const plain = (words, act) => h("button", { type: "button", class: "secondary", onclick: act }, words);
    return [
      h("div", { class: "field" }, h("label", { for: "sanction-why" }, say("sanction_why")), why),
      h("div", { class: "field" }, h("label", { for: "sanction-delete" }, say("delete_last")), latest),
      h("div", { class: "field" }, h("span", { class: "label" }, say("timeout")), h("div", { class: "buttons four" }, [[60, "minutes", 1], [600, "minutes", 10], [3600, "hours", 1], [86_400, "days_left", 1], [2_419_200, "days_left", 28]].map(([for_s, key, n]) => plain(say(key, { n }), sanction("timeout", { for_s }))))),
      h("div", { class: "buttons" }, plain(say("mute"), sanction("mute")), plain(say("unmute"), sanction("unmute"))),
      h("div", { class: "buttons" }, plain(say("shadow"), sanction("shadow")), plain(say("invite"), sanction("invite_speaker"))),
      h("p", { class: "hint" }, say("shadow_words")),
      careful(say("kick"), say("kick_sure"), sanction("kick")),
      careful(say("ban"), say("ban_sure"), sanction("ban")),
    ];
  });
}
