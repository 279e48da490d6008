// The sheets for what lies deeper: explained words, better translations, the glossary, the room's settings, pins.

import { betterFor, glossaryOf, moderates, pinsOf, suggestionsOf, termsOf } from "../depth.js";
import { canonical, guessTag, languageName } from "../language.js";
import { find, translationFor } from "../room.js";
import { wordsForError } from "../words.js";
import { h, icon, toast, unseen } from "./dom.js";
import { languageOption } from "./depth.js";
import { reading, textNodes } from "./message.js";
import { careful, live, openSheet } from "./sheet.js";

const ROWS_MAX = 100;
const TERM_CHARS_MAX = 80;
const OLDER_PAGES_MAX = 20;

const paragraph = (one, me, kind = "") => h("p", { class: `text ${kind}`.trim(), dir: "auto", lang: one.language || null }, textNodes(one, me));

/** The explained words of a message, each with its meaning. */
export function openTerms(view, message) {
  const { talk, page } = view;
  const terms = message && termsOf(message, talk.me.languages);
  if (!terms) return;
  const seen = terms.list.filter((one, at) => terms.list.findIndex((other) => other.term === one.term) === at);
  openSheet(page.say("explained"), page.say("close"), () => [
    h("dl", { class: "explained" }, seen.map((one) => h("div", {}, h("dt", {}, h("bdi", {}, one.term)), h("dd", { dir: "auto", lang: terms.language }, one.meaning)))),
    h("div", { class: "texts" }, paragraph({ text: message.text, mentions: message.mentions, language: guessTag(message.text, []) }, talk.me.user)),
  ]);
}

/** Propose a better translation of a message. */
export function openSuggest(view, message) {
  const { talk, page } = view;
  const { say, ui } = page;
  const machine = translationFor(message, talk.me.languages);
  const better = betterFor(message, talk.me.languages);
  const language = better?.language ?? machine?.language ?? talk.target;
  const { revision } = message;
  openSheet(say("suggest"), say("close"), (close) => {
    const failure = h("p", { class: "failure", role: "alert", hidden: true });
    const box = h("textarea", { id: "better", rows: 3, dir: "auto", lang: language, maxlength: 4000, value: (better ?? machine)?.text ?? "", autofocus: true });
    const button = h("button", { type: "submit", class: "primary" }, say("suggest_send"));
    const fail = (words) => {
      failure.textContent = words;
      failure.hidden = false;
      button.disabled = false;
    };
    return h("form", { class: "form", onsubmit: async (event) => {
      event.preventDefault();
      const text = box.value.trim();
      if (!text || button.disabled) return;
      if (message.revision !== revision) return fail(wordsForError(say, "stale"));
      button.disabled = true;
      try {
        await talk.change("suggest", { of: message.seq, language, text });
        close();
        toast(say("suggest_thanks"));
      } catch (failed) {
        fail(wordsForError(say, failed.code));
      }
    } },
    h("div", { class: "texts" }, paragraph({ text: message.text, mentions: message.mentions, language: guessTag(message.text, []) }, talk.me.user),
      machine && h("div", { class: "translation" }, paragraph({ text: machine.text, mentions: message.mentions, language }, talk.me.user),
        h("p", { class: "label" }, h("span", { class: "seal-small", lang: "zh", "aria-hidden": "true" }, "译"), say("machine")))),
    h("div", { class: "field" }, h("label", { for: "better" }, say("suggest_label", { language: languageName(language, ui) })), box,
      h("p", { class: "hint" }, say("suggest_hint"))),
    failure, button);
  });
}

