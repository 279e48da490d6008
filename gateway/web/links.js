// Cuts a text into plain words, links and mentions; the view turns each part into nodes, never into markup.
// No space is needed after a link ("看https://a.example/b吧"): it ends where RFC 3986 ends, or punctuation of the sentence
// begins; Chinese as a value, in the middle or after /part/ belongs to it (as in translator/masking.py).

const ASCII = "[A-Za-z0-9\\-._~:/?#[\\]@!$&'()*+,;=%]";
const URL_IN_TEXT = new RegExp(`https?://${ASCII}+`, "giu");
const HAN_IN_URL = new RegExp(`\\p{Script=Han}{1,40}(?:(?=[/?=&#])(${ASCII}*)|(?=\\s|$))`, "uy");
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
  for (const { 0: begin, index: from } of text.matchAll(URL_IN_TEXT)) {
    const url = withoutSentence(withChinese(text, begin, from));
    const href = safeHref(url);
    if (href) yield { from, to: from + url.length, is: { href } };
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
  HAN_IN_URL.lastIndex = from + url.length;
  const han = /[/=]$/u.test(url) && HAN_IN_URL.exec(text);
  const comment = !han || (han[1] === undefined && url.endsWith("/") && count(url, "/") < 4);
  return comment ? url : withChinese(text, url + han[0], from);
}

function withoutSentence(url) {
  const opening = { ")": "(", "]": "[" }[url.at(-1)];
  const over = opening ? count(url, url.at(-1)) > count(url, opening) : SENTENCE_END.test(url);
  return over ? withoutSentence(url.slice(0, -1)) : url;
}

const count = (text, character) => text.split(character).length - 1;

/** Only http and https, and no user part: "https://bank.example@evil.example" names one host and goes to another. */
export function safeHref(url) {
  try {
    const parsed = new URL(url);
    const web = /^https?:$/u.test(parsed.protocol);
    return web && !parsed.username && !parsed.password && parsed.hostname ? parsed.href : null;
  } catch {
    return null;
  }
}
