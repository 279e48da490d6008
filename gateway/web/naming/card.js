// The name card: everything a member is called, how it is read, what it means and who gave it; a picture of it to take
// along. The picture is drawn on a canvas with the fonts of this device: nothing of a name leaves it.

import { guessTag, languageName } from "../language.js";
import { wordsForError } from "../words.js";
import { h, icon, toast } from "../view/dom.js";
import { careful, live, openSheet } from "../view/sheet.js";
import { charactersNode, meaningOf, openAsk, previewNodes } from "./ceremony.js";
import { sealOf } from "./naming.js";
import { charactersOf, isHan } from "./state.js";

const REST_MS = 250;
const READERS = ["zh", "en"];

/** The card of a member; `given` is the name to show first. */
export function openCard(naming, user, given = null) {
  const { talk, page, view } = naming;
  const { say } = page;
  const own = user === talk.me.user;
  const nameNow = () => naming.cards.get(user)?.name ?? talk.room.people.get(user) ?? (own ? talk.me.name : "");
  openSheet(own ? say("my_card") : say("card_of", { name: naming.called(user) ?? nameNow() }), say("close"), (close) => {
    const body = h("div", { class: "name-card-sheet" });
    let shown = given;
    let sign = null;
    live(talk, body, () => {
      const names = naming.cards.get(user)?.names ?? [];
      const now = JSON.stringify([names, shown?.text]);
      if (now === sign) return undefined;
      sign = now;
      const first = names.find((one) => one.text === shown?.text) ?? names[0] ?? given;
      const others = names.filter((one) => one.text !== first?.text);
      return [
        first ? cardNode(naming, nameNow(), first) : h("p", { class: "lead" }, say("no_names_yet")),
        first && actions(naming, nameNow(), first),
        others.length > 0 && h("div", { class: "other-names" }, h("h3", {}, say("more_names")), h("ul", {}, others.map((one) => h("li", {}, h("button", {
          type: "button", class: "other-name", onclick: () => {
            shown = one;
            talk.redraw();
          },
        }, h("strong", { lang: one.script === "han" ? "zh" : "en" }, one.text), h("span", { class: "hint" }, one.romanisation || one.respelling)))))),
        own && first && ownChoices(naming, first),
      ];
    });
    const ask = () => {
      close();
      openAsk(naming, user, nameNow());
    };
    return [
      body,
      own ? adding(naming) : remarkField(naming, user),
      h("div", { class: "card-actions" },
        !own && h("button", {
          type: "button", class: "action", onclick: () => {
            close();
            view.composer.mention(user, naming.called(user) ?? nameNow());
          },
        }, icon("reply"), h("span", {}, say("mention"))),
        talk.connection.ready && h("button", { type: "button", class: "action", onclick: ask }, icon("brush"), h("span", {}, own ? say("ask_own") : say("ask_for", { name: naming.called(user) ?? nameNow() })))),
    ];
  });
}

function cardNode(naming, original, name) {
  const { say, ui } = naming.page;
  const meaning = [["zh", name.meaning_zh], ["en", name.meaning_en]].filter(([, words]) => words);
  return h("article", { class: "name-card", "aria-label": name.text },
    h("div", { class: "name-card-top" }, sealOf(name, true),
      h("div", { class: "name-card-words" }, charactersNode(name, ui),
        ui !== "zh" && name.respelling && name.script === "han" && h("span", { class: "hint" }, say("say_it", { how: name.respelling })))),
    ...(ui === "zh" ? meaning : meaning.reverse()).map(([language, words]) => h("p", { class: "meaning", lang: language }, words)),
    h("p", { class: "provenance" }, provenance(naming, name)),
    h("p", { class: "hint original" }, `${say("original_name")} `, h("bdi", { lang: guessTag(original, []) || null }, original)));
}

function provenance({ page, talk }, name) {
  const { say, ui } = page;
  if (!name.given_by) return say("brought_along");
  const date = new Intl.DateTimeFormat(ui, { month: ui === "zh" ? "long" : "short", day: "numeric", year: new Date(name.since_ms).getFullYear() === new Date().getFullYear() ? undefined : "numeric" }).format(name.since_ms);
  return say("given_in", { by: talk.called(name.given_by, name.given_by_name), room: titleFor(talk, ui), date });
}

// A title in two languages ("地球村 · Global Village") gives the half that this reader reads.
function titleFor(talk, ui) {
  const title = talk.depth?.titleFor(talk.room, talk.me.languages)?.text || talk.room.title;
  const halves = title.split(/\s*[·|/]\s*/).filter(Boolean);
  const chinese = halves.filter(isHan);
  if (halves.length !== 2 || chinese.length !== 1) return title;
  return ui === "zh" ? chinese[0] : halves.find((half) => !isHan(half));
}