/** What others propose for a message, with votes; for the message's sheet. */
export function suggestionList(view, message, close) {
  const { talk, page } = view;
  const { say, ui } = page;
  const box = h("div", { class: "suggestions" });
  let drawn = null;
  live(talk, box, () => {
    const found = suggestionsOf(message).filter((one) => talk.me.languages.includes(one.language) || one.by === talk.me.user);
    const shown = betterFor(message, talk.me.languages);
    const sign = JSON.stringify(found.map((one) => [one.seq, [...one.voters]]));
    if (sign === drawn) return undefined;
    drawn = sign;
    return [found.length > 0 && h("h3", {}, say("suggestions")), found.map((one) => {
      const mine = one.by === talk.me.user;
      const on = one.voters.has(talk.me.user);
      return h("div", { class: `suggestion${one.seq === shown?.seq ? " shown" : ""}` },
        h("div", { class: "words" }, h("p", { class: "text", dir: "auto", lang: one.language }, one.text),
          h("p", { class: "hint" }, mine ? say("suggested_own") : say("suggested_by", { name: one.name }), one.seq === shown?.seq && ` · ${say("suggestion_shown")}`)),
        moderates(talk.room) && h("button", { type: "button", class: "plain", "aria-label": say("to_glossary"), onclick: () => {
          close();
          openGlossary(view, termOf(message, one.text, one.language));
        } }, icon("book")),
        h("button", {
          type: "button", class: "vote", disabled: mine, "aria-pressed": String(on),
          onclick: () => talk.change("vote", { of: message.seq, suggestion: one.seq, on: !on }).catch(() => {}),
        }, icon("vote"), unseen(say(mine ? "votes" : "vote_for")), h("span", { class: "count" }, new Intl.NumberFormat(ui).format(one.votes))));
    })];
  });
  return box;
}

/** A row to begin with, from a message and a translation of it; what is too long for a term is left to the moderator. */
export function termOf(message, text, language) {
  const fits = (one) => (one && [...one].length <= TERM_CHARS_MAX ? one : "");
  return { source: fits(message.text), target: fits(text), language, note: "" };
}

/** The room's words: everybody reads them, moderators change them. `begin` opens the form with a row filled in. */
export function openGlossary(view, begin = null) {
  const { talk, page } = view;
  const { say, ui } = page;
  let frame = null;
  let editing = begin;
  let limit = ROWS_MAX;
  const failure = h("p", { class: "failure", role: "alert", hidden: true });
  const fail = (code) => {
    failure.textContent = wordsForError(say, code);
    failure.hidden = false;
  };
  openSheet(say("glossary"), say("close"), () => {
    const list = h("ul", { class: "terms" });
    const place = h("div", { class: "term-form" });
    const search = h("input", { id: "find-term", type: "text", dir: "auto", autocomplete: "off", placeholder: say("glossary_find"), "aria-label": say("glossary_find"), oninput: () => draw() });
    const edit = (term) => {
      editing = term;
      form();
      place.scrollIntoView({ block: "nearest" });
      place.querySelector("input")?.focus();
    };
    const add = moderates(talk.room) && h("button", { type: "button", class: "action", onclick: () => edit({ source: search.value.trim(), target: "", language: "", note: "" }) }, icon("add"), h("span", {}, say("term_add")));
    const form = () => {
      place.replaceChildren(...(editing ? [termForm(view, editing, fail, (saved) => {
        editing = null;
        form();
        if (saved) toast(say("term_saved"));
        (add || search).focus();
      })] : []));
      if (add) add.hidden = Boolean(editing);
    };
    const draw = () => {
      if (!frame) return list.replaceChildren(h("li", { class: "hint" }, say("glossary_loading")));
      const wanted = fold(search.value);
      const all = glossaryOf(frame, talk.room);
      const found = all.filter((one) => !wanted || fold(`${one.source} ${one.target ?? ""} ${one.note}`).includes(wanted));
      search.hidden = !all.length;
      return list.replaceChildren(
        ...found.slice(0, limit).map((one) => termRow(view, one, edit, fail)),
        ...(found.length ? [] : [h("li", { class: "hint" }, say(all.length ? "glossary_none" : "glossary_empty"))]),
        ...(found.length > limit ? [h("li", {}, h("button", { type: "button", class: "word", onclick: () => {
          limit += ROWS_MAX;
          draw();
        } }, say("and_more", { n: found.length - limit })))] : []));
    };
    const load = () => talk.connection.ask({ type: "glossary", room: talk.room.id }).then((answer) => {
      frame = answer;
      failure.hidden = true;
      draw();
    }, (failed) => fail(failed.code));
    let sign = "";
    live(talk, list, () => {
      const now = `${[...talk.room.news.keys()].join()} ${talk.room.role}`;
      if (now !== sign) draw();
      sign = now;
    });
    form();
    load();
    return [h("p", { class: "hint" }, say("glossary_words")), place, add, failure, search, list];
  });
}

const fold = (text) => text.normalize("NFKC").toLowerCase().trim();

function forReaders(language, { say, ui }) {
  return language ? say("for_readers", { language: languageName(language, ui) }) : say("for_all");
}

