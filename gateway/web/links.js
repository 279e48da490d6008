// Cuts a text into plain words, links and mentions; the view turns each part into nodes, never into markup.
// In Chinese a link has no space after it ("看https://a.example/b吧"), so a link ends at the first character that
// cannot stand in a URL (RFC 3986 is ASCII), and at punctuation which belongs to the sentence. Chinese is a part of it in
// its middle, as the value of a parameter, or as the last of several parts of a path (as in translator/masking.py).

const URL_IN_TEXT = /https?:\/\/[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+/giu;
const HAN_IN_URL = /\p{Script=Han}{1,40}(?:(?=[/?=&#])([A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]*)|(?=\s|$))/uy;
const PATH_SLASHES = 4;
const SENTENCE_END = /[.,;:!?'"*_~]$/u;

/** [{text}] | [{text, href}] | [{text, user}], in order; their texts joined are the text itself. */
export function parts(text, mentions = []) {
  const found = [...links(text), ...named(text, mentions)].sort((a, b) => a.from - b.from || b.to - a.to);
  const cut = [];
  let at = 0;
  for (const one of found) {
    if (one.from < at) continue;
    if (one.from > at) cut.push({ text: text.slice(at, one.from) });
    cut.push({ text: text.slice(one.from, one.to), ...one.is });
    at = one.to;
  }
  if (at < text.length) cut.push({ text: text.slice(at) });
  return cut;
}

function* links(text) {
  for (const match of text.matchAll(URL_IN_TEXT)) {
    const url = withoutSentence(withChinese(text, match[0], match.index));
    const href = safeHref(url);
    if (href) yield { from: match.index, to: match.index + url.length, is: { href } };
  }
}

function* named(text, mentions) {
  for (const mention of mentions) {
    for (let from = text.indexOf(mention.text); from >= 0; from = text.indexOf(mention.text, from + 1)) {
      yield { from, to: from + mention.text.length, is: { user: mention.user } };
    }
  }
}

function withChinese(text, url, from) {
  while (/[/=]$/u.test(url)) {
    HAN_IN_URL.lastIndex = from + url.length;
    const han = HAN_IN_URL.exec(text);
    if (!han || (han[1] === undefined && url.endsWith("/") && count(url, "/") < PATH_SLASHES)) break;
    url += han[0];
  }
  return url;
}

function withoutSentence(url) {
  for (;;) {
    const last = url.at(-1);
    const unbalanced =
      (last === ")" && count(url, ")") > count(url, "(")) || (last === "]" && count(url, "]") > count(url, "["));
    if (!unbalanced && !SENTENCE_END.test(url)) return url;
    url = url.slice(0, -1);
  }
}

function count(text, character) {
  return text.split(character).length - 1;
}

/** Only http and https, and no user part: "https://bank.example@evil.example" names one host and goes to another. */
export function safeHref(url) {
  try {
    const parsed = new URL(url);
    const web = parsed.protocol === "http:" || parsed.protocol === "https:";
    return web && !parsed.username && !parsed.password && parsed.hostname ? parsed.href : null;
  } catch {
    return null;
  }
}
