// One message, or one line between messages, as elements. A message shows what its reader reads at full weight, and
// under it a thin line of fixed height: the other text, a shimmer while one is expected, a button, or why not.
// Because the line is always of that height, nothing below moves when a translation arrives.

import { canonical, guessTag, languageName, shortName } from "../language.js";
import { parts } from "../links.js";
import { hueOf, sealOf } from "../names.js";
import { find, reactions, refusalFor, translationFor } from "../room.js";
import { missingPackage } from "../conversation.js";
import { wordsForError } from "../words.js";
import { h, icon, seal, unseen } from "./dom.js";

/** What a message looks like to its reader: {main, other, state, refusal}. Shared by the log, quotes and the sheet.
 * `made` of a text says who translated it: machine or members. */
export function reading(message, talk, shown) {
  const { languages } = talk.me;
  const translation = translationFor(message, languages);
  const refusal = refusalFor(message, languages);
  const source = canonical(translation?.source || refusal?.source || "") ;
  const known = (translation?.source || refusal?.source) && source !== "und" ? source : "";
  const guessed = guessTag(message.text, languages);
  // Words of another language in the middle of my own do not make the line one of theirs.
  const original = { text: message.text, language: translation?.language === guessed ? guessed : known || guessed, mentions: message.mentions, terms: talk.depth?.termsOf(message, languages) };
  const needed = talk.needsTranslation(message);
  const better = talk.depth?.betterFor(message, languages);
  const best = (shown !== "machine" && better) || translation;
  if (best) {
    const translated = { text: best.text, language: best.language, mentions: message.mentions, starter: best.starter, made: best === better ? "members" : best.own ? "author" : "machine" };
    const wanted = shown ?? (needed ? "translated" : "original");
    const first = wanted === "both" ? needed : wanted !== "original";
    return { main: first ? translated : original, other: first ? original : translated, state: wanted === "both" ? "both" : translation?.own ? "plain" : "toggle", source: known || original.language, better, translation };
  }
  if (talk.expecting.has(message.seq)) return { main: original, other: null, state: "waiting" };
  if (!needed || refusal?.reason === "nothing_to_translate") return { main: original, other: null, state: "plain" };
  if (refusal) return { main: original, other: null, state: "refused", reason: refusal.reason, refusal };
  if (talk.failures.has(message.seq)) return { main: original, other: null, state: "refused", error: talk.failures.get(message.seq) };
  if (!talk.canTranslate(message)) return { main: original, other: null, state: "refused", reason: "no_package", refusal: null };
  return { main: original, other: null, state: "offer" };
}

/** Why a message has no translation, in the reader's words. */
export function refusalWords(read, message, talk, say, ui, brief = false) {
  if (read.error) return say("untranslated", { reason: wordsForError(say, read.error) });
  if (read.reason === "no_package") {
    const { from, to } = missingPackage(read.refusal, message, talk.target);
    return say(brief ? "no_package" : "reason_no_package", { source: languageName(from, ui), target: languageName(to, ui), from, to });
  }
  const words = say(`reason_${read.reason}`);
  return say("untranslated", { reason: words === `reason_${read.reason}` ? say("reason_other", { reason: read.reason }) : words });
}

/** A person's text as nodes: words, links, mentions. */
export function textNodes({ text, mentions, terms }, me) {
  return (terms?.cut(parts(text, mentions)) ?? parts(text, mentions)).map((part) => {
    if (part.meaning) return h("button", { type: "button", class: "term", "data-stop": `term ${part.at}`, tabindex: -1, "aria-haspopup": "dialog", "aria-description": part.meaning }, part.text);
    if (part.href) return h("a", { href: part.href, target: "_blank", rel: "noopener noreferrer nofollow", dir: "ltr" }, part.text);
    if (part.user) return h("span", { class: part.user === me ? "mention me" : "mention" }, h("bdi", {}, part.text));
    return part.text;
  });
}

function paragraph(one, me, kind = "") {
  return h("p", { class: `text ${kind}`.trim(), dir: "auto", lang: one.language || null }, textNodes(one, me));
}

function firstWords(text) {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 80 ? `${line.slice(0, 80)}…` : line;
}

