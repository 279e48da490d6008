// How the evening goes, as small charts: the rate, how fast it is translated, who is here, what was not understood.

import { languageName } from "../language.js";
import { refusalFor } from "../room.js";
import { h } from "../view/dom.js";
import { Part } from "./part.js";

const SVG = "http://www.w3.org/2000/svg";

export class Numbers extends Part {
  constructor(desk) {
    super(desk, "numbers");
  }

  render() {
    const { say } = this;
    const { room } = this.talk;
    const part = this.element;
    const now = Date.now();
    const bins = Array.from({ length: 30 }, () => 0);
    for (const { at_ms } of this.stage.heard) {
      const at = 29 - Math.floor((now - at_ms) / 10_000);
      if (at >= 0) bins[at] += 0.1;
    }
    const foreign = this.stage.heard.map((one) => room.messages.get(one.seq)).filter((one) => one?.kind === "post" && one.recalled_by === null && [...one.translations.values()].some((each) => !each.own));
    const waits = foreign.flatMap((one) => [...one.translations.values()].filter((each) => each.text !== null && each.at_ms).map((each) => each.at_ms - one.at_ms)).sort((a, b) => a - b);
    const lost = [...room.messages.values()].filter((one) => one.kind === "post" && one.recalled_by === null && refusalFor(one, this.talk.me.languages)?.text === null && refusalFor(one, this.talk.me.languages).reason !== "nothing_to_translate").slice(-20);
    const budget = room.translation_budget_ms ?? 800;
    const within = waits.filter((one) => one <= budget).length;
    const missed = foreign.length - waits.length;
    const sign = JSON.stringify([bins, room.here?.total, room.here?.by_language, waits.length, lost.map((one) => one.seq), this.page.ui]);
    if (sign === this.sign) return;
    this.sign = sign;
    const number = new Intl.NumberFormat(this.page.ui, { maximumFractionDigits: 1 });
    const percent = new Intl.NumberFormat(this.page.ui, { style: "percent", maximumFractionDigits: 0 });
    const p = (share) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))];
    const counts = Object.entries(room.here?.by_language ?? {}).sort((a, b) => b[1] - a[1]).slice(0, 6);
    part.replaceChildren(
      h("div", { class: "figures" },
        h("figure", {}, h("figcaption", {}, say("per_second")), h("strong", {}, number.format(bins.at(-1))), spark(bins)),
        h("figure", {}, h("figcaption", {}, say("in_budget", { n: budget })), h("strong", {}, waits.length + missed ? percent.format(within / (waits.length + Math.max(0, missed))) : "–")),
        h("figure", {}, h("figcaption", {}, say("latency")), h("strong", {}, waits.length ? `${number.format(p(0.5))} / ${number.format(p(0.95))} ms` : "–"))),
      h("div", {}, h("h3", {}, say("here_by_language", { n: room.here?.total ?? 0 })), h("ul", { class: "language-bars" }, counts.map(([language, n]) => {
        const bar = h("span", { class: "bar" });
        bar.style.inlineSize = `${Math.max(2, (100 * n) / Math.max(1, room.here.total))}%`;
        return h("li", {}, h("span", {}, languageName(language, this.page.ui)), h("span", { class: "bar-track" }, bar), h("span", { class: "count" }, number.format(n)));
      }))),
      h("div", {}, h("h3", {}, say("not_understood")), lost.length ? h("ul", { class: "lost" }, lost.reverse().map((one) => h("li", {}, h("bdi", { class: "name" }, this.stage.called(one.author, one.name)), h("p", { class: "text", dir: "auto" }, one.text),
        h("p", { class: "stage-small" }, say(`reason_${refusalFor(one, this.talk.me.languages).reason}`, { source: "", target: "", from: "", to: "" }))))) : h("p", { class: "hint" }, say("all_understood"))));
  }
}

function spark(values) {
  const most = Math.max(...values, 1e-9);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 100 28");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "spark");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("points", values.map((value, at) => `${((100 * at) / (values.length - 1)).toFixed(1)},${(26 - (24 * value) / most).toFixed(1)}`).join(" "));
  svg.append(line);
  return svg;
}
