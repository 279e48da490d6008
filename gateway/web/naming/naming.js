// What a room shows of names: each person under the name that this reader reads, the card behind it, and a naming
// ceremony while one is on. Fetched when the room has any of it; the sheets are in ceremony.js and card.js.
//
// Two numbers tell the log what to draw again: `names` counts changes of what anybody is called, `sign` what one
// ceremony shows, so that a tally four times a second moves one line and not every message.

import { moderates, pinnedCeremonies } from "../depth.js";
import { guessTag } from "../language.js";
import "../words-later.js";
import "./words.js";
import { ICONS, h, icon, toast, unseen } from "../view/dom.js";
import { style } from "../view/style.js";
import { cardsOf, ceremoniesOf, folded, nameFor, phaseOf, ranked, searchKeys } from "./state.js";

const FRESH_MS = 20_000; // how long after its entry a name is still worth a celebration

Object.assign(ICONS, {
  brush: "M19 3.5c-4 2-8.5 6-10.5 9.5l2.5 2.5C14.5 13.5 18.5 9 20.5 5zM8 13.5c-2.5.3-3.5 2-3.5 4.5-.5 1-1.2 1.5-2 2 3.5.8 7.5.2 8-3.5",
  sound: "M4 10v4h3l5 4V6L7 10zM15.5 9.5c1.3 1.3 1.3 3.7 0 5M18 7c2.8 2.8 2.8 7.2 0 10",
  share: "M12 15V4M8 7.5 12 3.5l4 4M5 13v6h14v-6",
  pin: "M9 4h6M10 4v6l-3 3.5V15h10v-1.5L14 10V4M12 15v5.5",
  vote: "M12 19V6M6 11.5 12 5.5l6 6",
});

await style("/web/naming/naming.css");

class Naming {
  constructor(view) {
    this.view = view;
    this.talk = view.talk;
    this.page = view.page;
    this.names = 0;
    this.cards = new Map();
    this.ceremonies = new Map();
    this.votes = new Map(); // my votes since the room frame, by ceremony
    this.asked = new Set(); // ceremonies whose question was put to me
    this.celebrated = new Set();
    this.away = new Set(); // bars that I put away, with the phase they were in
    this.bar = h("div", { class: "ceremony-bars" });
    this.talk.naming = this;
    this.timer = setInterval(() => this.#tick(), 1000);
  }

  get me() {
    return this.talk.me.user;
  }

  // ---- what messages.js and message.js ask

  /** What this reader calls somebody; null where only their own name is known. */
  called(user) {
    const card = this.cards.get(user);
    return card ? nameFor(card, this.talk.me.languages) : null;
  }

  /** Whether what was typed begins one of somebody's names, its pinyin or its initials. */
  matches(user, typed) {
    const card = this.cards.get(user);
    const wanted = folded(typed);
    return Boolean(card && wanted) && searchKeys(card).some((key) => key.startsWith(wanted) || (/\P{ASCII}/u.test(wanted) && key.includes(wanted)));
  }

  /** The name over a message: a tap opens the card. */
  who(user, stop) {
    const card = this.cards.get(user);
    if (!card?.names.length && !card?.remark) return null;
    const name = nameFor(card, this.talk.me.languages);
    const other = name === card.name ? card.names[0]?.text : card.name;
    return h("button", { type: "button", class: "who-card", tabindex: stop, "data-stop": "card", "aria-haspopup": "dialog", onclick: () => this.openCard(user) },
      h("bdi", { class: "name", lang: guessTag(name, []) || null }, name),
      other && h("bdi", { class: "name-too", lang: guessTag(other, []) || null }, other),
      unseen(this.page.say("card")));
  }

  /** What a line of the log shows of names: changes whenever it has to be drawn again. */
  sign(note) {
    if (note.kind !== "naming") return String(this.names);
    const one = this.ceremonies.get(note.event.type === "ceremony_opened" ? note.seq : note.event.of);
    return [this.names, one && this.#signOf(one)].join();
  }

  #signOf(one) {
    const top = ranked(one);
    return [phaseOf(one, Date.now()), one.voters, one.mine, one.closed?.seq, ...top.map((each) => `${each.seq}:${each.votes}`)].join();
  }

  /** A naming that begins or ends, in the log. */
  line(note) {
    const { event } = note;
    if (event.type === "ceremony_closed") return event.outcome === "accepted" ? this.#given(note) : this.#quiet(this.outcome(event));
    const one = this.ceremonies.get(note.seq);
    const { say } = this.page;
    const by = this.nameOf(event.by, event.name);
    const name = event.nominee_name;
    const words = event.by === event.nominee ? say(`opened_own_${event.script}`, { name }) : say(`opened_for_${event.script}`, { by, name });
    const phase = one ? phaseOf(one, Date.now()) : "over";
    if (phase === "over") return this.#quiet(words);
    const best = ranked(one).slice(0, 3);
    return h("div", { class: "line naming-open" },
      h("p", { class: "naming-words" }, h("span", { class: "seal-small", lang: "zh", "aria-hidden": "true" }, "名"), words),
      best.length > 0 && h("p", { class: "naming-names" }, best.map((each) => h("span", {}, h("bdi", { lang: each.proposed.script === "han" ? "zh" : "en" }, each.proposed.text), h("span", { class: "count" }, this.page.say("votes_n", { n: each.votes }))))),
      h("button", { type: "button", class: "secondary", "aria-haspopup": "dialog", onclick: () => this.openCeremony(one.of) },
        this.state(one), h("strong", {}, say(phase === "asked" ? "see" : "look"))));
  }

  #quiet(words) {
    return h("div", { class: "line note naming" }, h("span", {}, words));
  }

