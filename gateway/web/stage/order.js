// How one may speak here, each a tap: lock down, freeze, slow mode, who speaks, how many have seats.

import { h, icon } from "../view/dom.js";
import { Part } from "./part.js";

const SEATS_MAX = 1_000_000; // as CAPACITY_MAX of the server
const LINE_MS = 3000;

export class Order extends Part {
  constructor(desk) {
    super(desk, "quick");
  }

  render() {
    const { say } = this;
    const { conduct } = this.stage.state;
    const sign = JSON.stringify([conduct, this.page.ui]);
    if (sign === this.sign) return;
    this.sign = sign;
    const part = this.element;
    const at = [...part.querySelectorAll("button, select, input")].indexOf(document.activeElement);
    const toggle = (field, picture) => h("button", { type: "button", class: "quick", "aria-pressed": String(Boolean(conduct[field])), onclick: () => this.desk.conduct({ [field]: !conduct[field] }, say(conduct[field] ? "quick_off" : "quick_on", { what: say(`quick_${field}`) })) },
      icon(picture), h("strong", {}, say(`quick_${field}`)), h("span", { class: "stage-small" }, say(`quick_${field}_words`)));
    const pick = (field, values, words, of = (value) => value) => {
      const known = values.some(([value]) => value === (conduct[field] ?? values[0][0]));
      const all = known ? values : [...values, [conduct[field], String(conduct[field])]];
      return h("div", { class: "field" }, h("label", { for: `conduct-${field}` }, words), h("select", { id: `conduct-${field}`, onchange: ({ target }) => this.desk.conduct({ [field]: of(target.value) }) },
        all.map(([value, shown]) => h("option", { value, selected: value === (conduct[field] ?? values[0][0]) }, shown))));
    };
    const seconds = (list) => list.map((s) => [s, s ? say("seconds", { n: s }) : say("off")]);
    this.line = h("p", { class: "hint capacity-line", role: "status" });
    const capacity = h("input", { id: "conduct-capacity", type: "text", inputmode: "numeric", dir: "ltr", autocomplete: "off", maxlength: 7, value: conduct.capacity || "", "aria-describedby": "capacity-hint", onchange: ({ target }) => {
      const n = Math.floor(Number(target.value.normalize("NFKC").trim() || 0));
      if (n >= 0 && n <= SEATS_MAX) this.desk.conduct({ capacity: n });
      else target.value = conduct.capacity || "";
    } });
    part.replaceChildren(
      h("button", { type: "button", class: `lockdown${conduct.locked_down ? " on" : ""}`, "aria-pressed": String(Boolean(conduct.locked_down)), onclick: () => this.desk.conduct({ locked_down: !conduct.locked_down }, say(conduct.locked_down ? "quick_off" : "quick_on", { what: say("lockdown") })) },
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
    this.showLine();
  }

  // Who waits before a full room is no entry of its log: the desk looks every few seconds while there is a capacity.
  showLine() {
    const { say } = this;
    const { capacity = 0 } = this.stage.state.conduct;
    const waiting = this.desk.frame?.waiting ?? 0;
    this.line.hidden = !capacity;
    const words = capacity ? say(waiting ? "capacity_waiting" : "capacity_free", { n: waiting }) : "";
    if (this.line.textContent !== words) this.line.textContent = words;
    clearTimeout(this.looking);
    if (capacity && this.element.isConnected) this.looking = setTimeout(() => this.desk.ask(), LINE_MS);
  }
}
