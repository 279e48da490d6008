// What a room shows beyond its messages: explained words, corrections by members, pins, the title in the reader's
// language, previews. Fetched when a room has any of it, or when somebody asks; the sheets for it are in deeper.js.

import * as state from "../depth.js";
import { emptyRoom, applyPage, find } from "../room.js";
import { missingPackage } from "../conversation.js";
import { languageName } from "../language.js";
import "../words-later.js";
import { ICONS, h, icon, toast } from "./dom.js";
import { reading, refusalWords } from "./message.js";
import { style } from "./style.js";

const CHIPS_MAX = 3;
const ASIDE_MAX = 60;

Object.assign(ICONS, {
  pin: "M9 4h6M10 4v6l-3 3.5V15h10v-1.5L14 10V4M12 15v5.5",
  horn: "M4 10v4h3l8 4V6l-8 4zM18 9.5c1.3 1.3 1.3 3.7 0 5M8 14l1 5.5h2.5L10.5 15",
  book: "M12 6.5C10 5 7 4.7 4 5.2v13c3-.5 6-.2 8 1.3 2-1.5 5-1.8 8-1.3v-13c-3-.5-6-.2-8 1.3zM12 6.5v13",
  vote: "M12 19V6M6 11.5 12 5.5l6 6",
});

await style("/web/depth.css");

const verbs = {
  /** Under the text: who corrected it, and a chip for each explained word. */
  under(bubble, message, read, context, stop) {
    const { say, act } = context;
    for (const term of bubble.querySelectorAll(".term")) term.tabIndex = stop;
    if (read.better) {
      const made = read.main.made ?? read.other?.made;
      bubble.append(h("button", {
        type: "button", class: "corrected", tabindex: stop, "data-stop": "corrected",
        onclick: () => act("show", message, made === "members" ? "machine" : "translated"),
      }, h("span", { class: "seal-small", lang: "zh", "aria-hidden": "true" }, made === "members" ? "友" : "译"),
      h("span", { class: "first" }, made === "members" ? say("corrected_by", { name: read.better.name }) : say("machine_instead")), icon("swap")));
    }
    const { terms } = read.main.made ? read.other ?? {} : read.main;
    const list = (terms ?? state.termsOf(message, context.talk.me.languages))?.list ?? [];
    if (!list.length) return;
    const seen = list.filter((one, at) => list.findIndex((other) => other.term === one.term) === at);
    bubble.append(h("div", { class: "glosses", role: "group", "aria-label": say("explained") },
      seen.slice(0, CHIPS_MAX).map((one) => h("button", {
        type: "button", class: "gloss", tabindex: stop, "data-stop": `gloss ${one.start}`, "aria-haspopup": "dialog",
      }, h("span", { class: "first" }, h("strong", {}, h("bdi", {}, one.term)), " — ", h("bdi", {}, one.meaning)))),
      seen.length > CHIPS_MAX && h("button", { type: "button", class: "gloss", tabindex: stop, "data-stop": "gloss more" }, say("and_more", { n: seen.length - CHIPS_MAX }))));
  },

  /** One small line for what happened to the room itself. */
  newsWords(notes, called, say, room) {
    const words = new Map();
    for (const { event } of notes) {
      const name = called(event.by);
      if (event.type === "room_changed") words.set("room", say("news_room", { name }));
      else if (event.type === "pinned") words.set("pin", say(!event.on ? "news_unpinned" : state.isCeremony(room, event.of) ? "news_pinned_naming" : "news_pinned", { name }));
      else words.set("terms", say("news_terms", { name, terms: [...new Set(notes.map((note) => note.event.source).filter(Boolean))].slice(-3).join(say("list_separator")) }));
    }
    return [...words.values()].join(" · ");
  },

  render(view) {
    showPins(view);
    showTitle(view);
    view.preview?.offer();
    const { composer, talk } = view;
    const pressed = String(composer.extra.announce ?? false);
    if (state.moderates(talk.room) && !view.horn) {
      view.horn = h("button", { type: "button", class: "plain", "aria-label": view.page.say("announce"), "aria-pressed": "false", onclick: () => announce(view) }, icon("horn"));
      view.horn.addEventListener("pointerdown", (event) => event.preventDefault());
      composer.tools.append(view.horn);
    }
    if (view.horn && !state.moderates(talk.room)) {
      if (composer.extra.announce) announce(view);
      view.horn.remove();
      view.horn = null;
    }
    if (view.horn && view.horn.getAttribute("aria-pressed") !== pressed) view.horn.setAttribute("aria-pressed", pressed);
  },

  show: (view, message, as) => view.messages.show(message, as),

  toast: (view, wordsFor, code) => toast(wordsFor(view.page.say, code), { refusal: true }),

  /** A message that is not loaded, for a pin or a quote. */
  async fetch({ talk }, seq) {
    const { room } = talk;
    if (room.aside.has(seq) || room.aside.size >= ASIDE_MAX || !talk.connection.ready) return;
    room.aside.set(seq, undefined);
    try {
      const page = await talk.connection.ask({ type: "history", room: room.id, after: seq - 1, limit: 1, epoch: room.epoch });
      const found = emptyRoom(room.id);
      applyPage(found, page, true);
      room.aside.set(seq, found.messages.get(seq) ?? null);
      talk.redraw();
    } catch {
      room.aside.delete(seq);
    }
  },

  // Said once, under the log, and not only under each message: what is missing and who can put it right.
  missing({ notice, memory, page, talk }, read, message) {
    const { from, to } = missingPackage(read.refusal, message, talk.target);
    const known = memory.get("known-missing", []);
    if (!notice.hidden || known.includes(`${from} ${to}`)) return;
    notice.replaceChildren(icon("translate"), h("p", {}, refusalWords(read, message, talk, page.say, page.ui)),
      h("button", { type: "button", class: "plain", "aria-label": page.say("close"), onclick: () => {
        memory.set("known-missing", [...known, `${from} ${to}`]);
        notice.hidden = true;
      } }, icon("close")));
    notice.hidden = false;
  },

  async preview(view) {
    const { Preview } = await import("./preview.js");
    if (view.preview) view.preview.stop();
    else view.preview = new Preview(view);
  },
};