  /** The result: a card in both languages, for everybody. */
  #given(note) {
    const { event } = note;
    const { say } = this.page;
    const [given] = event.given;
    if (!given) return this.#quiet(this.outcome(event));
    const votes = event.tally.find((each) => each.proposal === event.accepted)?.votes ?? 0;
    const meaning = [["zh", given.meaning_zh], ["en", given.meaning_en]].filter(([, words]) => words);
    return h("button", {
      type: "button", class: "line given", "aria-haspopup": "dialog", onclick: () => this.openCard(event.nominee, given),
    },
    sealOf(given),
    h("span", { class: "given-words" },
      h("span", { class: "given-title" }, say("accepted", { original: event.nominee_name })),
      h("strong", { class: "given-name", lang: given.script === "han" ? "zh" : "en" }, given.text),
      given.romanisation && h("span", { class: "pinyin" }, given.romanisation),
      ...(this.page.ui === "zh" ? meaning : meaning.reverse()).map(([language, words]) => h("span", { class: "given-meaning", lang: language }, words)),
      h("span", { class: "given-by" }, [say("given_by", { by: this.nameOf(given.given_by, given.given_by_name) }), votes > 0 && say("votes_n", { n: votes })].filter(Boolean).join(" · "))));
  }

  outcome(event) {
    return this.page.say(`over_${event.outcome}`, { name: event.nominee_name });
  }

  nameOf(user, name = "") {
    return this.called(user) || name || this.talk.room.people.get(user) || this.page.say("somebody");
  }

  /** Where a ceremony stands, in a few words that count down. */
  state(one) {
    const { say } = this.page;
    const { nominee, nominee_name } = one.opened;
    const phase = phaseOf(one, Date.now());
    const mine = nominee === this.me;
    const name = this.nameOf(nominee, nominee_name);
    if (phase === "asked") return h("span", { class: "phase" }, mine ? say("waits_for_you") : say("waits_for", { name }));
    if (phase === "choosing") return h("span", { class: "phase" }, mine ? say("choosing_you") : say("choosing", { name }));
    if (phase === "over") return h("span", { class: "phase" }, one.closed ? this.outcome(one.closed) : say("over_expired"));
    return h("span", { class: "phase", "data-until": one.closes_at_ms }, this.#left(one.closes_at_ms));
  }

  #left(until_ms) {
    const s = Math.max(0, Math.ceil((until_ms - Date.now()) / 1000));
    return this.page.say("time_left", { time: `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}` });
  }

  /** Ceremonies that a host has pinned. */
  get pinned() {
    return new Set(pinnedCeremonies(this.talk.room));
  }

  /** Pinning a ceremony for everybody, or taking the pin out; null for who may not. */
  pin(of) {
    return moderates(this.talk.room) ? (on) => this.command("pin", { of, on }) : null;
  }

  title({ opened: { nominee, nominee_name, script } }) {
    return nominee === this.me ? this.page.say(`ceremony_mine_${script}`) : this.page.say(`ceremony_${script}`, { name: nominee_name });
  }

  // ---- drawing

  render() {
    const { talk } = this;
    const { room } = talk;
    if (this.frame !== room.ceremonies) {
      this.frame = room.ceremonies;
      this.votes.clear();
    }
    this.ceremonies = ceremoniesOf(room, this.votes);
    if (room.naming.size !== this.known || room.cards !== this.cardsFrom) {
      this.known = room.naming.size;
      this.cardsFrom = room.cards;
      const cards = cardsOf(room);
      const sign = JSON.stringify([...cards.values()].map((card) => [card.user, card.remark, card.names.map((one) => [one.text, one.preferred_for])]));
      this.cards = cards;
      if (sign !== this.namesSign) {
        this.namesSign = sign;
        this.names += 1;
        talk.redraw();
      }
    }
    const signs = [...this.ceremonies.values()].map((one) => this.#signOf(one)).join(";");
    if (signs !== this.signs) {
      this.signs = signs;
      talk.redraw();
    }
    this.#bars();
    this.#ask();
    this.#celebrate();
  }

  // One bar for each ceremony that is on, under the head of the room: nobody has to find it in the log. Who has seen
  // enough puts it away until it comes to its next phase; what a host has pinned comes first and stays.
  #bars() {
    const head = this.view.element.querySelector(".bar-top");
    if (this.bar.parentNode !== head.parentNode) head.after(this.bar);
    head.parentNode.classList.add("naming-room");
    const pins = this.pinned;
    const key = (one) => `${one.of} ${phaseOf(one, Date.now())}`;
    const on = [...this.ceremonies.values()]
      .filter((one) => phaseOf(one, Date.now()) !== "over" && (pins.has(one.of) || !this.away.has(key(one))))
      .sort((a, b) => pins.has(b.of) - pins.has(a.of) || a.of - b.of);
    const sign = on.map((one) => [one.of, pins.has(one.of), this.#signOf(one)].join()).join(";") + this.names + this.page.ui;
    if (sign === this.barsSign) return;
    this.barsSign = sign;
    const focused = this.bar.contains(document.activeElement) ? document.activeElement.dataset.of : null;
    const { say } = this.page;
    this.bar.replaceChildren(...on.map((one) => {
      const [best] = ranked(one);
      const pinned = pins.has(one.of);
      return h("div", { class: "ceremony-row" }, h("button", { type: "button", class: "ceremony-bar", "data-of": one.of, "aria-haspopup": "dialog", onclick: () => this.openCeremony(one.of) },
        h("span", { class: "seal-small", lang: "zh", "aria-hidden": "true" }, "名"),
        h("span", { class: "first" }, h("strong", {}, this.title(one)), best?.votes > 0 && h("bdi", { class: "leading", lang: best.proposed.script === "han" ? "zh" : "en" }, best.proposed.text)),
        this.state(one)),
      pinned ? h("span", { class: "ceremony-pin" }, icon("pin"), unseen(say("pinned_ceremony")))
        : h("button", { type: "button", class: "plain put-away", "aria-label": `${say("put_away")}: ${this.title(one)}`, onclick: () => {
          this.away.add(key(one));
          this.render();
          this.view.element.querySelector("#composer")?.focus({ preventScroll: true });
        } }, icon("close")));
    }));
    if (focused) this.bar.querySelector(`[data-of="${focused}"]`)?.focus();
  }

  // Somebody asked for a name for me: a question, when nothing else is open and nobody is in the middle of a word.
  #ask() {
    for (const one of this.ceremonies.values()) {
      if (one.opened.nominee !== this.me || phaseOf(one, Date.now()) !== "asked" || this.asked.has(one.of)) continue;
      if (document.querySelector("dialog[open]") || document.visibilityState === "hidden") continue;
      this.asked.add(one.of);
      this.openConsent(one.of);
    }
  }

  #celebrate() {
    for (const one of this.ceremonies.values()) {
      if (one.closed?.outcome !== "accepted" || this.celebrated.has(one.of)) continue;
      this.celebrated.add(one.of);
      const [given] = one.closed.given;
      if (!given || Date.now() - one.closed.at_ms > FRESH_MS) continue;
      toast(this.page.say("is_now", { original: one.closed.nominee_name, name: given.text }));
      if (!matchMedia("(prefers-reduced-motion: reduce)").matches) petals(given.text);
    }
  }

  #tick() {
    if (!this.view.element.isConnected) {
      clearInterval(this.timer);
      return;
    }
    for (const node of document.querySelectorAll("[data-until]")) {
      const words = this.#left(Number(node.dataset.until));
      if (node.textContent !== words) node.textContent = words;
    }
    this.#ask(); // whoever read something else when the question came is asked after that
    const signs = [...this.ceremonies.values()].map((one) => phaseOf(one, Date.now())).join();
    if (signs !== this.phases) {
      this.phases = signs;
      this.talk.redraw();
    }
  }

  // ---- asking the server

  /** A command of a ceremony; refusals are told by the room. Resolves to its position's seq, or null. */
  async command(type, fields) {
    const ack = await this.talk.change(type, fields);
    return ack.position?.[1] ?? null;
  }

  /** GET of the naming resources, as the member I am. */
  async look(path, query) {
    const address = `/api/v1/rooms/${encodeURIComponent(this.talk.room.id)}/naming/${path}?${new URLSearchParams(query)}`;
    const answer = await fetch(address, { headers: { authorization: `Bearer ${this.talk.me.token}` } });
    const found = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(found.words ?? "other"), { code: found.code ?? "other", retry_after_ms: found.retry_after_ms });
    return found;
  }

  /** Members whom the server finds by a query, as cards. */
  async find(query) {
    const answer = await this.talk.connection.ask({ type: "find_people", room: this.talk.room.id, query });
    return answer.cards;
  }

  // ---- sheets

  openCeremony(of) {
    return import("./ceremony.js").then((sheets) => sheets.openCeremony(this, of));
  }

  /** Opens a ceremony as soon as the entry that I caused is here: its ack may be first. */
  openWhen(of, ready) {
    const look = () => {
      this.render();
      const one = this.ceremonies.get(of);
      if (!one || !ready(one)) return;
      this.talk.removeEventListener("change", look);
      this.openCeremony(of);
    };
    this.talk.addEventListener("change", look);
    look();
  }

  openConsent(of) {
    return import("./ceremony.js").then((sheets) => sheets.openConsent(this, of));
  }

  openAsk(user, name) {
    return import("./ceremony.js").then((sheets) => sheets.openAsk(this, user, name));
  }

  openCard(user, given = null) {
    return import("./card.js").then((sheets) => sheets.openCard(this, user, given));
  }
}

