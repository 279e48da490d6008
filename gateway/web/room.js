// What this page knows of one room: pure state, no DOM, no clock, no socket.
// Invariant: the state depends on the *set* of entries applied, not on their order or number. Live entries, resumed
// ones, history pages and their `about` may overlap and arrive in any order; the newest word on each thing wins
// (edit: highest revision; reaction: latest seq per person and emoji; translation: by language and revision).

export const LOADED_MAX = 600;

export function emptyRoom(id) {
  return {
    id,
    me: "", // user id
    epoch: null,
    last: 0, // resume cursor: the highest seq seen
    title: "",
    role: "guest",
    members: 0,
    read: 0,
    messages: new Map(), // seq -> message or note
    order: [], // seqs ascending
    oldest: null, // history is loaded from here on; null: none yet
    more: true, // there is history before `oldest`
    gaps: [], // {after, missed, lost}
    people: new Map(), // user -> name, latest known
    here: null, // the latest people frame
    aside: new Map(), // seq -> a message outside the loaded history, for pins and quotes
    news: new Map(), // seq -> event about the room itself: pins, terms, settings, its title in other languages
    asOf: 0, // what the room frame said was true at this seq
    seen: new Map(), // user -> seq of the entry that named them
    naming: new Map(), // seq -> {seq, at_ms, event} about names and ceremonies: read by naming/state.js
    tallies: new Map(), // ceremony -> the latest tally frame
  };
}

/** Takes a room frame. Returns "fresh" (load history), "resumed", or "gap" (something is missing: see `gaps`). */
export function follow(room, frame) {
  const [epoch, head] = frame.head;
  const known = room.epoch !== null;
  const reborn = known && room.epoch !== epoch;
  for (const known of ["title", "role", "members", "title_seq", "translation", "translation_budget_ms", "pins", "ceremonies", "conduct", "standing"]) room[known] = frame[known];
  room.tallies.clear();
  room.asOf = room.ranked = head;
  room.read = Math.max(reborn ? 0 : room.read, frame.read);
  if (reborn) beginAgain(room, epoch, head);
  if (!known) room.epoch = epoch;
  if (reborn) return "gap";
  if (!known || room.oldest === null) {
    room.last = Math.max(room.last, head);
    return "fresh";
  }
  if (frame.recovered) return "resumed";
  tellGap(room, frame.missed, head);
  return "gap";
}

export function gap(room, frame) {
  const [epoch, head] = frame.head;
  if (room.epoch !== epoch || frame.missed < 0) beginAgain(room, epoch, head);
  else tellGap(room, frame.missed, head);
}

function beginAgain(room, epoch, head) {
  for (const forgotten of [room.messages, room.aside, room.news, room.naming]) forgotten.clear();
  Object.assign(room, { order: [], oldest: null, more: true, epoch, last: head, gaps: [{ after: 0, missed: -1, lost: true }] });
}

function tellGap(room, missed, head) {
  if (missed > 0) room.gaps.push({ after: room.last, upto: head, missed, lost: false });
  room.last = Math.max(room.last, head);
}

/** Applies one entry frame. Returns whether it was the first time this room moved to that seq. */
export function applyEntry(room, entry) {
  if (room.epoch !== null && entry.epoch !== undefined && entry.epoch !== room.epoch) return false;
  const isNew = entry.seq > room.last;
  apply(room, entry);
  // A room that holds messages for their translation sends both in one frame; it comes again at a seq of its own.
  if (entry.translation) apply(room, { ...entry, event: entry.translation });
  room.last = Math.max(room.last, entry.seq);
  return isNew;
}

/** Applies a history page. `older`: the page stands before everything loaded (or is the first one). */
export function applyPage(room, page, older) {
  if (room.epoch !== null && page.epoch !== room.epoch) return;
  for (const entry of page.entries) apply(room, entry);
  for (const entry of page.about) apply(room, entry);
  if (older) {
    const first = page.entries.length ? page.first : 0;
    room.oldest = room.oldest === null ? first : Math.min(room.oldest, first);
    room.more = page.more && page.entries.length > 0;
  }
  for (const entry of page.entries) room.last = Math.max(room.last, entry.seq);
}

