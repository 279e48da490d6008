// The log: keeps one element per block, replaces only those that changed, and holds the reader's place.
// Invariant: what a reader looks at does not move. At the end of the log the end stays in view; anywhere else the
// first visible message keeps its place on the screen, whatever is loaded above or arrives below.

import { layout } from "../layout.js";
import { find, unreadAfter } from "../room.js";
import { h, icon } from "./dom.js";
import { lineElement, postElement, unsentElement } from "./message.js";

const NEAR_END_PX = 60;
const LOAD_OLDER_PX = 600;

export class Messages {
  /** `context` as for message.js; `mode()` is translated | original | both. */
  constructor(context, mode) {
    this.context = context;
    this.mode = mode;
    this.nodes = new Map(); // key -> {node, sign}
    this.shown = new Map(); // seq -> translated | original | both, chosen for one message
    this.current = null; // seq whose buttons are in the tab order
    this.pinned = true;
    this.unread = null;
    this.placed = false;
    const { say } = context;
    this.list = h("div", { class: "list" });
    this.top = h("div", { class: "top" });
    this.empty = h("div", { class: "empty", hidden: true }, h("img", { src: "/web/icon.svg", alt: "", width: 72, height: 72 }),
      h("h2", {}, say("empty_title")), h("p", {}, say("empty_words")));
    this.log = h("div", { class: "log", role: "log", tabindex: 0, "aria-label": say("log_label"), "aria-busy": "true" }, this.top, this.empty, this.list);
    this.count = h("span", {});
    this.pill = h("button", { type: "button", class: "pill", hidden: true, onclick: () => this.toEnd(true) }, this.count, icon("down"));
    this.element = h("div", { class: "messages" }, this.log, this.pill);
    this.log.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.log.addEventListener("keydown", (event) => this.#keys(event));
    this.log.addEventListener("focusin", (event) => this.#focused(event));
    this.#touches();
    this.observer = new IntersectionObserver((seen) => this.#saw(seen), { root: this.log, rootMargin: "120px 0px" });
    new ResizeObserver(() => this.pinned && this.#toBottom()).observe(this.log);
    document.addEventListener("visibilitychange", this.#visible);
    this.context.talk.atEnd = () => this.pinned;
  }

  /** What is in view may need a translation now: the connection is back. */
  lookAgain() {
    for (const { node } of this.nodes.values()) {
      this.observer.unobserve(node);
      if (node.dataset.seq) this.observer.observe(node);
    }
  }

  stop() {
    this.observer.disconnect();
    document.removeEventListener("visibilitychange", this.#visible);
  }

  #visible = () => {
    if (document.visibilityState === "visible") return this.#markRead();
    if (this.pinned) this.forgetUnread();
    this.leftAt = this.context.talk.room.last;
    return undefined;
  };

  render() {
    const { talk, say, time } = this.context;
    const { room } = talk;
    this.#placeUnread();
    const blocks = layout(room, talk.unsent.of(room.id), { me: talk.me.user, unread: this.unread, dayOf: time.dayKey });
    const anchor = this.pinned ? null : this.#anchor();
    const keep = new Set();
    let cursor = this.list.firstChild;
    for (const block of blocks) {
      keep.add(block.key);
      const node = this.#node(block);
      if (cursor && cursor.parentNode !== this.list) cursor = node; // it was just replaced by `node`
      if (node === cursor) cursor = cursor.nextSibling;
      else this.list.insertBefore(node, cursor);
    }
    for (const [key, { node }] of this.nodes) {
      if (keep.has(key)) continue;
      this.observer.unobserve(node);
      node.remove();
      this.nodes.delete(key);
    }
    this.empty.hidden = !talk.loaded || room.order.some((seq) => room.messages.get(seq).kind === "post") || talk.unsent.of(room.id).length > 0;
    this.top.textContent = talk.loadingOlder ? say("older_loading") : talk.loaded && !room.more && this.empty.hidden ? say("beginning") : "";
    const last = this.list.lastElementChild;
    // What was held open for a translation closes when the log moves on anyway.
    if (this.pinned && last !== this.last) for (const stack of this.list.querySelectorAll(".stack[style]")) if (!last.contains(stack)) stack.style.minHeight = "";
    this.last = last;
    if (talk.loaded && !this.placed) this.#place();
    else if (this.pinned) this.#toBottom();
    else this.#hold(anchor);
    this.#showPill();
    this.#markRead();
    if (talk.loaded && this.log.scrollHeight <= this.log.clientHeight + LOAD_OLDER_PX) talk.older();
  }

  /** One element per block, made again only when its sign (everything it shows) changed. */
  #node(block) {
    const known = this.nodes.get(block.key);
    const sign = this.#sign(block);
    if (known && known.sign === sign) return known.node;
    const node = this.#make(block);
    if (known) {
      const stack = known.node.querySelector(".shimmer") && known.node.querySelector(".stack");
      const fresh = stack && node.querySelector(".stack");
      // The text that takes the place of a shimmer may be shorter: the bubble keeps its height.
      if (fresh) fresh.style.minHeight = `${stack.offsetHeight}px`;
      const focused = known.node.contains(document.activeElement) ? document.activeElement : null;
      this.observer.unobserve(known.node);
      known.node.replaceWith(node);
      if (focused) (focused.dataset.stop && node.querySelector(`[data-stop="${CSS.escape(focused.dataset.stop)}"]`) || node).focus({ preventScroll: true });
    }
    this.nodes.set(block.key, { node, sign });
    if (block.kind === "post") this.observer.observe(node);
    return node;
  }

  #sign(block) {
    const { talk } = this.context;
    switch (block.kind) {
      case "post": {
        const { message, head } = block;
        const replied = message.reply_to === null ? "" : find(talk.room, message.reply_to)?.version ?? "-";
        return [message.version, head, this.#shownOf(message), replied, talk.target, talk.routes.length, Boolean(this.context.depth), talk.naming?.names].join();
      }
      case "unsent":
        return [block.post.state, block.post.code, block.head, talk.connection.ready].join();
      case "gap":
        return [block.gap.missed, block.gap.lost, block.gap.loading].join();
      case "notes":
        return block.notes.map((note) => note.seq).join() + Boolean(this.context.depth) + talk.naming?.sign(block.notes[0]) + this.context.stage?.sign(block.notes[0]);
      case "date":
        return this.context.time.day(block.at_ms);
      default:
        return "";
    }
  }

  #make(block) {
    if (block.kind === "post") return postElement(block, this.context, this.#shownOf(block.message), block.message.seq === this.current);
    if (block.kind === "unsent") return unsentElement(block, this.context);
    return lineElement(block, this.context);
  }

  #shownOf(message) {
    return this.shown.get(message.seq) ?? (this.mode() === "translated" ? null : this.mode());
  }

  /** Shows one message as translated | original | both | machine. */
  show(message, as) {
    this.shown.set(message.seq, as);
    this.render();
  }

  // ---- place

  #placeUnread() {
    const { talk } = this.context;
    if (this.unread !== null || !talk.loaded) return;
    if (!this.placed) {
      if (talk.firstRead > 0) this.unread = unreadAfter(talk.room, talk.firstRead, talk.me.user)[0] ?? null;
    } else if (this.leftAt !== undefined && document.visibilityState === "hidden") {
      this.unread = unreadAfter(talk.room, this.leftAt, talk.me.user)[0] ?? null;
    }
  }

  #place() {
    this.placed = true;
    const line = this.nodes.get("unread")?.node;
    this.#toBottom();
    if (line) {
      const above = line.getBoundingClientRect().top - this.log.getBoundingClientRect().top;
      if (above < 0) {
        this.log.scrollTop += above - 24;
        this.pinned = this.#isNearEnd();
      }
    }
    this.log.setAttribute("aria-busy", "false");
  }

  forgetUnread() {
    this.unread = null;
    this.leftAt = undefined;
  }

  toEnd(smooth = false) {
    this.pinned = true;
    this.log.scrollTo({ top: this.log.scrollHeight, behavior: smooth && !matchMedia("(prefers-reduced-motion: reduce)").matches ? "smooth" : "auto" });
  }

  jump(seq) {
    const node = this.nodes.get(`post-${seq}`)?.node;
    if (!node) return;
    node.scrollIntoView({ block: "center" });
    node.classList.add("found");
    setTimeout(() => node.classList.remove("found"), 1600);
    this.#moveTo(node);
  }

  #toBottom() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  #isNearEnd() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_END_PX;
  }

