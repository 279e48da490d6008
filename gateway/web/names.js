// People's names: the seal beside a message.

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
