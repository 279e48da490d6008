// A poll as a card: to vote in, or its result. The same card stands in the bar, in the log, in sheets and on the desk.

import { h, icon, unseen } from "../view/dom.js";
import { clockOf } from "./clock.js";

/** `away`: a button that puts a result out of the way, or null. */
export function pollCard(stage, poll, away = null) {
  const { say, ui } = stage.page;
  const texts = stage.pollTexts(poll.of);
  const { counts, voters } = stage.countsOf(poll);
  const mine = stage.choicesOf(poll);
  const { opened, closed } = poll;
  const most = opened.choices_max ?? 1;
  const shown = counts.length > 0 && (closed || mine.length > 0 || stage.hosting);
  const percent = new Intl.NumberFormat(ui, { style: "percent" });
  const choose = (at) => {
    if (most === 1) return stage.vote(poll.of, mine.includes(at) ? [] : [at]);
    const next = mine.includes(at) ? mine.filter((one) => one !== at) : [...mine, at].slice(-most);
    return stage.vote(poll.of, next.sort((a, b) => a - b));
  };
  const option = (words, at) => {
    const share = voters ? (counts[at] ?? 0) / voters : 0;
    const right = closed && closed.answer === at;
    const bar = h("span", { class: "poll-bar", "aria-hidden": "true" });
    bar.style.inlineSize = `${shown ? Math.round(share * 100) : 0}%`;
    const inside = [bar, h("span", { class: "poll-words", dir: "auto", lang: texts.language }, words),
      right && h("span", { class: "poll-mark" }, icon("check"), unseen(say("right_answer"))),
      mine.includes(at) && closed && h("span", { class: "stage-small" }, say("your_vote")),
      shown && h("span", { class: "count" }, percent.format(share))];
    return h("li", {}, closed ? h("div", { class: `poll-option closed${right ? " right" : ""}` }, inside)
      : h("button", { type: "button", class: "poll-option", "data-part": `poll ${poll.of} ${at}`, "aria-pressed": String(mine.includes(at)), onclick: () => choose(at) }, inside));
  };
  const until = !closed && opened.closes_ms ? h("span", { class: "until", "data-closes": opened.closes_ms }, say("closes_in", { time: clockOf(opened.closes_ms - stage.now()) })) : null;
  return h("div", { class: "poll-card", role: "group", "aria-label": texts.question },
    h("div", { class: "poll-head" },
      h("p", { class: "stage-small" }, say(opened.quiz ? "quiz" : "poll"), texts.made && ` · ${say("by_machine")}`),
      closed && away),
    h("p", { class: "poll-question", dir: "auto", lang: texts.language }, texts.question),
    h("ul", { class: "poll-options" }, texts.options.map(option)),
    h("p", { class: "stage-small poll-foot" },
      h("span", {}, closed ? say("poll_over") : opened.quiz && mine.length ? say("quiz_secret") : most === 1 ? say("choose_one") : say("choose_many", { n: most })),
      h("span", {}, say("voters_n", { n: voters })), until));
}
