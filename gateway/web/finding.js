// Finding somebody by a few typed characters in any script. Fetched with the first @.

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
