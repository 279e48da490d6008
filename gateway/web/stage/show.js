// What the evening shows: announcements, polls, the programme. Forms are built once, so that nothing typed is lost.

import { h, icon } from "../view/dom.js";
import { deskForm } from "./form.js";
import { Part } from "./part.js";
import { pollCard } from "./poll.js";

const OPTIONS_MAX = 10;
const ITEMS_MAX = 50;

export class Show extends Part {
  constructor(desk) {
    super(desk, "show");
    this.pollList = h("div", { class: "open-polls" });
    this.element.append(this.#announceForm(), this.#pollForm(), this.pollList, this.#programmeForm());
  }

  render() {
    const { say } = this;
    const open = [...this.stage.state.polls.values()].filter((one) => !one.closed);
    const sign = JSON.stringify(open.map((one) => [one.of, this.stage.countsOf(one), this.stage.pollTexts(one.of)]));
    if (sign === this.sign) return;
    this.sign = sign;
    this.pollList.replaceChildren(...open.map((one) => h("div", { class: "open-poll" }, pollCard(this.stage, one),
      h("div", { class: "buttons" }, h("button", { type: "button", class: "secondary", onclick: () => this.desk.do("close_poll", { of: one.of }, say("poll_over")) }, say("poll_close")),
        h("button", { type: "button", class: "secondary", onclick: () => this.desk.do("close_poll", { of: one.of, withdraw: true }, say("poll_withdrawn")) }, say("poll_withdraw"))))));
  }

  #announceForm() {
    const { say } = this;
    const area = (language) => h("textarea", { id: `announce-${language}`, rows: 2, lang: language, dir: "auto", maxlength: 4000 });
    const [zh, en] = [area("zh"), area("en")];
    return deskForm(this.say, say("announce_both"), [
      h("div", { class: "field" }, h("label", { for: "announce-zh" }, say("in_chinese")), zh),
      h("div", { class: "field" }, h("label", { for: "announce-en" }, say("in_english")), en),
      h("p", { class: "hint" }, say("announce_both_hint"))], say("announce_send"), async () => {
      const [first, second] = [zh.value.trim(), en.value.trim()];
      if (!first && !second) throw { words_shown: say("error_nothing_to_say") };
      await this.stage.command("post", { text: first || second, announce: true, versions: first && second ? [["en", second]] : [] });
      zh.value = en.value = "";
      return say("announced_it");
    }, true);
  }