/** `context`: {talk, say, ui, time, act(verb, message, ...)}; `current`: whether its buttons are in the tab order. */
export function postElement(block, context, shown, current) {
  const { message, own, head } = block;
  const { talk, say, time } = context;
  const stop = current ? 0 : -1;
  const name = talk.called(message.author, message.name || talk.room.people.get(message.author) || "");
  const article = h("article", {
    class: `message${own ? " own" : ""}${head ? " head" : ""}${message.announced ? " announcement" : ""}`,
    tabindex: stop,
    "data-seq": message.seq,
    "aria-label": say("says", { name: own ? say("you") : name, time: time.clock(message.at_ms) }),
  });
  if (!own) article.append(h("span", { class: "gutter" }, head && seal(name, hueOf(message.author), sealOf(name))));
  const column = h("div", { class: "column" });
  article.append(column);
  if (head) column.append(who(own ? null : name, message, context, stop));
  if (message.recalled_by !== null) {
    const words = message.recalled_by !== message.author ? say("recalled_by_host") : own ? say("recalled_own") : say("recalled", { name });
    column.append(h("p", { class: "recalled" }, words));
    return article;
  }
  const bubble = h("div", { class: "bubble" });
  const read = reading(message, talk, shown);
  if (message.announced) bubble.append(h("p", { class: "announced" }, say("announcement")));
  if (message.reply_to !== null) bubble.append(quote(message.reply_to, context, stop));
  bubble.append(stack(read, message, talk));
  if (read.state === "both") bubble.append(second(read, context));
  context.depth?.under(bubble, message, read, context, stop);
  const thin = thinLine(read, message, context, stop);
  if (thin) bubble.append(thin);
  const more = h("button", {
    type: "button", class: "plain more", tabindex: stop, "data-stop": "more", "aria-label": say("more_actions"), "aria-haspopup": "dialog",
    onclick: () => context.act("open", message),
  }, icon("more"));
  column.append(h("div", { class: "row" }, bubble, more));
  const marks = reactions(message, talk.me.user);
  if (marks.length) column.append(reactionRow(marks, message, context, stop));
  return article;
}

function who(name, message, { time, naming }, stop) {
  return h("div", { class: "who" },
    name !== null && (naming?.who(message.author, stop) ?? h("bdi", { class: "name", lang: guessTag(name, []) || null }, name)),
    h("time", { datetime: new Date(message.at_ms).toISOString() }, time.clock(message.at_ms)));
}

function stack(read, message, talk) {
  const box = h("div", { class: "stack" }, paragraph(read.main, talk.me.user, read.state === "waiting" ? "early" : ""));
  // Chinese grows by half when it becomes English: hold the room for it, so that the arrival moves nothing.
  if (read.state === "waiting" && talk.expecting.has(message.seq)) {
    const han = message.text.match(/\p{Script=Han}/gu)?.length ?? 0;
    if (han > 6) box.dataset.filler = "nnnn ".repeat(Math.min(120, Math.ceil(han * 0.62)));
  }
  return box;
}

function second(read, { talk, say, ui }) {
  return h("div", { class: "second" },
    h("span", { class: "tag", "aria-hidden": "true" }, shortName(read.other.language)),
    unseen(read.other.made ? `${say("machine")} ${languageName(read.other.language, ui)} ` : say("original_of")),
    h("div", {}, rough(read, say), paragraph(read.other, talk.me.user)));
}

/** A translation by the small built-in package says so where it is read. */
function rough({ main, other }, say) {
  return (main.starter || other.starter) && h("span", { class: "rough" }, say("rough"));
}

function thinLine(read, message, context, stop) {
  const { say, ui, talk } = context;
  const edited = message.edited_at_ms !== null && h("span", { class: "edited" }, say("edited"));
  switch (read.state) {
    case "toggle": {
      return h("div", { class: "under" }, h("button", {
        type: "button", class: "thin", tabindex: stop, "data-stop": "toggle", onclick: () => context.act("toggle", message),
      },
      unseen(`${say("translated_from", { language: languageName(read.source, ui) })}. ${say(read.main.made ? "show_original" : "show_translation")}`),
      h("span", { class: "tag", "aria-hidden": "true" }, shortName(read.other.language || read.source)),
      rough(read, say),
      h("span", { class: "first", "aria-hidden": "true", lang: read.other.language || null, dir: "auto" }, firstWords(read.other.text)),
      icon("swap")), edited);
    }
    case "waiting":
      return h("div", { class: "under" }, h("span", { class: "thin shimmer" }, unseen(say("translating"))), edited);
    case "offer":
      return h("div", { class: "under" }, h("button", {
        type: "button", class: "thin offer", tabindex: stop, "data-stop": "translate", onclick: () => context.act("translate", message),
      }, icon("translate"), h("span", {}, say("translate"))), edited);
    case "refused":
      if (read.reason === "no_package") context.act("missing", read, message);
      return h("div", { class: "under" }, h("button", {
        type: "button", class: "thin refused", tabindex: stop, "data-stop": "why", onclick: () => context.act("open", message),
      }, h("span", { class: "first" }, refusalWords(read, message, talk, say, ui, true))),
      talk.canTranslate(message) && h("button", {
        type: "button", class: "thin offer", tabindex: stop, "data-stop": "translate", onclick: () => context.act("translate", message),
      }, say("again")), edited);
    default:
      return edited ? h("div", { class: "under" }, edited) : null;
  }
}