function actions(naming, original, name) {
  const { say } = naming.page;
  const play = h("button", { type: "button", class: "secondary", hidden: true, onclick: () => speak(name) }, icon("sound"), h("span", {}, say("play")));
  // Voices of a browser may arrive later than the page; without one there is no button.
  const offer = () => {
    play.hidden = !voiceFor(name);
  };
  offer();
  globalThis.speechSynthesis?.addEventListener?.("voiceschanged", offer, { once: true });
  return h("div", { class: "buttons" }, play,
    h("button", { type: "button", class: "secondary", onclick: () => share(naming, original, name) }, icon("share"), h("span", {}, say("share_picture"))));
}

const languageOf = (name) => (name.script === "han" ? "zh" : "en");

function voiceFor(name) {
  const voices = globalThis.speechSynthesis?.getVoices() ?? [];
  const language = languageOf(name);
  return voices.find((one) => one.lang.replace("_", "-").toLowerCase() === (language === "zh" ? "zh-cn" : "en-us")) ?? voices.find((one) => one.lang.toLowerCase().startsWith(language));
}

function speak(name) {
  const said = new SpeechSynthesisUtterance(name.text);
  said.voice = voiceFor(name) ?? null;
  said.lang = languageOf(name) === "zh" ? "zh-CN" : "en-US";
  said.rate = 0.8;
  speechSynthesis.cancel();
  speechSynthesis.speak(said);
}

// ---- one's own card

/** For whose eyes a name is. */
function ownChoices(naming, name) {
  const { say, ui } = naming.page;
  return h("div", { class: "own-choices" },
    READERS.map((language) => {
      const box = h("input", {
        type: "checkbox", checked: name.preferred_for.includes(language), onchange: async () => {
          const rest = name.preferred_for.filter((one) => one !== language);
          try {
            await naming.command("set_name", { text: name.text, preferred_for: box.checked ? [...rest, language] : rest });
          } catch {
            box.checked = !box.checked;
          }
        },
      });
      return h("label", { class: "check" }, box, h("span", {}, say("prefer", { language: languageName(language, ui) })));
    }),
    careful(say("take_off"), say("take_off_sure"), () => naming.command("set_name", { text: name.text, remove: true }).catch(() => {}), "close"));
}

/** A name of one's own, brought along. */
function adding(naming) {
  const { say } = naming.page;
  const box = h("input", { type: "text", id: "own-name", maxlength: 40, autocomplete: "off" });
  const shown = h("div", { class: "name-preview", "aria-live": "polite" });
  const submit = h("button", { type: "submit", class: "secondary" }, say("add_name"));
  let timer = null;
  const look = () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const text = box.value.trim();
      const found = text ? await naming.look("preview", { text }).catch(() => null) : null;
      if (text === box.value.trim()) shown.replaceChildren(...(found ? previewNodes(found, naming.page) : []));
    }, REST_MS);
  };
  box.addEventListener("input", (event) => !event.isComposing && look());
  box.addEventListener("compositionend", look);
  return h("form", {
    class: "form add-name", onsubmit: async (event) => {
      event.preventDefault();
      const text = box.value.trim();
      if (!text) return;
      try {
        await naming.command("set_name", { text });
        box.value = "";
        shown.replaceChildren();
        toast(say("saved"));
      } catch {
        // The room told why not.
      }
    },
  }, h("div", { class: "field" }, h("label", { for: "own-name" }, say("add_name")), h("div", { class: "beside" }, box, submit), shown));
}

/** What I call somebody; nobody else sees it. */
function remarkField(naming, user) {
  const { talk, page, cards } = naming;
  const { say } = page;
  const box = h("input", { type: "text", id: "remark", maxlength: 40, autocomplete: "off", placeholder: say("remark_hint"), value: cards.get(user)?.remark ?? "" });
  return h("form", {
    class: "form", onsubmit: async (event) => {
      event.preventDefault();
      const text = box.value.trim();
      try {
        await talk.connection.ask({ type: "remark", room: talk.room.id, user, text });
        const list = [...(talk.room.cards?.list ?? [])];
        const at = list.findIndex((card) => card.user === user);
        const known = naming.cards.get(user) ?? { user, name: talk.room.people.get(user) ?? "", names: [] };
        list.splice(at < 0 ? list.length : at, 1, { ...known, remark: text });
        talk.room.cards = { asOf: talk.room.cards?.asOf ?? 0, list };
        talk.redraw();
        toast(say("saved"));
      } catch (failed) {
        toast(wordsForError(say, failed.code ?? "other"), { refusal: true });
      }
    },
  }, h("div", { class: "field" }, h("label", { for: "remark" }, say("remark_label")), h("div", { class: "beside" }, box, h("button", { type: "submit", class: "secondary" }, say("save")))));
}

// ---- the picture

const SERIF = '"Songti SC", "Noto Serif CJK SC", "Noto Serif SC", "Source Han Serif SC", STSong, Georgia, serif';
const SANS = '"PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", system-ui, sans-serif';
const WIDTH = 1080;
const HEIGHT = 1350;

