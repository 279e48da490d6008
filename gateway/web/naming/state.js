// Naming ceremonies and name cards as this page knows them. Pure readings of `room.naming` (events by seq), of what
// the room frame said (`room.ceremonies`), of the last tallies and of the cards that were asked for: like the room
// itself they depend on the set of events, not on their order.

import { scriptOf } from "../language.js";

const CHOOSE_WITHIN_MS = 3_600_000; // as CHOOSE_WITHIN_S of the server
const HAN = /\p{Script=Han}/u;

export const isHan = (text) => HAN.test(text);

const ordered = (room) => [...room.naming.values()].sort((a, b) => a.seq - b.seq);

/** Ceremonies of this room by seq: {of, opened, consented, closes_at_ms, chooses_until_ms, proposals, voters, mine,
 * closed}. `votes`: my own votes since the room frame, by ceremony. */
export function ceremoniesOf(room, votes = new Map()) {
  const found = new Map();
  for (const view of room.ceremonies ?? []) {
    found.set(view.of, { ...view, proposals: new Map(view.proposals.map((one) => [one.seq, { ...one }])), closed: null });
  }
  const gone = new Set();
  for (const { seq, at_ms, event } of ordered(room)) {
    const one = found.get(event.of);
    switch (event.type) {
      case "ceremony_opened":
        if (!found.has(seq)) {
          const closes_at_ms = at_ms + 1000 * (event.consented ? event.window_s : event.consent_s);
          found.set(seq, {
            of: seq, opened: event, consented: event.consented, closes_at_ms,
            chooses_until_ms: closes_at_ms + (event.consented ? CHOOSE_WITHIN_MS : 0),
            proposals: new Map(), voters: 0, mine: null, closed: null,
          });
        }
        break;
      case "ceremony_consented":
        if (one) {
          one.consented = true;
          one.closes_at_ms = at_ms + 1000 * event.window_s;
          one.chooses_until_ms = one.closes_at_ms + CHOOSE_WITHIN_MS;
        }
        break;
      case "name_proposed":
        if (one && !one.proposals.has(seq)) one.proposals.set(seq, { seq, proposed: event, votes: 0 });
        break;
      case "proposal_hidden":
        gone.add(event.proposal);
        break;
      case "ceremony_closed":
        if (one) one.closed = { ...event, seq, at_ms };
        break;
      default:
        break;
    }
  }
  for (const one of found.values()) {
    const tally = one.closed ?? room.tallies.get(one.of);
    for (const { proposal, votes: n } of tally?.tally ?? []) if (one.proposals.has(proposal)) one.proposals.get(proposal).votes = n;
    if (tally) one.voters = tally.voters;
    if (votes.has(one.of)) one.mine = votes.get(one.of);
    for (const seq of gone) one.proposals.delete(seq);
  }
  return found;
}

/** asked | open | choosing | over */
export function phaseOf(one, now_ms) {
  if (one.closed) return "over";
  if (now_ms <= one.closes_at_ms) return one.consented ? "open" : "asked";
  return one.consented && now_ms <= one.chooses_until_ms ? "choosing" : "over";
}

/** Proposals, most votes first, then as they came. */
export function ranked(one) {
  return [...one.proposals.values()].sort((a, b) => b.votes - a.votes || a.seq - b.seq);
}

/** Cards by user: {user, name, names, remark}. */
export function cardsOf(room) {
  const cards = new Map((room.cards?.list ?? []).map((card) => [card.user, card]));
  for (const { seq, event } of ordered(room)) {
    const user = event.type === "names_changed" ? event.user : event.type === "ceremony_closed" && event.outcome === "accepted" ? event.nominee : null;
    if (user === null || (room.cards && seq <= room.cards.asOf && cards.has(user))) continue;
    const known = cards.get(user);
    cards.set(user, { user, name: known?.name ?? event.nominee_name ?? room.people.get(user) ?? "", names: event.names, remark: known?.remark ?? "" });
  }
  return cards;
}

/** What a reader of `languages` calls the owner of a card: the server's own rule, see "Naming" in docs/protocol.md. */
export function nameFor({ name, names, remark = "" }, languages) {
  if (remark) return remark;
  for (const [at, language] of languages.entries()) {
    const found = names.find((one) => one.preferred_for.includes(language));
    if (found) return found.text;
    const chinese = scriptOf(language) === "Han";
    if (at === 0 && isHan(name) === chinese) return name;
  }
  return names.find((one) => one.preferred_for.includes("*"))?.text ?? name;
}

/** All that the owner of a card is called, without repetition. */
export function allNames({ name, names, remark = "" }) {
  return [...new Set([name, remark, ...names.map((one) => one.text)].filter(Boolean))];
}

/** Without tones, spaces and case: what is typed on a telephone. */
export function folded(text) {
  return text.normalize("NFD").replace(/[\p{M}\s'’·.-]/gu, "").toLowerCase();
}

/** Everything that finds somebody: each name, its pinyin without tones, its initials. */
export function searchKeys(card) {
  const keys = allNames(card).map(folded);
  for (const { romanisation, glosses } of card.names) {
    if (!romanisation) continue;
    const syllables = glosses.length ? glosses.flatMap((one) => one.reading.split(/\s+/)) : romanisation.split(/\s+/);
    keys.push(folded(romanisation), syllables.map((one) => folded(one).slice(0, 1)).join(""));
  }
  return [...new Set(keys)];
}

/** The characters of a name, each with its reading and meaning, and which part of the original is heard in it. */
export function charactersOf({ text, glosses = [], romanisation = "", echoes = [] }) {
  if (!glosses.length) {
    const syllables = romanisation ? romanisation.split(/\s+/) : [];
    const characters = [...text].filter((one) => one !== "·");
    return characters.map((char, at) => ({ char, reading: syllables.length === characters.length ? syllables[at] : "", en: "", zh: "", heard: "" }));
  }
  const heard = new Map(echoes.map((echo) => [echo.char, echo.heard]));
  return glosses.map((one) => ({ ...one, heard: heard.get(one.char) ?? "" }));
}