/** Forgets the oldest messages of a room that has been open for long; scrolling up loads them again. */
export function trim(room, keep = LOADED_MAX) {
  if (room.order.length <= keep * 1.5) return;
  for (const seq of room.order.splice(0, room.order.length - keep)) room.messages.delete(seq);
  room.oldest = room.order[0];
  room.more = true;
  room.gaps = room.gaps.filter((one) => one.after >= room.oldest);
}

function apply(room, { seq, at_ms, event }) {
  switch (event.type) {
    case "posted":
      name(room, event.author, event.name, seq);
      post(room, seq, at_ms, event);
      break;
    case "room_created":
      name(room, event.by, event.name, seq);
      note(room, seq, at_ms, { kind: "created", user: event.by, name: event.name, title: event.title });
      break;
    case "room_changed":
      if (seq > room.asOf && seq >= (room.titled ?? 0)) {
        if (event.title !== room.title) room.title_seq = seq;
        Object.assign(room, { titled: seq, title: event.title, translation: event.translation, translation_budget_ms: event.translation_budget_ms });
      }
      news(room, seq, at_ms, event);
      break;
    case "pinned":
    case "term_changed":
    case "term_removed":
      news(room, seq, at_ms, event);
      break;
    case "explained":
    case "suggested":
    case "voted":
      room.deep = true;
      about(room, event, (message) => !message.more.has(seq) && message.more.set(seq, event));
      break;
    case "joined":
      name(room, event.user, event.name, seq);
      note(room, seq, at_ms, { kind: "joined", user: event.user, name: event.name, role: event.role });
      break;
    case "left":
      note(room, seq, at_ms, { kind: "left", user: event.user, by: event.by });
      break;
    case "role_changed":
      if (event.user === room.me && seq > room.ranked) [room.ranked, room.role] = [seq, event.role];
      note(room, seq, at_ms, { kind: "role", user: event.user, by: event.by, role: event.role });
      break;
    case "edited":
      about(room, event, (message) => {
        if (event.revision <= message.revision) return false;
        Object.assign(message, { text: event.text, revision: event.revision, mentions: event.mentions ?? [], edited_at_ms: at_ms });
        return true;
      });
      break;
    case "recalled":
      recall(room, seq, at_ms, event);
      break;
    case "reacted":
      about(room, event, (message) => mark(message, seq, event));
      break;
    case "translated":
    case "untranslated":
      if (event.of === room.title_seq && event.text) room.news.set(seq, event);
      if ((room.named || room.hosted) && find(room, event.of)?.kind !== "post") room.naming.set(seq, { seq, at_ms, event });
      about(room, event, (message) => {
        const known = message.translations.get(event.language);
        const saysText = event.type === "translated";
        const sameRevision = known && event.revision === known.revision;
        // A text always beats an excuse, whichever came first.
        const better = !known || event.revision > known.revision
          || (sameRevision && (known.text === null ? saysText || seq > known.seq : saysText && seq > known.seq));
        if (!better) return false;
        message.translations.set(event.language, {
          seq,
          at_ms,
          revision: event.revision,
          language: event.language,
          source: event.source,
          text: saysText ? event.text : null,
          reason: event.reason ?? null,
          starter: event.starter ?? false,
          engine: event.engine ?? "",
          package: event.package ?? "",
        });
        return true;
      });
      break;
    default:
      // A word of a newer server: it has a seq, and that is all we need of it. Or of a naming: see naming/state.js.
      if (/^(ceremony|name|proposal)/.test(event.type)) {
        room.named = true;
        room.naming.set(seq, { seq, at_ms, event });
        if (/^ceremony_(opened|closed)/.test(event.type)) note(room, seq, at_ms, { kind: "naming", event });
      } else if (/^(conduct|sanction|held|report|words|hand|programme|poll|question)/.test(event.type)) {
        room.hosted = true;
        room.naming.set(seq, { seq, at_ms, event });
        if (/^poll_(opened|closed)/.test(event.type)) note(room, seq, at_ms, { kind: "stage", event });
      }
  }
}

function name(room, user, called, seq) {
  if ((room.seen.get(user) ?? -1) > seq) return;
  room.seen.set(user, seq);
  room.people.set(user, called);
}

