// Puts the page together: which screen the address asks for, who this person is, and what is kept on this device.
// Addresses live in the fragment, so that no invitation is ever sent to a server's log or a Referer header.

import { Conversation } from "./conversation.js";
import { canonical, guessLanguages } from "./language.js";
import { Store } from "./store.js";
import { Unsent } from "./unsent.js";
import { joinView } from "./view/join.js";
import { RoomView } from "./view/room.js";
import { guessInterface, wordsForError, wordsIn } from "./words.js";

const store = new Store();
const unsent = new Unsent(store, Date.now());
const root = document.getElementById("page");
const form = { name: store.get("name", ""), languages: store.get("languages") ?? guessLanguages(navigator.languages) };
let ui = store.get("interface") ?? guessInterface(navigator.languages);
let here = null; // {room, talk, view} while in a room
let message = null; // why we came back to the door

const identity = () => {
  const me = store.get("identity");
  return me && me.token && (!me.expires_at_ms || me.expires_at_ms > Date.now()) ? me : null;
};
const rooms = () => store.get("rooms", []);

function remember(room, fields) {
  const known = rooms().find((one) => one.room === room);
  const rest = rooms().filter((one) => one.room !== room);
  store.set("rooms", [{ ...known, room, ...fields }, ...rest].slice(0, 50));
}

function page() {
  const clock = new Intl.DateTimeFormat(ui, { hour: "numeric", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(ui, { weekday: "long", month: "long", day: "numeric" });
  const year = new Intl.DateTimeFormat(ui, { year: "numeric", month: "long", day: "numeric" });
  const relative = new Intl.RelativeTimeFormat(ui, { numeric: "auto" });
  const dayKey = (ms) => new Date(ms).toDateString();
  const sentence = (words) => words.charAt(0).toLocaleUpperCase(ui) + words.slice(1);
  const say = wordsIn(ui);
  return {
    ui,
    say,
    setInterface,
    rooms,
    forget,
    saveLanguages: (languages) => {
      form.languages = [...languages];
      store.set("languages", languages);
    },
    time: {
      dayKey,
      clock: (ms) => clock.format(ms),
      day: (ms) => {
        const days = Math.round((new Date(dayKey(ms)) - new Date(dayKey(Date.now()))) / 86_400_000);
        if (days === 0 || days === -1) return sentence(relative.format(days, "day"));
        return new Date(ms).getFullYear() === new Date().getFullYear() ? day.format(ms) : year.format(ms);
      },
      age: (ms) => {
        const seconds = Math.max(0, Math.round((Date.now() - ms) / 1000));
        if (seconds < 60) return relative.format(-seconds, "second");
        return seconds < 3600 ? relative.format(-Math.round(seconds / 60), "minute") : relative.format(-Math.round(seconds / 3600), "hour");
      },
    },
  };
}

function setInterface(language) {
  ui = language;
  store.set("interface", ui);
  if (here) {
    here.view.stop();
    here.view = null;
  }
  route();
}

function forget() {
  leave();
  for (const key of ["identity", "rooms", "unsent"]) store.remove(key);
  location.hash = "#/";
  route();
}

function leave() {
  here?.view?.stop();
  here?.talk.stop();
  here = null;
}

function show(view) {
  root.replaceChildren(view);
  document.documentElement.lang = ui === "zh" ? "zh-CN" : "en";
  root.removeAttribute("aria-busy");
}

function back(code, room = null) {
  message = wordsForError(wordsIn(ui), code);
  const invite = rooms().find((one) => one.room === room)?.invite;
  if (code === "token_expired" || code === "unauthenticated") store.remove("identity");
  else if (room) store.set("rooms", rooms().filter((one) => one.room !== room));
  leave();
  location.hash = invite && code !== "not_a_member" ? `#/i/${invite}` : "#/";
}

async function request(path, body) {
  let answer;
  try {
    answer = await fetch(path, body ? { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) } : {});
  } catch {
    throw { code: "network" };
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw { code: found.code ?? "other", retry_after_ms: found.retry_after_ms };
  return found;
}

function route() {
  const [, kind, name] = location.hash.split("/");
  const reason = message;
  message = null;
  if (kind === "i" && name) return showJoin(name, reason);
  if (kind === "t" && name) return enterByToken(name);
  const known = kind === "r" && name ? name : !kind && !reason ? rooms()[0]?.room : null;
  if (known && identity() && rooms().some((one) => one.room === known)) return showRoom(known);
  leave();
  return showDoor(reason);
}

// A token made by the host (`diqiucun token`): what it opens is remembered, and the address bar forgets it at once.
async function enterByToken(token) {
  history.replaceState(null, "", "#/");
  leave();
  const { readToken } = await import("./token.js");
  const found = readToken(token, form.name);
  if (found) {
    store.set("identity", found.identity);
    for (const room of found.rooms) remember(room, { join: true });
    history.replaceState(null, "", `#/r/${found.rooms[0]}`);
  } else message = wordsForError(wordsIn(ui), "unauthenticated");
  route();
}

async function showDoor(reason) {
  const asked = location.hash;
  const { doorView } = await import("./view/door.js");
  if (here || location.hash !== asked) return;
  show(doorView(page(), {
    rooms: identity() ? rooms() : [],
    message: reason,
    open: (code) => {
      location.hash = `#/i/${code}`;
    },
  }));
}

function showJoin(code, reason) {
  leave();
  const known = rooms().find((one) => one.invite === code);
  if (known && identity() && !reason) {
    location.replace(`#/r/${known.room}`);
    return;
  }
  let looked;
  show(joinView(page(), {
    form,
    message: reason,
    look: () => (looked = request(`/api/v1/invites/${encodeURIComponent(code)}?languages=${form.languages}`)),
    enter: async (called, languages) => {
      const entered = await request("/api/v1/enter", { invite: code, name: called, languages, token: identity()?.token ?? null });
      store.set("identity", { token: entered.token, user: entered.user, name: entered.name, expires_at_ms: entered.expires_at_ms });
      store.set("name", called);
      store.set("languages", languages);
      remember(entered.room, { invite: code, title: (await looked.catch(() => ({}))).title });
      location.hash = `#/r/${entered.room}`;
    },
  }));
}

function showRoom(room) {
  if (here?.room !== room) {
    leave();
    const me = { ...identity(), languages: form.languages.map(canonical), join: rooms().find((one) => one.room === room).join };
    const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
    const talk = new Conversation({ url, room, me, unsent });
    talk.room.title = rooms().find((one) => one.room === room)?.title ?? "";
    talk.addEventListener("connection", ({ detail }) => {
      if (detail.kind === "refused") back(detail.code, room);
    });
    talk.addEventListener("refused", ({ detail }) => back(detail, room));
    talk.addEventListener("title", ({ detail }) => remember(room, { title: detail }));
    here = { room, talk, view: null };
    talk.start();
  }
  const memory = { get: (key, otherwise) => store.get(`${key}.${room}`, otherwise), set: (key, value) => store.set(`${key}.${room}`, value) };
  here.view = new RoomView(here.talk, page(), memory);
  show(here.view.element);
  here.view.start();
}

globalThis.addEventListener("hashchange", route);
route();

if ("serviceWorker" in navigator && isSecureContext) {
  globalThis.addEventListener("load", () => navigator.serviceWorker.register("/sw.js").catch(() => {}));
}
