// The sheets over a room. Fetched at first use: most people read and write for a while before they need one.

import { canonical, guessTag, languageName, ownName } from "../language.js";
import { hueOf, sealOf } from "../names.js";
import { applyPage, reactions, translationFor } from "../room.js";
import { wordsForError } from "../words.js";
import { ICONS, h, icon, seal, toast } from "./dom.js";
import "../stage/words.js";
import { languageChips } from "./languages.js";
import { reading, refusalWords, textNodes } from "./message.js";
import { deeperActions, openGlossary, openRoom, suggestionList } from "./deeper.js";
import { begin } from "./depth.js";
import { moderates } from "../depth.js";
import { careful, live, openSheet } from "./sheet.js";

Object.assign(ICONS, {
  card: "M4 5h16v14H4zM8 9.5h4v5H8zM15 10h2M15 14h2",
  flag: "M6 21V4M6 5c4-2.5 7 2 12 0v8.500c-5 2-8-2.500-12 0",
  desk: "M4 5h16v11H4zM9 20h6M12 16v4M8 9.500h5M8 12.500h8",
});

const EMOJI = ["👍", "❤️", "😂", "🎉", "👏", "🙏", "😮", "🐱"];

/** One message: its texts, how it was translated, and what can be done with it. */
export function openMessage(view, message) {
  if (!message || message.kind !== "post" || message.recalled_by !== null) return;
  const { talk, messages, composer } = view;
  const { say, ui, time } = view.page;
  const own = message.author === talk.me.user;
  const mayRecall = own || moderates(talk.room);
  begin(view);
  const name = own ? say("you") : talk.called(message.author, message.name);
  openSheet(`${name} · ${time.clock(message.at_ms)}`, say("close"), (close) => {
    const mine = new Set(reactions(message, talk.me.user).filter((one) => one.mine).map((one) => one.emoji));
    const then = (act) => () => {
      close();
      act();
    };
    const action = (iconName, words, act) => h("button", { type: "button", class: "action", onclick: then(act) }, icon(iconName), h("span", {}, words));
    const translations = talk.me.languages.map((language) => message.translations.get(language)).filter((one) => one && one.revision === message.revision && one.text !== null);
    const read = reading(message, talk, null);
    const source = canonical(translations[0]?.source || guessTag(message.text, talk.me.languages) || "und");
    const missing = talk.me.languages.filter((language) => language !== source && !translations.some((one) => one.language === language));
    const askable = missing.filter((language) => own || language === talk.target || talk.routes.some((route) => canonical(route.target) === language));
    return [
      h("div", { class: "texts" },
        h("p", { class: "text", dir: "auto", lang: source === "und" ? null : source }, textNodes(message, talk.me.user)),
        translations.map((one) => h("div", { class: "translation" },
          h("p", { class: "text", dir: "auto", lang: one.language }, textNodes({ text: one.text, mentions: message.mentions }, talk.me.user)),
          h("p", { class: "label" }, !one.own && h("span", { class: "seal-small", lang: "zh", "aria-hidden": "true" }, "译"), one.own ? say("announcement") : `${say("machine")}${one.starter ? ` · ${say("starter")}` : ""}`))),
        read.state === "refused" && h("p", { class: "label" }, refusalWords(read, message, talk, say, ui))),
      suggestionList(view, message, close),
      h("div", { class: "emoji-row", role: "group", "aria-label": say("message_actions") }, EMOJI.map((emoji) => h("button", {
        type: "button", class: "emoji", "aria-pressed": String(mine.has(emoji)), "aria-label": say("react_with", { emoji }),
        onclick: then(() => view.act("react", message, emoji, !mine.has(emoji))),
      }, emoji))),
      action("reply", say("reply"), () => composer.reply(message, (translationFor(message, talk.me.languages) ?? message).text)),
      askable.map((language) => action("translate", own ? say("reads_in", { language: languageName(language, ui) }) : `${say("translate")} · ${ownName(language)}`, () => {
        messages.show(message, "both");
        talk.translate(message.seq, language);
      })),
      deeperActions(view, message).map((one) => action(...one)),
      action("copy", say("copy"), () => copy(view, read.main.text)),
      own && action("edit", say("edit"), () => composer.edit(message)),
      !own && action("flag", say("report"), () => view.part("stage", "open", "openReport", message)),
      !own && moderates(talk.room) && action("desk", say("about_author"), () => view.part("stage", "host", "openMember", { user: message.author, name, of: message.seq })),
      mayRecall && careful(say("recall"), say("recall_sure"), then(() => talk.change("recall", { of: message.seq }).catch(() => {})), "recall"),
    ];
  });
}

async function copy(view, text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(view.page.say("copied"));
  } catch {
    toast(wordsForError(view.page.say, "other"), { refusal: true });
  }
}

