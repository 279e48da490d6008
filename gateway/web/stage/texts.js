// Texts of the stage (polls, the programme, questions) as this reader reads them. They are translated like messages,
// under the seq of their entry; who came later than the entry asks for what they missed.

import { mayBeTranslated } from "../language.js";
import { linesFor, needsLines, openedPoll, pollLines, programmeLines } from "./state.js";

const MAY_STILL_COME_MS = 2000;

export class Texts {
  constructor(talk) {
    this.talk = talk;
    this.askedFor = new Set();
  }

  /** Asks for what this reader needs and nobody has made. `asOf`: the seq up to which the server's answer knows. */
  ask(state, asOf) {
    const { talk } = this;
    const wanted = [...state.polls.values()].filter((one) => !one.closed).map((one) => [one.of, pollLines(one.opened)]);
    if (state.programme) wanted.push([state.programme_seq, programmeLines(state.programme)]);
    for (const one of state.questions.values()) if (!one.settled) wanted.push([one.of, [one.asked.text]]);
    if (!talk.connection.ready) return;
    for (const [seq, texts] of wanted) {
      if (!texts.length || this.askedFor.has(seq) || !needsLines(texts, talk.me.languages)) continue;
      if (!mayBeTranslated(texts.join("\n"), talk.target, talk.routes)) continue;
      this.askedFor.add(seq);
      // It comes by itself to who was here; who came later asks, after a moment in which it may still be made.
      setTimeout(() => {
        if (!this.#lines(seq, texts).made) talk.connection.ask({ type: "translate", room: talk.room.id, of: seq, language: talk.target }).catch(() => {});
      }, seq > asOf ? MAY_STILL_COME_MS : 0);
    }
  }

  #lines(seq, texts) {
    return linesFor(this.talk.room, seq, texts, this.talk.me.languages);
  }

  /** A poll's {question, options, made, language}, or null. */
  poll(state, of) {
    const opened = openedPoll(this.talk.room, state, of);
    if (!opened) return null;
    const { lines, made, language } = this.#lines(of, pollLines(opened));
    return { question: lines[0], options: lines.slice(1), made, language };
  }

  /** The programme: {about, titles, made, language}. */
  programme({ programme, programme_seq }) {
    const { lines, made, language } = this.#lines(programme_seq, programmeLines(programme));
    const [about, ...titles] = programme.about ? lines : ["", ...lines];
    return { about, titles, made, language };
  }

  /** A question: {text, made, language}. */
  question(one) {
    const { lines, made, language } = this.#lines(one.of, [one.asked.text]);
    return { text: lines[0], made, language };
  }
}