function termRow(view, term, edit, fail) {
  const { talk, page } = view;
  const { say } = page;
  const row = h("li", { class: "term-row" },
    h("div", { class: "words" },
      h("p", { class: "pair" }, h("strong", { dir: "auto" }, term.source), h("span", { class: "unseen" }, ": "), h("span", { "aria-hidden": "true" }, " → "),
        term.target === null || term.target === undefined ? h("em", {}, say("term_kept")) : h("span", { dir: "auto" }, term.target)),
      h("p", { class: "hint" }, forReaders(term.language, page), term.note && [" · ", h("bdi", {}, term.note)])));
  if (moderates(talk.room)) {
    row.append(h("button", { type: "button", class: "plain", "aria-label": say("term_edit", { term: term.source }), onclick: () => edit({ ...term, target: term.target ?? "", known: true }) }, icon("edit")),
      careful(say("term_remove", { term: term.source }), say("term_remove_sure", { term: term.source }), () => {
        talk.change("remove_term", { source: term.source, language: term.language || null }).catch((failed) => fail(failed.code));
      }, "close", true));
  }
  return row;
}

function termForm(view, term, fail, done) {
  const { talk, page } = view;
  const { say, ui } = page;
  const field = (id, words, value, hint, more = {}) => {
    const input = h("input", { id, type: "text", dir: "auto", value, autocomplete: "off", maxlength: TERM_CHARS_MAX, "aria-describedby": hint ? `${id}-hint` : null, ...more });
    return [input, h("div", { class: "field" }, h("label", { for: id }, words), input, hint && h("p", { class: "hint", id: `${id}-hint` }, hint))];
  };
  const [source, sourceField] = field("term-source", say("term_source"), term.source, null, { required: true });
  const [target, targetField] = field("term-target", say("term_target"), term.target, say("term_target_hint"));
  const [note, noteField] = field("term-note", say("term_note"), term.note, null, { maxlength: 300 });
  const languages = [...new Set([...talk.me.languages, ...Object.keys(talk.room.here?.by_language ?? {}), "zh", "en", ...(term.language ? [term.language] : [])].map(canonical))];
  const readers = h("select", { id: "term-readers" }, h("option", { value: "" }, say("for_all")), languages.map((one) => languageOption(one, ui, term.language)));
  const button = h("button", { type: "submit", class: "primary" }, say("save"));
  return h("form", { class: "form", onsubmit: async (event) => {
    event.preventDefault();
    if (!source.value.trim() || button.disabled) return source.focus();
    button.disabled = true;
    try {
      const replaced = term.known && (term.source !== source.value.trim() || term.language !== readers.value);
      await talk.change("put_term", { source: source.value.trim(), target: target.value.trim() || null, language: readers.value || null, note: note.value.trim() });
      if (replaced) await talk.change("remove_term", { source: term.source, language: term.language || null });
      done(true);
    } catch (failed) {
      fail(failed.code);
      button.disabled = false;
    }
    return undefined;
  } }, sourceField, targetField,
  h("div", { class: "field" }, h("label", { for: "term-readers" }, say("term_readers")), readers), noteField,
  h("div", { class: "buttons" }, h("button", { type: "button", class: "secondary", onclick: () => done(false) }, say("cancel")), button));
}

/** Title, and how the room treats translation: for moderators. */
export function openRoom(view) {
  const { talk, page } = view;
  const { room } = talk;
  const { say, ui } = page;
  openSheet(say("room_settings"), say("close"), (close) => {
    const failure = h("p", { class: "failure", role: "alert", hidden: true });
    const title = h("input", { id: "room-title", type: "text", dir: "auto", value: room.title, maxlength: 320, required: true });
    let mode = room.translation ?? "patch";
    const seconds = new Intl.NumberFormat(ui, { style: "unit", unit: "second", unitDisplay: "long", maximumFractionDigits: 1 });
    const budget = h("input", { id: "room-budget", type: "range", min: 100, max: 10000, step: 100, value: room.translation_budget_ms ?? 800, oninput: () => explain() });
    const told = h("p", { class: "hint", id: "room-told", "aria-live": "polite" });
    const amount = h("output", { for: "room-budget" });
    const explain = () => {
      amount.textContent = seconds.format(budget.value / 1000);
      budget.setAttribute("aria-valuetext", amount.textContent);
      told.textContent = say(`room_${mode}_words`, { time: amount.textContent });
    };
    explain();
    const button = h("button", { type: "submit", class: "primary" }, say("save"));
    return h("form", { class: "form", onsubmit: async (event) => {
      event.preventDefault();
      const now = { title: title.value.trim(), translation: mode, translation_budget_ms: Number(budget.value) };
      const changed = Object.fromEntries(Object.entries(now).filter(([key, value]) => value !== room[key]));
      if (!now.title) return title.focus();
      if (!Object.keys(changed).length) return close();
      button.disabled = true;
      try {
        await talk.change("configure", changed);
        close();
        toast(say("room_saved"));
      } catch (failed) {
        failure.textContent = wordsForError(say, failed.code);
        failure.hidden = false;
        button.disabled = false;
      }
      return undefined;
    } },
    h("div", { class: "field" }, h("label", { for: "room-title" }, say("room_title")), title),
    h("fieldset", { class: "field modes two" }, h("legend", {}, say("room_mode")),
      ["patch", "hold"].map((one) => h("label", {}, h("input", { type: "radio", name: "room-mode", value: one, checked: mode === one, "aria-describedby": "room-told", onchange: () => {
        mode = one;
        explain();
      } }), h("span", {}, say(`room_${one}`))))),
    h("div", { class: "field" }, h("div", { class: "between" }, h("label", { for: "room-budget" }, say("room_budget")), amount), budget, told),
    failure, button);
  });
}

