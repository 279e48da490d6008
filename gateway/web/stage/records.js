// What stands and what was done: the word list, members about whom was decided, exports, the audit log.

import { wordsForError } from "../words.js";
import { h, icon, toast } from "../view/dom.js";
import { deskForm } from "./form.js";
import { Part } from "./part.js";

export const INNOCENT_MAX = 20; // as WORD_INNOCENT_MAX of the server
export const WORD_CHARS_MAX = 100; // as that of the server
const LISTS = ["abuse-en", "abuse-zh", "scams"];
const AUDIT_PAGES = 5;
const AUDIT_SHOWN = 200; // at most so many lines, and asked for by REST
const AUDITED = /^(conduct_changed|sanctioned|held_decided|report_settled|words_changed|programme_changed|poll_opened|poll_closed|question_settled|role_changed|room_changed)$/;

export class Records extends Part {
  constructor(desk) {
    super(desk, "records");
    this.audit = null;
  }

  render() {
    const { say } = this;
    const { frame } = this.desk;
    if (!frame) return;
    const part = this.element;
    const sign = JSON.stringify([frame.words, frame.lists, frame.sanctions, this.audit?.length, this.page.ui]);
    if (sign === this.sign) return;
    // Half-typed words stay: the list is drawn again only where nobody works in it.
    if (part.contains(document.activeElement) && document.activeElement.matches("input")) return;
    this.sign = sign;
    part.replaceChildren(this.#words(), this.#sanctions(), this.#exports(), this.#auditList());
  }

  #words() {
    const { say } = this;
    const { frame } = this.desk;
    const words = h("ul", { class: "word-list" });
    const read = new Map(); // row -> () => the word as it stands there
    const row = (word) => {
      const text = h("input", { type: "text", dir: "auto", maxlength: 80, value: word.text, "aria-label": say("word") });
      const action = h("select", { "aria-label": say("word_action") }, ["hold", "replace", "refuse"].map((one) => h("option", { value: one, selected: one === (word.action ?? "hold") }, say(`word_${one}`))));
      const loose = h("input", { type: "checkbox", checked: Boolean(word.loose) });
      const written = (word.innocent ?? []).join(this.page.ui === "zh" ? "，" : ", ");
      const innocent = h("input", { type: "text", dir: "auto", maxlength: 2500, value: written, placeholder: say("word_innocent_hint") });
      const line = h("li", { class: "word-row" }, text, action,
        h("button", { type: "button", class: "plain", "aria-label": say("item_remove"), onclick: () => line.remove() }, icon("close")),
        h("label", { class: "check" }, loose, h("span", {}, say("word_loose"))),
        h("label", { class: "word-innocent" }, h("span", {}, say("word_innocent")), innocent));
      read.set(line, () => ({
        text: text.value.trim(), action: action.value, loose: loose.checked, note: word.note ?? "",
        innocent: innocent.value === written ? word.innocent ?? [] : apart(innocent.value), // one may hold a comma itself
      }));
      words.append(line);
      return text;
    };
    for (const word of frame.words) row(word);
    const lists = LISTS.map((name) => [name, h("input", { type: "checkbox", checked: frame.lists.includes(name) })]);
    const known = frame.lists.filter((name) => !LISTS.includes(name));
    return deskForm(this.say, say("word_list"), [
      h("fieldset", { class: "field" }, h("legend", {}, say("built_in")), lists.map(([name, box]) => h("label", { class: "check" }, box, h("span", {}, say(`list_${name.replace("-", "_")}`))))),
      words, h("button", { type: "button", class: "word", onclick: () => row({ text: "" }).focus() }, say("word_add"))], say("save"), async () => {
      const rows = [...words.children].map((line) => read.get(line)()).filter((one) => one.text);
      const tooMuch = rows.find(({ innocent }) => innocent.length > INNOCENT_MAX || innocent.some((one) => [...one].length > WORD_CHARS_MAX));
      if (tooMuch) throw { words_shown: say("word_innocent_too_much", { word: tooMuch.text, n: INNOCENT_MAX, chars: WORD_CHARS_MAX }) };
      await this.stage.command("set_words", { words: rows, lists: [...known, ...lists.filter(([, box]) => box.checked).map(([name]) => name)] });
      this.desk.ask();
      return say("words_saved");
    });
  }

