// A hosted room as this page knows it: how one may speak, the programme, polls and questions. A pure reading of the
// last `stage` answer and of the events after it (`room.naming`, by seq): it depends on the set of events, not on
// their order, and a poll that is closed stays closed whatever arrives late.

import { canonical, isForeign } from "../language.js";

export const SLOW_BY_ITSELF_S = 10; // as SURGE_SLOW_S of the server

const ordered = (room) => [...room.naming.values()].sort((a, b) => a.seq - b.seq);

/** `answer`: the stage frame or null; `asOf`: the seq up to which it knows. */
export function stageOf(room, answer, asOf) {
  const polls = new Map((answer?.polls ?? []).map((one) => [one.of, { ...one, mine: one.mine ?? [], closed: null }]));
  const questions = new Map((answer?.questions ?? []).map((one) => [one.of, { ...one, settled: "" }]));
  const found = {
    conduct: answer?.conduct ?? room.conduct ?? {},
    standing: answer?.standing ?? room.standing ?? {},
    programme: answer?.programme_seq ? answer.programme : null,
    programme_seq: answer?.programme_seq ?? 0,
    polls,
    questions,
    hand: Boolean(answer?.hand), // mine is raised
  };
  const known = Math.max(room.asOf, answer ? asOf : 0);
  const over = new Map();
  for (const { seq, at_ms, event } of ordered(room)) {
    const late = seq > (answer ? asOf : room.asOf);
    switch (event.type) {
      case "conduct_changed":
        if (seq > known) found.conduct = event.conduct;
        break;
      case "programme_changed":
        if (seq > found.programme_seq) [found.programme, found.programme_seq] = [event.programme, seq];
        break;
      case "poll_opened":
        if (late && !polls.has(seq)) polls.set(seq, { of: seq, opened: event, counts: [], voters: 0, mine: [], closed: null });
        break;
      case "poll_closed":
        over.set(event.of, { ...event, seq, at_ms });
        break;
      case "question_asked":
        if (late && !questions.has(seq)) questions.set(seq, { of: seq, asked: event, votes: 0, mine: false, on_stage: false, settled: "" });
        break;
      case "question_settled": {
        const one = questions.get(event.of);
        if (one && event.outcome === "on_stage") one.on_stage = true;
        else if (one) one.settled = event.outcome;
        break;
      }
      case "hand_raised":
        if (late && event.user === room.me) found.hand = event.on;
        break;
      default:
        break;
    }
  }
  for (const [of, closed] of over) if (polls.has(of)) polls.get(of).closed = closed;
  return found;
}

/** A poll that was opened, wherever it stands. */
export function openedPoll(room, stage, of) {
  return stage.polls.get(of)?.opened ?? room.naming.get(of)?.event ?? null;
}

/** Texts that were translated together, as this reader reads them: {lines, made, language}. */
export function linesFor(room, seq, originals, languages) {
  const told = ordered(room).filter(({ event }) => event.type === "translated" && event.of === seq).reverse();
  for (const language of languages) {
    const found = told.find(({ event }) => canonical(event.language) === language)?.event;
    if (!found || languages.includes(canonical(found.source || "und"))) continue;
    const lines = found.text.split("\n");
    // Where the machine ran lines together nobody can tell which option is which: the original, then.
    if (lines.length === originals.length) return { lines, made: true, language };
  }
  return { lines: originals, made: false, language: null };
}

/** Whether a reader needs these texts in another language. */
export const needsLines = (originals, languages) => originals.some((one) => isForeign(one, languages));

export const pollLines = ({ question, options }) => [question, ...options];

export const programmeLines = ({ about, items = [] }) => [...(about ? [about] : []), ...items.map((one) => one.title)];

/** What is on now and what comes next, by the programme's hours: {now, next} as places in `items`. */
export function placeIn(items, now_ms) {
  let now = -1;
  items.forEach((one, at) => {
    if (one.at_ms <= now_ms && (now < 0 || items[now].at_ms <= one.at_ms)) now = at;
  });
  const later = items.map((one, at) => [one.at_ms, at]).filter(([at_ms]) => at_ms > now_ms).sort((a, b) => a[0] - b[0]);
  return { now, next: later[0]?.[1] ?? -1 };
}

/** Why this reader cannot speak just now: {why, until_ms, blocked}, or null. `spoke_ms`: when they last spoke. */
export function silenceOf({ conduct, standing }, { role, now_ms, spoke_ms }) {
  const phase = conduct.phase ?? "open";
  if (phase === "archive") return { why: "archive", blocked: true };
  if (role === "owner" || role === "moderator") return null;
  const until_ms = standing.until_ms ?? 0;
  if (standing.muted && (!until_ms || until_ms > now_ms)) return { why: until_ms ? "muted_until" : "muted", until_ms, blocked: true };
  if (phase === "lobby") return { why: "lobby", blocked: true };
  if (conduct.frozen) return { why: "frozen", blocked: true };
  const speakers = conduct.speakers ?? "everyone";
  if (speakers === "invited" && !standing.speaker) return { why: "invited", blocked: true };
  if ((speakers === "members" || conduct.locked_down) && role === "guest" && !standing.speaker) return { why: "members", blocked: true };
  if (speakers === "seniors" && !standing.speaker) {
    const from_ms = (standing.since_ms ?? 0) + 1000 * (conduct.senior_s ?? 300);
    if (standing.since_ms && from_ms > now_ms) return { why: "seniors", until_ms: from_ms, blocked: true };
  }
  const slow_s = Math.max(conduct.slow_s ?? 0, conduct.surging || conduct.locked_down ? SLOW_BY_ITSELF_S : 0);
  const free_ms = slow_s && spoke_ms ? spoke_ms + 1000 * slow_s : 0;
  if (free_ms > now_ms) return { why: "slow", until_ms: free_ms, waits: true };
  if (conduct.emoji_only) return { why: "emoji_only" };
  if (slow_s) return { why: "slow_on", n: slow_s };
  return null;
}
