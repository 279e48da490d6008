// Languages as the page needs them: their names, and a cautious guess which script a line is written in.
// The server decides what a text is and what it becomes. The guess here only chooses between "show a shimmer, a
// translation is likely" and "leave it alone"; when it is wrong, an entry from the server corrects it.

const HANT = new Set(["tw", "hk", "mo", "hant"]);
const SCRIPT_OF = {
  zh: "Han", "zh-Hant": "Han", ja: "Kana", ko: "Hangul", ru: "Cyrillic", uk: "Cyrillic", bg: "Cyrillic",
  sr: "Cyrillic", be: "Cyrillic", mk: "Cyrillic", kk: "Cyrillic", ar: "Arabic", fa: "Arabic", ur: "Arabic",
  he: "Hebrew", hi: "Devanagari", mr: "Devanagari", ne: "Devanagari", bn: "Bengali", ta: "Tamil", te: "Telugu",
  th: "Thai", lo: "Lao", km: "Khmer", my: "Myanmar", el: "Greek", ka: "Georgian", hy: "Armenian", am: "Ethiopic",
};
const SHORT = { zh: "中", "zh-Hant": "繁", ja: "日", ko: "한" };
// A Han character carries about as much as three Latin letters: "我今天很happy" is a Chinese line.
const WEIGHTS = { Han: 3, Hiragana: 3, Katakana: 3, Hangul: 2 };
const SCRIPTS = ["Han", "Hiragana", "Katakana", "Latin", ...new Set(Object.values(SCRIPT_OF))]
  .filter((script, at, all) => script !== "Kana" && all.indexOf(script) === at)
  .map((script) => [script, WEIGHTS[script] ?? 1, new RegExp(`\\p{Script=${script}}`, "gu")]);
const NOT_WORDS = /https?:\/\/[^\s\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+|[@＠][^\s@＠]{1,40}/gu;
const LAUGHTER = /^(?:[hx]+|(?:ha+)+h?|x+d+|lo+l+|w+|o+k+|k+|ja(?:ja)+|ye+s*|no+)$/iu;

/** Reading languages offered beside 中文 and English, the usual guests of a Chinese room first. */
export const OFFERED = [
  "zh", "en", "zh-Hant", "es", "fr", "de", "ja", "ko", "ru", "pt", "ar", "hi", "vi", "th", "id", "it", "tr", "nl",
  "pl", "uk", "fa", "ms", "sv", "cs", "el", "he",
];

/** One spelling per language, as the server has it: zh-CN is zh, zh-TW is zh-Hant, en-US is en. */
export function canonical(tag) {
  const [primary, ...rest] = String(tag).trim().replaceAll("_", "-").toLowerCase().split("-");
  if (primary === "yue" || primary === "zt") return rest.includes("hans") ? "zh" : "zh-Hant";
  if (primary === "zh" || primary === "cmn") {
    return !rest.includes("hans") && rest.some((part) => HANT.has(part)) ? "zh-Hant" : "zh";
  }
  return /^[a-z]{2,3}$/.test(primary) ? primary : "en";
}

/** What the browser says its owner reads, most liked first, at most `max`. */
export function guessLanguages(tags, max = 3) {
  return [...new Set((tags?.length ? tags : ["en"]).map(canonical))].slice(0, max);
}

/** "Chinese" for an English interface, "中文" for a Chinese one. */
export function languageName(tag, ui) {
  if (tag === "zh") return ui === "zh" ? "中文" : "Chinese";
  if (tag === "zh-Hant") return ui === "zh" ? "繁体中文" : "Traditional Chinese";
  try {
    return new Intl.DisplayNames([ui], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** A language's name in itself: what a person who reads it looks for. */
export function ownName(tag) {
  if (tag === "zh") return "中文";
  if (tag === "zh-Hant") return "繁體中文";
  const name = languageName(tag, tag);
  return name.charAt(0).toLocaleUpperCase(tag) + name.slice(1);
}

/** The tag on the thin line under a translation: 中, EN, 日. */
export function shortName(tag) {
  return SHORT[tag] ?? String(tag).slice(0, 2).toUpperCase();
}

export function scriptOf(language) {
  return SCRIPT_OF[language] ?? "Latin";
}

/** The script most of a text is written in; null for emoji, 666, hhhh, links and names, which need no translation. */
export function scriptIn(text) {
  const words = text.replace(NOT_WORDS, " ");
  if (LAUGHTER.test(words.replace(/[\s\p{P}\p{S}\p{N}]/gu, ""))) return null;
  let best = null;
  let most = 0;
  let kana = 0;
  for (const [script, weight, letters] of SCRIPTS) {
    const weighed = (words.match(letters)?.length ?? 0) * weight;
    if (script === "Hiragana" || script === "Katakana") kana += weighed;
    if (weighed > most) [best, most] = [script, weighed];
  }
  return kana > 0 && /^(Han|Hiragana|Katakana)$/.test(best) ? "Kana" : best;
}

/** Whether somebody who reads `languages` probably cannot read `text`. */
export function isForeign(text, languages) {
  const script = scriptIn(text);
  return script !== null && !languages.some((language) => scriptOf(language) === script);
}

/** A tag for the lang attribute of a text nobody has labelled: screen readers and fonts choose by it. */
export function guessTag(text, languages) {
  const script = scriptIn(text);
  if (script === null) return "";
  const mine = languages.find((language) => scriptOf(language) === script);
  if (mine) return mine;
  if (script === "Latin") return "en";
  return Object.keys(SCRIPT_OF).find((language) => SCRIPT_OF[language] === script) ?? "";
}

/** Whether the server has a route from any language in the script of `text` to `target`. */
export function mayBeTranslated(text, target, routes) {
  const script = scriptIn(text);
  return routes.some((route) => scriptOf(route.source) === script && canonical(route.target) === target);
}