/** A card as a picture: 1080 x 1350, as telephones like it. */
export function pictureOf(naming, original, name) {
  const canvas = h("canvas", { width: WIDTH, height: HEIGHT });
  const pen = canvas.getContext("2d");
  const [paper, ink, soft, red, line] = ["#faf5ec", "#241c15", "#675a4c", "#b92b1b", "#e3d3bb"];
  pen.fillStyle = paper;
  pen.fillRect(0, 0, WIDTH, HEIGHT);
  pen.strokeStyle = line;
  pen.lineWidth = 3;
  pen.strokeRect(48, 48, WIDTH - 96, HEIGHT - 96);
  pen.lineWidth = 1.5;
  pen.strokeRect(62, 62, WIDTH - 124, HEIGHT - 124);
  pen.textAlign = "center";
  const write = (text, x, y, font, colour, most = WIDTH - 220) => {
    pen.font = font;
    pen.fillStyle = colour;
    pen.fillText(text, x, y, most);
  };
  drawSeal(pen, name, WIDTH / 2 - 180, 150, 360, red, paper);
  const middle = WIDTH / 2;
  const characters = charactersOf(name);
  if (name.script === "han") {
    const step = Math.min(220, (WIDTH - 240) / characters.length);
    characters.forEach((one, at) => {
      const x = middle + (at - (characters.length - 1) / 2) * step;
      write(one.reading, x, 620, `500 46px ${SANS}`, soft, step - 10);
      write(one.char, x, 745, `700 118px ${SERIF}`, ink, step);
      pen.font = `400 29px ${SANS}`;
      wrapped(naming.page.ui === "zh" ? one.zh : one.en, step - 16).slice(0, 2).forEach((words, row) => write(words, x, 800 + row * 36, `400 29px ${SANS}`, soft, step - 10));
    });
  } else {
    write(name.text, middle, 720, `700 128px ${SERIF}`, ink);
    write(name.respelling, middle, 790, `500 44px ${SANS}`, soft);
  }
  let y = 930;
  for (const words of [name.meaning_zh, name.meaning_en].filter(Boolean)) {
    pen.font = `400 38px ${SANS}`;
    for (const part of wrapped(words, WIDTH - 240).slice(0, 2)) {
      write(part, middle, y, `400 38px ${SANS}`, ink);
      y += 54;
    }
  }
  pen.fillStyle = line;
  pen.fillRect(middle - 60, 1066, 120, 3);
  write(original, middle, 1148, `600 46px ${SERIF}`, red);
  write(provenance(naming, name), middle, 1206, `400 32px ${SANS}`, soft);
  if (!/地球村/.test(naming.talk.room.title)) write("地球村 · Global Village", middle, 1262, `700 30px ${SERIF}`, soft);
  return canvas;

  function wrapped(text, most) {
    const words = isHan(text) ? [...text] : text.split(/(?<=\s)/);
    const rows = [""];
    for (const word of words) {
      if (pen.measureText(rows.at(-1) + word).width > most && rows.at(-1)) rows.push("");
      rows[rows.length - 1] += word;
    }
    return rows.map((row) => row.trim());
  }
}

function drawSeal(pen, name, x, y, size, red, paper) {
  const characters = name.script === "han" ? [...name.text].filter((one) => one !== "·").slice(0, 4) : [name.text];
  pen.fillStyle = red;
  pen.beginPath();
  pen.roundRect(x, y, size, size, size * 0.09);
  pen.fill();
  pen.strokeStyle = paper;
  pen.lineWidth = size * 0.014;
  pen.beginPath();
  pen.roundRect(x + size * 0.055, y + size * 0.055, size * 0.89, size * 0.89, size * 0.06);
  pen.stroke();
  pen.fillStyle = paper;
  pen.textBaseline = "middle";
  for (const { char, left, top, side } of places(characters)) {
    pen.font = `700 ${side * size * 0.86}px ${SERIF}`;
    pen.fillText(char, x + (left + side / 2) * size, y + (top + side / 2) * size + size * 0.01, side * size * (name.script === "han" ? 1 : 0.94));
  }
  pen.textBaseline = "alphabetic";
}

// Seals are read from the top right: a surname of one character stands alone at full height.
function places(characters) {
  const [inner, half] = [0.09, 0.41];
  if (characters.length === 1) return [{ char: characters[0], left: inner, top: inner, side: 0.82 }];
  const grid = (char, column, row) => ({ char, left: inner + (1 - column) * half, top: inner + row * half, side: half });
  if (characters.length === 2) return characters.map((char, row) => ({ char, left: 0.295, top: inner + row * half, side: half }));
  if (characters.length === 3) return [{ char: characters[0], left: inner + half, top: 0.295, side: half }, grid(characters[1], 1, 0), grid(characters[2], 1, 1)];
  return characters.map((char, at) => grid(char, at < 2 ? 0 : 1, at % 2));
}

async function share(naming, original, name) {
  const { say } = naming.page;
  const blob = await new Promise((done) => {
    pictureOf(naming, original, name).toBlob(done, "image/png");
  });
  const file = new File([blob], `${name.text}.png`, { type: "image/png" });
  if (navigator.canShare?.({ files: [file] })) {
    await navigator.share({ files: [file], title: name.text }).catch(() => {});
    return;
  }
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: file.name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  toast(say("shared"));
}