/** Pinned messages, the latest first, in the reader's language. */
export function openPins(view) {
  const { talk, page, messages } = view;
  const { say, ui, time } = page;
  const shown = new Map();
  openSheet(say("pinned"), say("close"), (close) => {
    const box = h("ul", { class: "pin-list" });
    let sign = null;
    live(talk, box, () => {
      const pins = pinsOf(talk.room).reverse();
      const now = pins.map((seq) => `${seq} ${find(talk.room, seq)?.version} ${shown.get(seq)}`).join();
      if (now === sign) return undefined;
      sign = now;
      const rows = pins.map((seq) => {
        const message = find(talk.room, seq);
        if (!message) view.context.depth.fetch(view, seq);
        if (!message || message.recalled_by !== null) return null;
        talk.look(message);
        const read = reading(message, talk, shown.get(seq) ?? null);
        return h("li", { class: "pin-row" },
          h("p", { class: "who" }, h("bdi", { class: "name" }, message.author === talk.me.user ? say("you") : message.name),
            h("time", {}, `${time.day(message.at_ms)} ${time.clock(message.at_ms)}`)),
          paragraph(read.main, talk.me.user),
          h("div", { class: "buttons" },
            read.state === "toggle" && h("button", { type: "button", class: "word", onclick: () => {
              shown.set(seq, read.main.made ? "original" : "translated");
              talk.redraw();
            } }, say(read.main.made ? "show_original" : "show_translation")),
            h("button", { type: "button", class: "word", onclick: () => {
              close();
              reach(talk, seq).then((found) => (found ? messages.jump(seq) : toast(say("reply_gone"))));
            } }, say("go_to_message")),
            moderates(talk.room) && h("button", { type: "button", class: "word", onclick: () => talk.change("pin", { of: seq, on: false }).catch(() => {}) }, say("unpin"))));
      }).filter(Boolean);
      return rows.length ? rows : [h("li", { class: "hint" }, say("pins_none"))];
    });
    return box;
  });
}

/** Loads older pages until the message is there; true when it is. */
async function reach(talk, seq) {
  for (let pages = 0; pages < OLDER_PAGES_MAX && !talk.room.messages.has(seq) && talk.room.more && talk.connection.ready; pages += 1) {
    if (talk.loadingOlder) await new Promise((resolve) => setTimeout(resolve, 100));
    else await talk.older();
  }
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  return talk.room.messages.has(seq);
}

/** What a message's sheet offers beyond the usual: [[icon, words, act]]. */
export function deeperActions(view, message) {
  const { talk, page } = view;
  const { say } = page;
  const read = reading(message, talk, null);
  const machine = translationFor(message, talk.me.languages);
  const can = read.translation || read.better || ["refused", "offer"].includes(read.state);
  const pinned = pinsOf(talk.room).includes(message.seq);
  return [
    can && ["edit", say("suggest"), () => openSuggest(view, message)],
    moderates(talk.room) && ["pin", say(pinned ? "unpin" : "pin"), () => talk.change("pin", { of: message.seq, on: !pinned }).catch(() => {})],
    moderates(talk.room) && ["book", say("to_glossary"), () => openGlossary(view, termOf(message, machine?.text ?? "", machine?.language ?? ""))],
  ].filter(Boolean);
}

