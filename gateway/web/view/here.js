// How many are here, by the language they read.

import { languageName, shortName } from "../language.js";
import { h } from "./dom.js";

/** A line like "中 71  EN 49  +8" from counts by language. */
export function byLanguage(counts, { say, ui }, most = 3) {
  const sorted = Object.entries(counts ?? {}).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
  const rest = sorted.slice(most).reduce((sum, [, n]) => sum + n, 0);
  const number = new Intl.NumberFormat(ui);
  return h("span", { class: "by-language" },
    sorted.slice(0, most).map(([language, n]) => h("span", { class: "language-count" },
      h("span", { class: "tag", "aria-hidden": "true" }, shortName(language)), h("span", { class: "unseen" }, `${languageName(language, ui)} `), number.format(n))),
    rest > 0 && h("span", { class: "language-count" }, `+${number.format(rest)}`));
}