/** Adds all this to a room's view, once; returns what else can be asked of it. */
export function begin(view) {
  if (!view.context.depth) {
    view.talk.depth = state;
    view.context.depth = verbs;
    view.messages.log.addEventListener("click", ({ target }) => {
      const node = target.closest(".term, .gloss") && target.closest("[data-seq]");
      if (node) deeper("openTerms", view, view.talk.room.messages.get(Number(node.dataset.seq)));
    });
    view.talk.redraw();
  }
  return verbs;
}

function deeper(sheet, ...rest) {
  return import("./deeper.js").then((sheets) => sheets[sheet](...rest));
}

function announce({ composer, page }) {
  if (composer.extra.announce) return composer.cancel();
  composer.cancel();
  composer.extra = { announce: true };
  composer.showBar(page.say("announcement"), page.say("announce_hint"));
  return composer.context.talk.redraw();
}

function showPins(view) {
  const { talk, page } = view;
  const { say } = page;
  const pins = state.pinsOf(talk.room).filter((seq) => find(talk.room, seq) !== null && find(talk.room, seq)?.recalled_by == null);
  const bar = view.element.querySelector(".pins");
  const latest = find(talk.room, pins.at(-1));
  const sign = [pins.join(), latest?.version, talk.target].join(" ");
  if (sign === view.pinsSign) return;
  view.pinsSign = latest || !pins.length ? sign : null;
  if (!pins.length) return bar.replaceChildren();
  if (!latest) verbs.fetch(view, pins.at(-1));
  else talk.look(latest);
  const shown = latest && reading(latest, talk, null).main;
  return bar.replaceChildren(h("button", { type: "button", class: "pin-bar", "aria-haspopup": "dialog", onclick: () => deeper("openPins", view) },
    icon("pin"), h("span", { class: "unseen" }, `${say("pinned")}: `),
    h("span", { class: "first", dir: "auto", lang: shown?.language || null }, shown ? shown.text.replace(/\s+/g, " ") : "…"),
    pins.length > 1 && h("span", { class: "count" }, h("span", { class: "unseen" }, say("pins_all")), ` ${new Intl.NumberFormat(page.ui).format(pins.length)}`)));
}

function showTitle(view) {
  const { talk, title, page } = view;
  const { room, me } = talk;
  const told = state.titleFor(room, me.languages);
  const sign = `${room.title} ${told?.text}`;
  if (view.titleSign !== sign) {
    view.titleSign = sign;
    title.parentElement.querySelector(".title-original")?.remove();
    title.lang = told?.language ?? "";
    if (told) title.after(h("span", { class: "title-original", dir: "auto" }, h("span", { class: "unseen" }, page.say("original_of")), room.title));
  }
  const wanted = `${room.title_seq} ${talk.target}`;
  if (told || !room.title_seq || view.titleAsked === wanted || !talk.connection.ready || !state.isForeignTitle(room.title, me.languages)) return;
  view.titleAsked = wanted;
  talk.connection.ask({ type: "translate", room: room.id, of: room.title_seq, language: talk.target }).catch((failed) => {
    if (failed.code === "disconnected") view.titleAsked = null;
  });
}

/** "English" for a chooser: its name in the interface's language. */
export function languageOption(language, ui, chosen) {
  return h("option", { value: language, selected: language === chosen }, languageName(language, ui));
}
