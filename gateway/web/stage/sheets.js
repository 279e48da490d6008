// The sheets of a hosted room for everybody: programme, questions, all polls, a report. Fetched at first use.

import { guessTag } from "../language.js";
import { translationFor } from "../room.js";
import { wordsForError } from "../words.js";
import { h, icon, toast } from "../view/dom.js";
import { reading } from "../view/message.js";
import { live, openSheet } from "../view/sheet.js";
import { pollCard } from "./poll.js";

const QUESTION_CHARS_MAX = 300;
const WHY_CHARS_MAX = 300;

/** What the evening shows, in the reader's language. */
export function openProgramme(stage) {
  const { say, time } = stage.page;
  openSheet(say("programme"), say("close"), () => {
    const box = h("div", { class: "programme" });
    let sign = null;
    live(stage.talk, box, () => {
      const { programme, programme_seq } = stage.state;
      const texts = programme && stage.programmeTexts();
      const now = JSON.stringify([programme_seq, texts]);
      if (now === sign) return undefined;
      sign = now;
      if (!programme) return h("p", { class: "hint" }, say("programme_none"));
      const at = (ms) => `${time.day(ms)} ${time.clock(ms)}`;
      return [
        // The picture is fetched from where the host put it, without telling where the reader comes from.
        /^https:\/\//.test(programme.poster ?? "") && h("img", { class: "poster", src: programme.poster, alt: say("poster_of"), referrerpolicy: "no-referrer", loading: "lazy", onerror: ({ target }) => target.remove() }),
        h("p", { class: "programme-when" }, [programme.starts_ms && say("starts_at", { time: at(programme.starts_ms) }), programme.ends_ms && say("programme_ends", { time: at(programme.ends_ms) })].filter(Boolean).join(" · ")),
        texts.about && h("p", { class: "text", dir: "auto", lang: texts.language }, texts.about),
        h("ol", { class: "programme-items" }, (programme.items ?? []).map((item, index) => h("li", {},
          h("time", { datetime: new Date(item.at_ms).toISOString() }, time.clock(item.at_ms)),
          h("div", {}, h("strong", { dir: "auto", lang: texts.language }, texts.titles[index]),
            texts.made && h("span", { class: "stage-small", dir: "auto", lang: guessTag(item.title, []) || null }, item.title),
            item.note && h("p", { class: "hint", dir: "auto" }, item.note))))),
        texts.made && h("p", { class: "stage-small" }, say("by_machine")),
      ].filter(Boolean);
    });
    return box;
  });
}

