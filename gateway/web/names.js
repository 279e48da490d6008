// People's names: the seal beside a message, and finding somebody by a few typed characters in any script.

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
export const HUES = 6;

/** The character on somebody's seal. */
export function sealOf(name) {
  for (const { segment } of graphemes.segment(name.trim())) return segment.toLocaleUpperCase();
  return "·";
}

/** Which of the muted inks somebody's seal has; the same on every device. */
export function hueOf(user) {
  let sum = 7;
  for (let i = 0; i < user.length; i += 1) sum = (sum * 31 + user.charCodeAt(i)) % 9973;
  return sum % HUES;
}

/** Whether a name starts with, or has a word that starts with, what was typed; Chinese matches anywhere. */
export function matches(name, typed) {
  if (!typed) return true;
  const folded = fold(name);
  const wanted = fold(typed);
  return folded.startsWith(wanted) || folded.includes(` ${wanted}`) || (/\P{ASCII}/u.test(wanted) && folded.includes(wanted));
}

function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim();
}

/** What the picker should look for: the words after the last @ before the caret, or null when there is no @. */
export function mentionQuery(before) {
  const at = Math.max(before.lastIndexOf("@"), before.lastIndexOf("＠"));
  if (at < 0) return null;
  const typed = before.slice(at + 1);
  if (typed.length > 40 || /[\n@＠]/u.test(typed) || /^\s/u.test(typed)) return null;
  // After a Latin letter it may be a mail address: the list opens, but Enter does not choose from it unasked.
  return { at, typed, eager: !/[A-Za-z0-9._-]$/u.test(before.slice(0, at)) };
}