function post(room, seq, at_ms, event) {
  if (room.messages.has(seq)) return;
  insert(room, room.aside.get(seq) ?? {
    kind: "post",
    seq,
    at_ms,
    version: 0,
    author: event.author,
    name: event.name,
    text: event.text,
    revision: 0,
    edited_at_ms: null,
    mentions: event.mentions ?? [],
    written_in: event.written_in ?? "",
    announced: event.purpose === "announcement",
    reply_to: event.reply_to ?? null,
    recalled_by: null,
    marks: new Map(),
    translations: new Map((event.versions ?? []).map(([language, text]) => [language, { seq, revision: 0, language, source: event.written_in, text, own: true }])),
    more: new Map(), // seq -> explained, suggested, voted: read by depth.js
  });
}

function news(room, seq, at_ms, event) {
  room.deep = true;
  room.news.set(seq, event);
  note(room, seq, at_ms, { kind: "news", event });
}

/** Somebody's reaction, or its end; `was` is the one before. Returns whether it is the latest. */
export function mark({ marks }, seq, { by, emoji, on }) {
  const key = `${by} ${emoji}`;
  const was = marks.get(key);
  if (was?.seq >= seq) return false;
  marks.set(key, { seq, by, emoji, on, was });
  return true;
}

/** A message, loaded or kept aside. */
export function find(room, seq) {
  return room.messages.get(seq) ?? room.aside.get(seq);
}

function note(room, seq, at_ms, fields) {
  if (!room.messages.has(seq)) insert(room, { seq, at_ms, version: 0, ...fields });
}

function about(room, event, change) {
  const message = find(room, event.of);
  if (message?.kind === "post" && message.recalled_by === null && change(message)) message.version += 1;
}

// The text of a recalled message has left the log: a page of history has the recall, and a hole where it stood.
function recall(room, seq, at_ms, event) {
  const message = find(room, event.of);
  const emptied = { recalled_by: event.by, text: "", mentions: [], reply_to: null };
  if (message?.kind === "post") {
    if (message.recalled_by !== null) return;
    for (const forgotten of [message.marks, message.translations, message.more]) forgotten.clear();
    Object.assign(message, emptied, { version: message.version + 1 });
  } else if (!message && room.order.length && event.of > room.order[0]) {
    const before = room.messages.get(room.order.findLast((one) => one < event.of));
    post(room, event.of, before?.at_ms ?? at_ms, { author: event.author, name: room.people.get(event.author) ?? "", text: "" });
    Object.assign(room.messages.get(event.of), emptied);
  }
}

function insert(room, message) {
  room.messages.set(message.seq, message);
  const { order } = room;
  let at = order.length;
  while (at > 0 && order[at - 1] > message.seq) at -= 1;
  order.splice(at, 0, message.seq);
}

/** Counts of a message's reactions, in the order they first appeared: [{emoji, count, mine}]. */
export function reactions(message, me) {
  const counts = new Map();
  for (const mark of [...message.marks.values()].sort((a, b) => a.seq - b.seq)) {
    if (!mark.on) continue;
    const one = counts.get(mark.emoji) ?? { emoji: mark.emoji, count: 0, mine: false };
    one.count += mark.n ?? 1;
    one.mine ||= mark.by === me;
    counts.set(mark.emoji, one);
  }
  // One's own is always shown, whatever is told of all.
  return [...counts.values()].map((one) => ({ ...one, count: Math.max(one.count, one.mine) })).filter((one) => one.count > 0);
}

/** The translation a reader of `languages` should see of this message as it stands, or null. */
export function translationFor(message, languages) {
  for (const language of languages) {
    const found = message.translations.get(language);
    if (found && found.revision === message.revision && found.text !== null) return found;
  }
  return null;
}

/** Why there is no translation, when the server said so of the message as it stands; or null. */
export function refusalFor(message, languages) {
  for (const language of languages) {
    const found = message.translations.get(language);
    if (found && found.revision === message.revision && found.text === null) return found;
  }
  return null;
}

/** Loaded messages by others after the read marker. */
export function unreadAfter(room, seq, me) {
  return room.order.filter((one) => {
    const message = room.messages.get(one);
    return one > seq && message.kind === "post" && message.author !== me && message.recalled_by === null;
  });
}
