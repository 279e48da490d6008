// Where people write. Two things every chat gets wrong in Chinese, kept here by tests: Enter never sends while an
// input method composes (half-typed pinyin would go out), and @ opens the people list right after a Chinese character.

import { guessTag } from "../language.js";
import { h, icon } from "./dom.js";

const LINES_MAX = 5;
const AFTER_COMPOSITION_MS = 60;

export class Composer {
  /** `context` as for message.js; `send(text, {reply_to, mentions})`, `save(message, text, mentions)` -> promise. */
  constructor(context, { send, save }) {
    this.context = context;
    this.send = send;
    this.save = save;
    this.mentions = [];
    this.replying = null;
    this.editing = null;
    this.extra = {}; // more about the next post: {announce}
    this.composedAt = -Infinity;
    const { say } = context;
    this.box = h("textarea", {
      id: "composer", class: "box", rows: 1, dir: "auto", placeholder: say("composer_hint"), "aria-label": say("composer_label"),
      "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-controls": "people-to-mention", autocapitalize: "sentences", enterkeyhint: "enter",
      autocomplete: "off",
    });
    this.list = h("ul", { class: "mentions", id: "people-to-mention", role: "listbox", "aria-label": say("people_to_mention"), hidden: true });
    this.bar = h("div", { class: "composer-bar", hidden: true });
    this.warning = h("p", { class: "warning", role: "status", hidden: true });
    this.button = h("button", { type: "button", class: "send", "aria-label": say("send"), disabled: true, onclick: () => this.#submit() }, icon("send"));
    this.tool = h("button", { type: "button", class: "plain", "aria-label": say("preview"), "aria-pressed": "false", onclick: () => context.act("preview") }, icon("translate"));
    this.tools = h("div", { class: "tools" }, this.tool);
    this.element = h("div", { class: "composer" }, this.list, this.bar, this.warning, h("div", { class: "composer-row" }, this.tools, this.box, this.button));
    this.box.addEventListener("input", (event) => this.#input(event));
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("compositionend", (event) => {
      this.composedAt = event.timeStamp;
      this.#pick();
    });
    this.box.addEventListener("click", () => this.#pick());
    this.box.addEventListener("blur", () => setTimeout(() => this.people?.close(), 150));
    // Pressing the button must not take the focus: the keyboard of a phone would fold and unfold.
    this.button.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  focus() {
    this.box.focus();
  }

  draft(text) {
    this.box.value = text;
    this.grow();
  }

  get text() {
    return this.box.value;
  }

  reply(message, words) {
    this.editing = null;
    this.extra = {};
    this.replying = message;
    this.showBar(this.context.say("replying_to", { name: message.author === this.context.talk.me.user ? this.context.say("you") : message.name }), words);
    this.focus();
  }

  edit(message) {
    this.replying = null;
    this.extra = {};
    this.editing = message;
    this.mentions = [...message.mentions];
    this.draft(message.text);
    this.showBar(this.context.say("editing"), message.text);
    this.focus();
  }

  mention(user, name) {
    const gap = this.box.value && !/\s$/u.test(this.box.value) ? " " : "";
    this.box.value += `${gap}@${name} `;
    this.mentions.push({ user, text: `@${name}` });
    this.grow();
    this.focus();
  }

  showBar(title, words) {
    this.bar.replaceChildren(
      h("div", {}, h("strong", {}, title), h("span", { class: "first", dir: "auto", lang: guessTag(words, []) || null }, words)),
      h("button", { type: "button", class: "plain", "aria-label": this.context.say("cancel"), onclick: () => this.cancel() }, icon("close")));
    this.bar.hidden = false;
  }

  cancel() {
    if (this.editing) this.draft("");
    this.replying = this.editing = null;
    this.extra = {};
    this.mentions = [];
    this.bar.hidden = true;
    this.context.talk.redraw();
    this.focus();
  }

  #input(event) {
    this.grow();
    if (this.box.value) this.context.talk.tellTyping();
    if (!event.isComposing) this.#pick();
    this.context.act("draft", this.box.value);
  }

  grow() {
    const { box } = this;
    box.style.height = "auto";
    const line = parseFloat(getComputedStyle(box).lineHeight);
    const frame = box.offsetHeight - box.clientHeight;
    const padding = parseFloat(getComputedStyle(box).paddingTop) * 2;
    box.style.height = `${Math.min(box.scrollHeight, line * LINES_MAX + padding) + frame}px`;
    box.classList.toggle("full", box.scrollHeight > line * LINES_MAX + padding + 1);
    const over = [...box.value].length - this.context.talk.limits.text_chars_max;
    this.warning.hidden = over <= 0;
    if (over > 0) this.warning.textContent = this.context.say("too_long", { n: over });
    this.button.disabled = over > 0 || !box.value.trim();
  }

  #key(event) {
    // keyCode 229 is an input method at work. Safari ends the composition first and then reports the Enter that
    // ended it as an ordinary one (WebKit bug 165004): that Enter comes within the same instant.
    const composing = event.isComposing || event.keyCode === 229
      || (event.key === "Enter" && event.timeStamp - this.composedAt < AFTER_COMPOSITION_MS);
    if (composing) return;
    if (this.people?.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && !thumbs()) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape" && !this.bar.hidden) {
      event.preventDefault();
      this.cancel();
    } else if (event.key === "ArrowUp" && !this.box.value) {
      event.preventDefault();
      this.context.act("editLast");
    }
  }

  #submit() {
    const text = this.box.value.trim();
    if (!text || this.button.disabled) return;
    const mentions = this.mentions.filter((one, at, all) => text.includes(one.text)
      && all.findIndex((other) => other.user === one.user && other.text === one.text) === at).slice(0, 20);
    const { editing, replying } = this;
    if (editing) {
      this.button.disabled = true;
      this.save(editing, text, mentions).then(() => this.#done(), () => this.grow());
      return;
    }
    this.send(text, { reply_to: replying?.seq ?? null, mentions, ...this.extra });
    this.#done();
  }

  #done() {
    this.draft("");
    this.replying = this.editing = null;
    this.extra = {};
    this.mentions = [];
    this.bar.hidden = true;
    this.people?.close();
    this.context.act("draft", "");
  }

  // The people list is fetched with the first @.
  #pick() {
    if (this.people) return this.people.pick();
    if (!/[@＠]/u.test(this.box.value)) return undefined;
    return import("./mentions.js").then(({ People }) => {
      this.people ??= new People(this);
      this.people.pick();
    }, () => {});
  }
}

/** Whether this device is worked with thumbs: there Enter makes a new line and the button sends. */
function thumbs() {
  return matchMedia("(hover: none) and (pointer: coarse)").matches;
}