  #sanctions() {
    const { say } = this;
    const { frame } = this.desk;
    const { time } = this.page;
    if (!frame.sanctions.length) return "";
    return h("details", { class: "desk-fold", open: true }, h("summary", {}, h("h3", {}, say("sanctions_n", { n: frame.sanctions.length }))), h("ul", { class: "sanction-list" }, frame.sanctions.map((one) => {
      const { standing } = one;
      const [what, lift] = standing.banned ? ["ban", "unban"] : standing.muted ? ["mute", "unmute"] : standing.shadowed ? ["shadow", "unshadow"] : ["invite_speaker", "dismiss_speaker"];
      return h("li", {}, h("div", {}, h("bdi", { class: "name" }, this.stage.called(one.user, one.name)), h("p", { class: "stage-small" }, [say(`is_${what}`), standing.until_ms && say("until", { time: `${time.day(standing.until_ms)} ${time.clock(standing.until_ms)}` }), one.why].filter(Boolean).join(" · "))),
        h("button", { type: "button", class: "word", onclick: () => this.desk.sanction(one.user, one.name, lift, { undoes: one.seq ?? 0 }) }, say(`lift_${what}`)));
    })));
  }

  #exports() {
    const { say } = this;
    return h("div", {}, h("h3", {}, say("export")), h("div", { class: "buttons" }, [["export.html", "HTML"], ["export.csv", "CSV"], ["export", "JSONL"]].map(([path, words]) => h("button", { type: "button", class: "secondary", onclick: () => this.#export(path) }, words))), h("p", { class: "hint" }, say("export_words")));
  }

  async #export(path) {
    const { room } = this.talk;
    try {
      const answer = await this.#rest(path);
      const link = h("a", { href: URL.createObjectURL(await answer.blob()), download: `${room.id}${path === "export" ? ".jsonl" : path.slice(6)}` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch (failed) {
      toast(wordsForError(this.say, failed.code ?? "network"), { refusal: true });
    }
  }

  async #rest(path) {
    const { room, me } = this.talk;
    const answer = await fetch(`/api/v1/rooms/${encodeURIComponent(room.id)}/${path}`, { headers: { authorization: `Bearer ${me.token}` } });
    if (!answer.ok) throw await answer.json();
    return answer;
  }

  // What was decided, from as far back as it takes; what was done for the show, from the end of the log.
  async loadAudit() {
    const found = new Map(); // seq -> entry
    const take = (entries) => entries.forEach((one) => found.set(one.seq, one));
    // What is here already is shown, where the rest cannot be had.
    await Promise.allSettled([this.#rest(`audit?limit=${AUDIT_SHOWN}`).then((answer) => answer.json()).then(({ entries }) => take(entries)), this.#latest(take)]);
    this.desk.learn([...found.values()].flatMap(({ event }) => [event.by, event.event?.by]));
    this.audit = [...found.values()].filter(({ event }) => audited(event.type === "recorded" ? event.event : event)).sort((a, b) => b.seq - a.seq);
    this.desk.render(true);
  }

  async #latest(take) {
    const { room, connection } = this.talk;
    let before = null;
    for (let pages = 0; pages < AUDIT_PAGES; pages += 1) {
      const page = await connection.ask({ type: "history", room: room.id, epoch: room.epoch, before, limit: 100 });
      take(page.entries);
      if (!page.more || !page.entries.length) break;
      before = page.first;
    }
  }

  #auditList() {
    const { say } = this;
    const { time } = this.page;
    if (!this.audit) return h("div", {}, h("h3", {}, say("audit")), h("button", { type: "button", class: "secondary", onclick: () => this.loadAudit() }, say("audit_load")));
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
    // Of a record: what was done, when and by whom, in the room that was imported.
    const line = ({ at_ms, event }, record = null) => (event.type === "recorded" ? line({ at_ms: event.at_ms, event: event.event }, event) : h("li", {}, h("time", {}, `${time.day(at_ms)} ${time.clock(at_ms)}`),
      h("p", {}, h("bdi", { class: "name" }, event.by ? this.stage.called(event.by) : say("by_itself")), " · ", words(event), event.why && h("span", { class: "stage-small" }, ` · ${event.why}`)),
      record && h("p", { class: "stage-small" }, say("audit_recorded"))));
    return h("div", {}, h("h3", {}, say("audit")), h("ol", { class: "audit" }, this.audit.slice(0, AUDIT_SHOWN).map((one) => line(one))));
  }
}

const audited = (event) => AUDITED.test(event.type) || (event.type === "recalled" && event.by !== event.author);

const apart = (text) => text.split(/[,，、;；]/).map((one) => one.trim()).filter(Boolean);