/** Who is here, by language; a tap on somebody mentions them. */
export function openPeople(view) {
  const { talk } = view;
  const { say, ui } = view.page;
  talk.askPeople();
  view.part("naming", "render");
  openSheet(say("who_is_here"), say("close"), (close) => {
    const body = h("div", { class: "people" });
    let drawn = null;
    let signed = null;
    live(talk, body, () => {
      const { here } = talk.room;
      const sign = [here?.total, here?.people.length, talk.naming?.names].join();
      if (!here || (here === drawn && sign === signed)) return undefined;
      [drawn, signed] = [here, sign];
      const groups = Map.groupBy ? Map.groupBy(here.people, (one) => one.languages[0] ?? "und") : grouped(here.people);
      const counts = Object.entries(here.by_language).sort((a, b) => b[1] - a[1]);
      return [
        h("p", { class: "lead" }, say("here_total", { n: here.total })),
        ...counts.map(([language, n]) => {
          const bar = h("span", { class: "bar" });
          bar.style.inlineSize = `${Math.max(3, (n / Math.max(1, here.total)) * 100)}%`;
          return h("section", {},
            h("h3", {}, h("span", { class: "language", lang: language }, ownName(language)), h("span", { class: "count" }, new Intl.NumberFormat(ui).format(n)), h("span", { class: "bar-track" }, bar)),
            h("ul", {}, (groups.get(language) ?? []).map((person) => h("li", { class: "person-row" }, h("button", {
              type: "button", class: "person", disabled: person.user === talk.me.user,
              onclick: () => {
                close();
                view.composer.mention(person.user, talk.called(person.user, person.name));
              },
            }, ...personNodes(talk, person), h("span", { class: "reads" }, person.user === talk.me.user ? say("you") : person.languages.slice(1).map((one) => languageName(one, ui)).join(say("list_separator")))),
            h("button", {
              type: "button", class: "plain", "aria-haspopup": "dialog", "aria-label": say("name_card_of", { name: talk.called(person.user, person.name) }),
              onclick: () => {
                close();
                view.part("naming", "openCard", person.user);
              },
            }, icon("card"))))));
        })];
    });
    return body;
  });
}

function personNodes(talk, { user, name }) {
  const called = talk.called(user, name);
  return [seal(called, hueOf(user), sealOf(called)), h("bdi", { class: "name", lang: guessTag(called, []) || null }, called),
    called !== name && h("bdi", { class: "name-too", lang: guessTag(name, []) || null }, name)];
}

/** How this person reads. */
export function openSettings(view) {
  const { talk } = view;
  const { say, ui, setInterface, rooms, forget, saveLanguages } = view.page;
  begin(view);
  openSheet(say("settings"), say("close"), (close) => {
    const languages = [...talk.me.languages];
    const others = rooms().filter((room) => room.room !== talk.room.id);
    return [
      h("fieldset", { class: "field modes" }, h("legend", {}, say("show")),
        ["translated", "original", "both"].map((mode) => h("label", {}, h("input", {
          type: "radio", name: "mode", value: mode, checked: view.mode === mode,
          onchange: () => view.setMode(mode),
        }), h("span", {}, say(`mode_${mode}`))))),
      h("div", { class: "field" }, h("span", { class: "label" }, say("you_read")),
        languageChips(languages, view.page, () => {
          saveLanguages(languages);
          readIn(talk, languages);
        }), h("p", { class: "hint" }, say("you_read_hint"))),
      h("div", { class: "field" }, h("span", { class: "label" }, say("interface")),
        h("div", { class: "switch", role: "group", "aria-label": say("interface") }, [["zh", "中文"], ["en", "English"]].map(([language, words]) => h("button", {
          type: "button", lang: language, "aria-pressed": String(ui === language), onclick: () => {
            close();
            setInterface(language);
          },
        }, words)))),
      h("div", { class: "field" }, ...[["card", "my_name_card", () => view.part("naming", "openCard", talk.me.user)], ["book", "glossary", openGlossary], moderates(talk.room) && ["settings", "room_settings", openRoom], moderates(talk.room) && ["desk", "host_desk", () => view.part("stage", "host", "openDesk")]].filter(Boolean).map(([picture, words, open]) => h("button", {
        type: "button", class: "action", onclick: () => {
          close();
          open(view);
        },
      }, icon(picture), h("span", {}, say(words))))),
      others.length > 0 && h("nav", { class: "known", "aria-label": say("rooms") }, h("span", { class: "label" }, say("rooms")),
        others.map((room) => h("a", { href: `#/r/${room.room}`, dir: "auto", onclick: close }, h("span", {}, room.title || room.room), icon("down")))),
      careful(say("forget"), say("forget_sure"), () => {
        close();
        forget();
      }),
    ];
  });
}

// Translations into a new language are with the history, so it is loaded again.
async function readIn(talk, languages) {
  const { room, me, connection } = talk;
  me.languages = languages.map(canonical);
  talk.redraw();
  try {
    await connection.ask({ type: "set_languages", languages: me.languages });
    const from = room.order[0] ?? 0;
    const page = await connection.ask({ type: "history", room: room.id, epoch: room.epoch, limit: 100 });
    applyPage(room, page, page.first <= from || page.entries.length === 0);
    talk.redraw();
  } catch {
    // The next hello says the new languages.
  }
}

function grouped(people) {
  const groups = new Map();
  for (const person of people) {
    const language = person.languages[0] ?? "und";
    groups.set(language, [...(groups.get(language) ?? []), person]);
  }
  return groups;
}
