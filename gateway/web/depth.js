// What lies under a message and around a room: explained words, suggested translations, pins, terms, the title in
// other languages. Pure readings of `message.more` and `room.news`, which hold events by seq: like the room itself
// they depend on the set of events, not on their order.

import { canonical, isForeign } from "./language.js";

const VOTES_NEEDED = 2; // by others than the one who proposed it

const newest = (events) => [...events].sort((a, b) => b[0] - a[0]);

/** The words of a message that are explained in the reader's language: {list, cut(parts)}, or null. */
export function termsOf(message, languages) {
  const told = newest(message.more).filter(([, event]) => event.type === "explained" && event.revision === message.revision);
  for (const language of languages) {
    const found = told.find(([, event]) => canonical(event.language) === language)?.[1];
    const list = found ? placed(message.text, found.terms) : [];
    if (list.length) return { list, language, cut: (parts) => cut(parts, list) };
  }
  return null;
}

// The server counts code points, JavaScript counts UTF-16 units.
function placed(text, terms) {
  const at = [0];
  for (const point of text) at.push(at.at(-1) + point.length);
  return terms.filter(({ start, end }) => start >= 0 && start < end && end < at.length)
    .map((one) => ({ ...one, from: at[one.start], to: at[one.end] }))
    .sort((a, b) => a.from - b.from);
}

/** Cuts the plain ones of `parts` (see links.js) at the explained words; their texts joined stay the text itself. */
function cut(parts, list) {
  let at = 0;
  return parts.flatMap((part) => {
    const [begin, end] = [at, at + part.text.length];
    at = end;
    if (part.href || part.user) return [part];
    const pieces = [];
    let from = begin;
    for (const one of list) {
      if (one.from < from || one.to > end) continue;
      if (one.from > from) pieces.push({ text: part.text.slice(from - begin, one.from - begin) });
      pieces.push({ text: part.text.slice(one.from - begin, one.to - begin), meaning: one.meaning, at: one.start });
      from = one.to;
    }
    if (from < end) pieces.push({ text: part.text.slice(from - begin) });
    return pieces;
  });
}

/** Proposals for the message as it stands: [{seq, language, text, by, name, votes, voters}], most votes first. */
export function suggestionsOf(message) {
  const voters = new Map(); // seq of the suggestion -> Map(user -> on), the newest word of each
  for (const [, event] of newest(message.more)) {
    if (event.type !== "voted") continue;
    const votes = voters.get(event.suggestion) ?? new Map();
    if (!votes.has(event.by)) votes.set(event.by, event.on);
    voters.set(event.suggestion, votes);
  }
  return [...message.more].filter(([, event]) => event.type === "suggested" && event.revision === message.revision)
    .map(([seq, event]) => {
      const on = [...(voters.get(seq) ?? [])].filter(([user, is]) => is && user !== event.by).map(([user]) => user);
      return { seq, language: canonical(event.language), text: event.text, by: event.by, name: event.name, votes: on.length, voters: new Set(on) };
    })
    .sort((a, b) => b.votes - a.votes || a.seq - b.seq);
}

/** The members' translation that stands in place of the machine's, or null. */
export function betterFor(message, languages) {
  if (!message.more.size) return null;
  const good = suggestionsOf(message).filter((one) => one.votes >= VOTES_NEEDED);
  for (const language of languages) {
    const found = good.find((one) => one.language === language);
    if (found) return found;
  }
  return null;
}

/** Seqs of the pinned messages, the latest last. */
export const pinsOf = (room) => pinned(room).filter((seq) => !isCeremony(room, seq));

/** Seqs of the naming ceremonies that a host keeps in sight. */
export const pinnedCeremonies = (room) => pinned(room).filter((seq) => isCeremony(room, seq));

export function isCeremony(room, seq) {
  return room.naming.get(seq)?.event.type === "ceremony_opened" || Boolean(room.ceremonies?.some((one) => one.of === seq));
}

function pinned(room) {
  const pins = new Set(room.pins ?? []);
  for (const [seq, event] of newest(room.news).reverse()) {
    if (event.type !== "pinned" || seq <= room.asOf) continue;
    pins.delete(event.of);
    if (event.on) pins.add(event.of);
  }
  return [...pins];
}

/** Whether a reader needs the title translated. A title in two languages ("地球村 · Global Village") serves both. */
export function isForeignTitle(title, languages) {
  return title.split(/[·|/—]/).every((part) => isForeign(part, languages));
}

/** {text, language} of the title in a language of the reader, where it needs one and has one; or null. */
export function titleFor(room, languages) {
  if (!isForeignTitle(room.title, languages)) return null;
  const told = newest(room.news).filter(([, event]) => event.type === "translated" && event.of === room.title_seq);
  for (const language of languages) {
    const found = told.find(([, event]) => canonical(event.language) === language);
    if (found) return found[1];
  }
  return null;
}

/** The terms of a glossary frame with what changed since, by source: [{source, target, language, note}]. */
export function glossaryOf(frame, room) {
  const rows = new Map(frame.terms.map((term) => [`${term.language} ${term.source}`, term]));
  for (const [seq, event] of newest(room.news).reverse()) {
    if (seq <= frame.version) continue;
    if (event.type === "term_changed") rows.set(`${event.language} ${event.source}`, event);
    if (event.type === "term_removed") rows.delete(`${event.language} ${event.source}`);
  }
  return [...rows.values()].sort((a, b) => a.source.localeCompare(b.source, ["zh", "en"]));
}

export function moderates(room) {
  return room.role === "owner" || room.role === "moderator";
}