  #anchor() {
    const edge = this.log.getBoundingClientRect().top;
    for (const node of this.list.children) {
      const box = node.getBoundingClientRect();
      if (box.bottom > edge && node.dataset.seq) return { seq: node.dataset.seq, top: box.top };
    }
    return null;
  }

  #hold(anchor) {
    const node = anchor && this.nodes.get(`post-${anchor.seq}`)?.node;
    if (node) this.log.scrollTop += node.getBoundingClientRect().top - anchor.top;
  }

  #scrolled() {
    this.pinned = this.#isNearEnd();
    if (this.pinned) this.belowFrom = null;
    this.#showPill();
    this.#markRead();
    if (this.log.scrollTop < LOAD_OLDER_PX && this.placed) this.context.talk.older();
  }

  #showPill() {
    const { talk, say } = this.context;
    if (this.pinned) this.belowFrom = null;
    else this.belowFrom ??= talk.room.last;
    const n = this.belowFrom === null || this.belowFrom === undefined ? 0 : unreadAfter(talk.room, this.belowFrom, talk.me.user).length;
    this.pill.hidden = this.pinned || !talk.loaded;
    this.count.textContent = n ? say("new_messages", { n }) : "";
    this.pill.setAttribute("aria-label", n ? say("new_messages", { n }) : say("to_latest"));
    this.pill.classList.toggle("counting", n > 0);
  }

  #markRead() {
    const { talk } = this.context;
    if (!this.pinned || !talk.loaded || document.visibilityState === "hidden") return;
    const last = talk.room.order.at(-1);
    if (last) talk.markRead(last);
  }

  #saw(entries) {
    const { talk } = this.context;
    if (this.mode() === "original") return;
    for (const { isIntersecting, target } of entries.sort((a, b) => a.target.dataset.seq - b.target.dataset.seq)) {
      const message = isIntersecting && talk.room.messages.get(Number(target.dataset.seq));
      if (message) talk.look(message);
    }
  }

  // ---- keys and fingers

  #keys(event) {
    const article = event.target.closest?.(".message");
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step) {
      const all = [...this.list.querySelectorAll(".message[data-seq]")];
      const next = article ? all[all.indexOf(article) + step] : step < 0 ? all.at(-1) : all[0];
      if (next) {
        event.preventDefault();
        this.#moveTo(next);
      }
    } else if (event.key === "Enter" && event.target === article && article.dataset.seq) {
      event.preventDefault();
      this.context.act("open", this.context.talk.room.messages.get(Number(article.dataset.seq)));
    }
  }

  #moveTo(node) {
    this.#focusable(node);
    node.focus();
  }

  #focused(event) {
    const article = event.target.closest?.(".message[data-seq]");
    if (article) this.#focusable(article);
  }

  // Only one message's buttons are in the tab order, so that Tab crosses the log in a few steps.
  #focusable(article) {
    const seq = Number(article.dataset.seq);
    if (seq === this.current) return;
    for (const [one, stop] of [[this.current, -1], [seq, 0]]) {
      const known = this.nodes.get(`post-${one}`);
      if (!known) continue;
      known.node.tabIndex = stop;
      for (const button of known.node.querySelectorAll("[data-stop]")) button.tabIndex = stop;
    }
    this.current = seq;
  }

  // A long press, a right click, or a tap on a message opens what can be done with it.
  #touches() {
    let press = null;
    let at = null;
    const messageOf = (target) => {
      const node = target.closest?.(".bubble") && target.closest(".message[data-seq]");
      return node ? this.context.talk.room.messages.get(Number(node.dataset.seq)) : null;
    };
    const free = (target) => !target.closest("a, button");
    this.log.addEventListener("touchstart", (event) => {
      const message = messageOf(event.target);
      at = { x: event.touches[0].clientX, y: event.touches[0].clientY, opened: false };
      clearTimeout(press);
      if (message) {
        press = setTimeout(() => {
          at.opened = true;
          this.context.act("open", message);
        }, 480);
      }
    }, { passive: true });
    this.log.addEventListener("touchmove", (event) => {
      if (at && Math.hypot(event.touches[0].clientX - at.x, event.touches[0].clientY - at.y) > 10) {
        clearTimeout(press);
        at = null;
      }
    }, { passive: true });
    this.log.addEventListener("touchend", (event) => {
      clearTimeout(press);
      const message = at && messageOf(event.target);
      if (at?.opened) event.preventDefault();
      else if (message && free(event.target)) {
        event.preventDefault();
        this.context.act("open", message);
      }
      at = null;
    });
    this.log.addEventListener("contextmenu", (event) => {
      const message = messageOf(event.target);
      if (!message || !free(event.target) || String(getSelection())) return;
      event.preventDefault();
      if (!document.querySelector("dialog[open]")) this.context.act("open", message);
    });
  }
}