/** A name as it is cut into a seal: white on vermilion, from the top right down for two columns. */
export function sealOf(name, large = false) {
  const han = name.script === "han";
  const characters = han ? [...name.text].filter((one) => one !== "·").slice(0, 4) : [name.text];
  const box = h("span", { class: `name-seal${large ? " large" : ""}${han ? ` of-${characters.length}` : " latin"}`, lang: han ? "zh" : "en", "aria-hidden": "true" },
    characters.map((one) => h("span", {}, one)));
  box.style.setProperty("--letters", name.text.length);
  return box;
}

// Paper petals and the characters of the name, for two seconds, over everything and in nobody's way.
function petals(text) {
  const box = h("div", { class: "petals", "aria-hidden": "true" });
  const characters = [...text];
  for (let at = 0; at < 26; at += 1) {
    const petal = h("span", { class: `petal kind-${at % 4}` }, at % 4 === 0 ? characters[(at / 4) % characters.length] : "");
    petal.style.insetInlineStart = `${(at * 37) % 100}%`;
    petal.style.animationDelay = `${(at * 61) % 700}ms`;
    petal.style.setProperty("--sway", `${((at * 53) % 120) - 60}px`);
    box.append(petal);
  }
  document.body.append(box);
  setTimeout(() => box.remove(), 3400);
}

/** Adds names to a room's view, once; returns what can be asked of them. */
export function begin(view) {
  if (!view.context.naming) {
    view.context.naming = new Naming(view);
    view.context.naming.render();
    view.talk.redraw();
  }
  return view.context.naming;
}