/** Questions to the stage: ask, and say which ones one would like to know, too. */
export function openQuestions(stage) {
  const { say } = stage.page;
  openSheet(say("questions"), say("close"), () => {
    const box = h("ol", { class: "questions" });
    let sign = null;
    live(stage.talk, box, () => {
      const all = stage.questions;
      const now = JSON.stringify(all.map((one) => [one.of, stage.votesOf(one), stage.minds(one), one.on_stage, stage.questionText(one)]));
      if (now === sign) return undefined;
      sign = now;
      if (!all.length) return [h("li", { class: "hint" }, say("questions_none"))];
      return all.map((one) => {
        const { text, made, language } = stage.questionText(one);
        const minds = stage.minds(one);
        return h("li", { class: `question${one.on_stage ? " on-stage" : ""}` },
          h("div", { class: "question-words" },
            h("p", { class: "stage-small" }, h("bdi", {}, stage.called(one.asked.by, one.asked.name)), one.on_stage && h("span", { class: "live-chip" }, say("on_stage_now"))),
            h("p", { class: "text", dir: "auto", lang: language }, text),
            made && h("p", { class: "stage-small" }, say("by_machine"), " · ", h("bdi", { lang: guessTag(one.asked.text, []) || null }, one.asked.text)),
            stage.hosting && h("div", { class: "buttons" },
              !one.on_stage && h("button", { type: "button", class: "word", onclick: () => settle(stage, one.of, "on_stage") }, say("bring_on_stage")),
              h("button", { type: "button", class: "word", onclick: () => settle(stage, one.of, "answered") }, say("answered")),
              h("button", { type: "button", class: "word", onclick: () => settle(stage, one.of, "dismissed") }, say("dismiss_question")))),
          h("button", { type: "button", class: "vote", "aria-pressed": String(minds), "aria-label": `${say("want_to_know")}: ${text}`, onclick: () => stage.mind(one.of, !minds) },
            icon("vote"), h("span", { class: "count" }, new Intl.NumberFormat(stage.page.ui).format(stage.votesOf(one)))));
      });
    });
    const failure = h("p", { class: "failure", role: "alert", hidden: true });
    const text = h("textarea", { id: "question", rows: 2, dir: "auto", maxlength: QUESTION_CHARS_MAX, placeholder: say("ask_hint") });
    const button = h("button", { type: "submit", class: "primary" }, say("ask_send"));
    const over = stage.state.conduct.phase === "archive";
    return [box, !over && h("form", { class: "form", onsubmit: async (event) => {
      event.preventDefault();
      if (!text.value.trim() || button.disabled) return text.focus();
      button.disabled = true;
      failure.hidden = true;
      try {
        await stage.command("ask", { text: text.value.trim() });
        text.value = "";
        toast(say("asked_it"));
      } catch (failed) {
        failure.textContent = wordsForError(say, failed.code);
        failure.hidden = false;
      }
      button.disabled = false;
      return undefined;
    } }, h("div", { class: "field" }, h("label", { for: "question" }, say("ask_label")), text), failure, button)];
  });
}

function settle(stage, of, outcome) {
  stage.command("settle_question", { of, outcome }).catch(() => {});
}

/** All polls that are open. */
export function openPolls(stage) {
  const { say } = stage.page;
  openSheet(say("poll"), say("close"), () => {
    const box = h("div", { class: "polls" });
    let sign = null;
    live(stage.talk, box, () => {
      const all = [...stage.state.polls.values()].filter((one) => !one.closed);
      const now = JSON.stringify(all.map((one) => [one.of, stage.countsOf(one), stage.choicesOf(one), stage.pollTexts(one.of)]));
      if (now === sign) return undefined;
      sign = now;
      return all.length ? all.map((one) => pollCard(stage, one)) : [h("p", { class: "hint" }, say("poll_over"))];
    });
    return box;
  });
}

/** Tell the moderators about a message, with the words as they were read. */
export function openReport(stage, message) {
  const { say } = stage.page;
  const { talk } = stage;
  const { main } = reading(message, talk, stage.view.messages.shown.get(message.seq) ?? null);
  const language = main.made ? translationFor(message, talk.me.languages)?.language ?? "" : "";
  openSheet(say("report_title"), say("close"), (close) => {
    const failure = h("p", { class: "failure", role: "alert", hidden: true });
    const why = h("textarea", { id: "report-why", rows: 2, dir: "auto", maxlength: WHY_CHARS_MAX });
    const button = h("button", { type: "submit", class: "primary" }, say("report_send"));
    return h("form", { class: "form", onsubmit: async (event) => {
      event.preventDefault();
      if (button.disabled) return;
      button.disabled = true;
      try {
        await stage.command("report", { of: message.seq, language, why: why.value.trim() });
        close();
        toast(say("report_thanks"));
      } catch (failed) {
        failure.textContent = wordsForError(say, failed.code);
        failure.hidden = false;
        button.disabled = false;
      }
    } },
    h("div", { class: "texts" }, h("p", { class: "stage-small" }, h("bdi", {}, stage.called(message.author, message.name))),
      h("p", { class: "text", dir: "auto", lang: main.language || null }, main.text)),
    h("p", { class: "hint" }, say("report_words")),
    h("div", { class: "field" }, h("label", { for: "report-why" }, say("report_why")), why),
    failure, button);
  });
}