function quote(seq, context, stop) {
  const { talk, say } = context;
  const message = find(talk.room, seq);
  if (!message) context.act("fetch", seq);
  if (message?.kind !== "post" || message.recalled_by !== null) return h("div", { class: "quote gone" }, say("reply_gone"));
  talk.look(message);
  const { main } = reading(message, talk, null);
  return h("button", { type: "button", class: "quote", tabindex: stop, "data-stop": "quote", onclick: () => context.act("jump", message) },
    unseen(say("replying_to", { name: "" })),
    h("bdi", { class: "name" }, message.author === talk.me.user ? say("you") : talk.called(message.author, message.name)),
    h("span", { class: "first", dir: "auto", lang: main.language || null }, firstWords(main.text)));
}

function reactionRow(marks, message, { say, act }, stop) {
  return h("div", { class: "reactions" }, marks.map(({ emoji, count, mine }) => h("button", {
    type: "button", class: "reaction", tabindex: stop, "data-stop": `react ${emoji}`, "aria-pressed": String(mine),
    "aria-label": say("reacted", { emoji, n: count }), onclick: () => act("react", message, emoji, !mine),
  }, h("span", { class: "emoji" }, emoji), h("span", { class: "count" }, String(count)))));
}

/** A message of mine that is not in the log yet. */
export function unsentElement({ post, head }, { talk, say, act, time }) {
  const failed = post.state === "failed";
  const waiting = post.state === "waiting" && !talk.connection.ready;
  const words = failed ? `${say("failed")} · ${wordsForError(say, post.code)}` : waiting ? say("waits") : say("sending");
  return h("article", { class: `message own unsent${head ? " head" : ""}${failed ? " failed" : ""}`, tabindex: -1, "data-once": post.once },
    h("div", { class: "column" },
      head && h("div", { class: "who" }, h("time", {}, time.clock(post.at_ms))),
      h("div", { class: "row" },
        h("div", { class: "bubble" },
          h("div", { class: "stack" }, paragraph({ text: post.text, language: guessTag(post.text, talk.me.languages), mentions: post.mentions }, talk.me.user))),
        h("span", { class: "fate", title: words }, icon(failed ? "alert" : "clock"), unseen(words))),
      (failed || waiting) && h("div", { class: "fate-words" }, h("span", {}, words),
        failed && h("button", { type: "button", class: "word", onclick: () => act("retry", post.once) }, say("retry")),
        h("button", { type: "button", class: "word", onclick: () => act("discard", post.once) }, say("discard")))));
}

/** Dates, gaps, comings and goings, the unread line. */
export function lineElement(block, context) {
  const { talk, say, time, act, depth } = context;
  switch (block.kind) {
    case "date":
      return h("div", { class: "line date" }, h("span", {}, time.day(block.at_ms)));
    case "unread":
      return h("div", { class: "line unread", role: "separator", "aria-label": say("unread_line") }, h("span", {}, say("unread_line")));
    case "gap": {
      const { gap } = block;
      const words = gap.missed < 0 ? say("gap_reborn") : say(gap.lost ? "gap_lost" : gap.sampled ? "gap_sampled" : "gap_told", { n: gap.missed });
      return h("div", { class: "line gap" }, h("span", {}, words),
        !gap.lost && h("button", { type: "button", class: "word", disabled: gap.loading, onclick: () => act("fill", gap) }, say("gap_load")));
    }
    default:
      if (context[block.notes[0].kind]?.line) return context[block.notes[0].kind].line(block.notes[0]);
      return h("div", { class: `line note ${block.notes[0].kind}` }, h("span", {}, noteWords(block.notes, talk, say, depth)));
  }
}

function noteWords(notes, talk, say, depth) {
  const [note] = notes;
  const called = (user, name) => (user === talk.me.user ? say("you") : talk.called(user, name) || talk.room.people.get(user) || say("somebody"));
  switch (note.kind) {
    case "created":
      return say("note_created", { name: called(note.user, note.name) });
    case "joined": {
      const others = notes.filter((one) => one.user !== talk.me.user);
      const names = [...new Set((others.length ? others : notes).map((one) => called(one.user, one.name)))];
      const shown = names.slice(0, 3).join(say("list_separator"));
      return names.length > 3 ? say("note_joined_many", { names: shown, n: names.length - 3 }) : say("note_joined", { names: shown });
    }
    case "left":
      return note.by === note.user ? say("note_left", { name: called(note.user) }) : say("note_removed", { name: called(note.user), by: called(note.by) });
    case "naming":
    case "stage":
      return "";
    case "news":
      return depth?.newsWords(notes, called, say, talk.room) ?? "";
    default:
      return say(`note_role${note.user === talk.me.user ? "_own" : ""}`, { name: called(note.user), role: say(`role_${note.role}`) });
  }
}