  #pollForm() {
    const { say } = this;
    const question = h("input", { id: "poll-question", type: "text", dir: "auto", maxlength: 200, autocomplete: "off" });
    const list = h("div", { class: "poll-inputs" });
    const quiz = h("input", { id: "poll-quiz", type: "checkbox", onchange: () => list.classList.toggle("quiz", quiz.checked) });
    const many = h("input", { id: "poll-many", type: "checkbox" });
    const add = () => {
      const at = list.childElementCount;
      if (at >= OPTIONS_MAX) return;
      list.append(h("div", { class: "poll-input" }, h("input", { type: "radio", name: "poll-right", value: at, "aria-label": say("right_one", { n: at + 1 }) }),
        h("input", { type: "text", dir: "auto", maxlength: 200, autocomplete: "off", "aria-label": say("option_n", { n: at + 1 }), placeholder: say("option_n", { n: at + 1 }), oninput: () => {
          if ([...list.querySelectorAll("input[type=text]")].every((one) => one.value)) add();
        } })));
    };
    add();
    add();
    const window = h("select", { id: "poll-window" }, [[0, say("by_hand")], [30, say("seconds", { n: 30 })], [60, say("minutes", { n: 1 })], [120, say("minutes", { n: 2 })], [300, say("minutes", { n: 5 })], [600, say("minutes", { n: 10 })]].map(([value, words]) => h("option", { value }, words)));
    return deskForm(this.say, say("poll_open"), [
      h("div", { class: "field" }, h("label", { for: "poll-question" }, say("poll_question")), question),
      h("fieldset", { class: "field" }, h("legend", {}, say("poll_options")), list),
      h("label", { class: "check" }, quiz, h("span", {}, say("poll_is_quiz"))),
      h("label", { class: "check" }, many, h("span", {}, say("poll_many"))),
      h("div", { class: "field" }, h("label", { for: "poll-window" }, say("poll_window")), window)], say("poll_send"), async () => {
      const rows = [...list.children].map((row) => ({ text: row.querySelector("[type=text]").value.trim(), right: row.querySelector("[type=radio]").checked })).filter((row) => row.text);
      if (!question.value.trim() || rows.length < 2) throw { words_shown: say("poll_too_little") };
      const right = rows.findIndex((row) => row.right);
      if (quiz.checked && right < 0) throw { words_shown: say("quiz_needs_answer") };
      await this.stage.command("open_poll", {
        question: question.value.trim(), options: rows.map((row) => row.text), choices_max: many.checked ? rows.length : 1,
        answer: quiz.checked ? right : null, window_s: Number(window.value),
      });
      question.value = "";
      list.replaceChildren();
      add();
      add();
      return say("poll_is_open");
    });
  }

  #programmeForm() {
    const { say } = this;
    const { programme } = this.stage.state;
    const when = (id, ms) => h("input", { id, type: "datetime-local", value: ms ? localTime(ms) : "" });
    const starts = when("show-starts", programme?.starts_ms);
    const ends = when("show-ends", programme?.ends_ms);
    const about = h("textarea", { id: "show-about", rows: 3, dir: "auto", maxlength: 4000, value: programme?.about ?? "" });
    const poster = h("input", { id: "show-poster", type: "text", inputmode: "url", dir: "ltr", placeholder: "https://", value: programme?.poster ?? "" });
    const items = h("div", { class: "show-items" });
    const add = (item) => items.childElementCount < ITEMS_MAX && items.append(h("div", { class: "show-item" },
      h("input", { type: "datetime-local", "aria-label": say("item_at"), value: item ? localTime(item.at_ms) : "" }),
      h("input", { type: "text", dir: "auto", maxlength: 80, "aria-label": say("item_title"), placeholder: say("item_title"), value: item?.title ?? "" }),
      h("button", { type: "button", class: "plain", "aria-label": say("item_remove"), onclick: ({ currentTarget }) => currentTarget.parentNode.remove() }, icon("close"))));
    for (const item of programme?.items ?? []) add(item);
    if (!programme?.items?.length) add(null);
    return deskForm(this.say, say("programme"), [
      h("div", { class: "field" }, h("label", { for: "show-starts" }, say("show_starts")), starts),
      h("div", { class: "field" }, h("label", { for: "show-ends" }, say("show_ends")), ends),
      h("div", { class: "field" }, h("label", { for: "show-about" }, say("show_about")), about),
      h("div", { class: "field" }, h("label", { for: "show-poster" }, say("poster_of")), poster),
      h("fieldset", { class: "field" }, h("legend", {}, say("show_items")), items, h("button", { type: "button", class: "word", onclick: () => add(null) }, say("item_add")))], say("save"), async () => {
      const rows = [...items.children].map((row) => {
        const [at, title] = row.querySelectorAll("input");
        return { at_ms: at.value ? new Date(at.value).getTime() : 0, title: title.value.trim() };
      }).filter((row) => row.title && row.at_ms);
      await this.stage.command("set_programme", { programme: {
        starts_ms: starts.value ? new Date(starts.value).getTime() : 0, ends_ms: ends.value ? new Date(ends.value).getTime() : 0,
        about: about.value.trim(), poster: poster.value.trim(), items: rows.sort((a, b) => a.at_ms - b.at_ms),
      } });
      return say("programme_saved");
    });
  }
}

function localTime(ms) {
  const date = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 16);
}
