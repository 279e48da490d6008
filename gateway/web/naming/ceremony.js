// The sheets of a naming ceremony: asking for one, agreeing to one, and the ceremony itself with its proposals, votes
// and choice. What somebody types stays: the list is drawn anew around the form, never the form.

import { missingPackage } from "../conversation.js";
import { canonical, guessTag, isForeign, languageName } from "../language.js";
import { hueOf, sealOf as sealCharacter } from "../names.js";
import { wordsForError } from "../words.js";
import { h, icon, seal, toast, unseen } from "../view/dom.js";
import { careful, live, openSheet } from "../view/sheet.js";
import { charactersOf, isHan, phaseOf, ranked } from "./state.js";

const WINDOWS_S = [60, 120, 300, 600];
const REST_MS = 250; // typing rests: time for a preview
const AFTER_COMPOSITION_MS = 60;

/** Characters with their reading above and their meaning below. */
export function charactersNode(name, ui) {
  const han = name.script !== "latin" && isHan(name.text);
  if (!han) {
    return h("span", { class: "characters latin" }, h("strong", { lang: "en" }, name.text), name.respelling && h("span", { class: "pinyin" }, name.respelling));
  }
  return h("span", { class: "characters" }, charactersOf(name).map((one) => h("span", { class: "character" },
    h("span", { class: "pinyin", lang: "zh-Latn" }, one.reading || "\u00a0"),
    h("strong", { lang: "zh" }, one.char),
    (one.en || one.zh) && h("span", { class: "gloss-of", lang: ui }, (ui === "zh" ? one.zh || one.en : one.en || one.zh)))));
}

export function meaningOf(name, ui) {
  return ui === "zh" ? name.meaning_zh || name.meaning_en : name.meaning_en || name.meaning_zh;
}

/** Asking for a name, for oneself (`user` is me) or another member. */
export function openAsk(naming, user, name) {
  const { talk, page } = naming;
  const { say } = page;
  const own = user === talk.me.user;
  openSheet(own ? say("ask_own") : say("ask_for", { name }), say("close"), (close) => {
    let script = isHan(name) ? "latin" : "han";
    let window_s = 120;
    const choice = (legend, group, options, chosen, take) => h("fieldset", { class: "field modes" }, h("legend", {}, legend),
      options.map(([value, words]) => h("label", {}, h("input", { type: "radio", name: group, value, checked: value === chosen, onchange: () => take(value) }), h("span", {}, words))));
    const begin = h("button", {
      type: "button", class: "primary", onclick: async () => {
        begin.disabled = true;
        try {
          const of = await naming.command("open_ceremony", { user: own ? null : user, script, window_s });
          close();
          if (own && of !== null) naming.openWhen(of, () => true);
        } catch {
          begin.disabled = false;
        }
      },
    }, say("begin"));
    return [
      h("p", { class: "lead" }, own ? say("ask_words_own") : say("ask_words_for", { name })),
      choice(say("kind_of_name"), "script", [["han", say("chinese_name")], ["latin", say("latin_name")]], script, (value) => {
        script = value;
      }),
      choice(say("how_long"), "window", WINDOWS_S.map((s) => [s, say("minutes", { n: s / 60 })]), window_s, (value) => {
        window_s = value;
      }),
      begin,
    ];
  });
}

/** Somebody asked for a name for me. */
export function openConsent(naming, of) {
  const one = naming.ceremonies.get(of);
  if (!one) return;
  const { say } = naming.page;
  const { by, name, script } = one.opened;
  openSheet(say(`consent_title_${script}`), say("close"), (close) => {
    const answer = (agree) => async () => {
      close();
      try {
        await naming.command("consent", { of, agree });
        if (agree) naming.openWhen(of, (it) => it.consented);
      } catch {
        // The room told why not.
      }
    };
    return [
      h("div", { class: "consent" }, h("span", { class: `name-seal large ${script === "han" ? "of-1" : "latin"}`, lang: "zh", "aria-hidden": "true" }, h("span", {}, "名")),
        h("p", {}, say("consent_words", { by: naming.nameOf(by, name) }))),
      h("div", { class: "buttons" },
        h("button", { type: "button", class: "primary", autofocus: true, onclick: answer(true) }, say("agree")),
        h("button", { type: "button", class: "secondary", onclick: answer(false) }, say("no_thanks"))),
    ];
  });
}

export function openCeremony(naming, of) {
  const first = naming.ceremonies.get(of);
  if (!first) return;
  const { talk, page } = naming;
  if (phaseOf(first, Date.now()) === "asked" && first.opened.nominee === talk.me.user) {
    openConsent(naming, of);
    return;
  }
  openSheet(naming.title(first), page.say("close"), (close) => {
    const sheet = new Sheet(naming, of, close);
    const top = h("div", { class: "ceremony-top" });
    const list = h("div", { class: "proposals" });
    live(talk, top, () => sheet.top());
    live(talk, list, () => sheet.list());
    const end = h("div", { class: "ceremony-end" });
    live(talk, end, () => sheet.end());
    return [top, list, sheet.form, end];
  });
}

class Sheet {
  constructor(naming, of, close) {
    Object.assign(this, { naming, of, close, signs: {}, choosing: null, reported: new Set() });
    this.talk = naming.talk;
    this.page = naming.page;
    this.form = h("div", { class: "propose" });
    this.opened = this.one.opened;
    this.#closedForm();
  }

  get one() {
    return this.naming.ceremonies.get(this.of);
  }

  get phase() {
    return this.one ? phaseOf(this.one, Date.now()) : "over";
  }

  get mine() {
    return this.opened.nominee === this.talk.me.user;
  }

  // Draws only what changed; see `live`.
  #changed(part, ...sign) {
    const now = [this.phase, this.naming.names, ...sign].join("|");
    if (this.signs[part] === now) return false;
    this.signs[part] = now;
    return true;
  }

  top() {
    const { one } = this;
    if (!one || !this.#changed("top", one.voters, one.proposals.size, one.closed?.seq)) return undefined;
    const { say } = this.page;
    const name = this.opened.nominee_name;
    return [
      seal(name, hueOf(this.opened.nominee), sealCharacter(name)),
      h("span", { class: "ceremony-facts" },
        h("bdi", { class: "name", lang: guessTag(name, []) || null }, name),
        h("span", { class: "hint" }, [say("proposals_n", { n: one.proposals.size }), say("voters_n", { n: one.voters })].join(" · "))),
      this.naming.state(one),
    ];
  }

  list() {
    const { one } = this;
    const { room } = this.talk;
    if (!one) return undefined;
    const top = ranked(one);
    const words = top.map(({ seq, votes }) => `${seq}:${votes}:${this.#told(seq)?.text ?? ""}`).join();
    if (!this.#changed("list", words, one.mine, one.closed?.seq, this.choosing, room.naming.size, this.reported.size, this.talk.failures.size)) return undefined;
    if (this.phase === "over" || this.phase === "asked") this.form.hidden = true;
    if (this.choosing !== null && !one.proposals.has(this.choosing)) this.choosing = null;
    if (!top.length) return h("p", { class: "nobody-yet" }, this.phase === "asked" ? "" : this.page.say("nobody_yet"));
    const most = Math.max(1, top[0].votes);
    return h("ol", {}, top.map((each, at) => this.#proposal(each, one, at === 0 && each.votes > 0 && each.votes > (top[1]?.votes ?? 0), most)));
  }

  #proposal(each, one, leading, most) {
    const { page, naming, talk } = this;
    const { say, ui } = page;
    const { proposed, seq, votes } = each;
    const voted = one.mine === seq;
    const open = this.phase === "open";
    const own = proposed.by === talk.me.user;
    const meaning = meaningOf(proposed, ui);
    const heard = charactersOf(proposed).filter((char) => char.heard);
    const bar = h("span", { class: "vote-bar" });
    bar.style.inlineSize = `${Math.round((votes / most) * 100)}%`;
    return h("li", { class: `proposal${voted ? " voted" : ""}${leading ? " leading" : ""}${one.closed?.accepted === seq ? " taken" : ""}` },
      h("div", { class: "proposal-head" }, charactersNode(proposed, ui),
        open ? h("button", {
          type: "button", class: "vote", "aria-pressed": String(voted), "aria-label": say("vote_for", { name: proposed.text, n: votes }),
          onclick: () => this.#vote(voted ? null : seq),
        }, icon("vote"), h("span", { class: "count" }, String(votes)))
          : h("span", { class: "vote" }, h("span", { class: "count" }, say("votes_n", { n: votes })))),
      h("span", { class: "vote-track", "aria-hidden": "true" }, bar),
      (proposed.joke || proposed.counter || leading) && h("p", { class: "marks" },
        leading && h("span", { class: "mark" }, say("leading")),
        proposed.joke && h("span", { class: "mark jest" }, say("joke")),
        proposed.counter && h("span", { class: "mark" }, say("by_nominee"))),
      meaning && !proposed.glosses.length && h("p", { class: "meaning", lang: ui }, meaning),
      heard.length > 0 && h("p", { class: "echoes" }, h("span", {}, say("sounds_like")), heard.map((char) => h("span", { class: "echo" },
        h("bdi", { lang: "zh" }, char.char), h("span", { "aria-hidden": "true" }, "≈"), h("bdi", {}, char.heard)))),
      proposed.reason && this.#reason(seq, proposed),
      proposed.findings.map((finding) => h("p", { class: "finding" }, icon("alert"), h("span", {}, say("finding", { words: (ui === "zh" ? finding.zh : finding.en) || finding.part })))),
      h("div", { class: "proposal-foot" },
        h("span", { class: "hint" }, own ? say("by_you") : say("by", { name: naming.nameOf(proposed.by, proposed.name) })),
        this.phase !== "over" && !this.reported.has(seq) && careful(own ? say("withdraw") : say("report_rude"), own ? say("withdraw_sure") : say("report_sure"), () => this.#report(seq, own), own ? "recall" : "alert", true)),
      this.mine && (open || this.phase === "choosing") && this.#take(each, one));
  }

  /** A reason in the proposer's own words, and what a reader of another language reads. */
  #reason(seq, proposed) {
    const { talk, page } = this;
    const told = this.#told(seq);
    const foreign = proposed.by !== talk.me.user && isForeign(proposed.reason, talk.me.languages);
    const why = foreign && !told ? this.#whyNot(seq) : null;
    if (foreign && !told && !why && talk.connection.ready) talk.translate(seq);
    const text = (words, language, kind = "") => h("p", { class: `reason ${kind}`.trim(), dir: "auto", lang: language || null }, words);
    const source = guessTag(proposed.reason, talk.me.languages);
    if (!foreign) return text(proposed.reason, source);
    const { say } = page;
    if (!told) {
      return why ? h("div", { class: "reason-both" }, text(proposed.reason, source), h("p", { class: "reason-made" }, why)) : text(proposed.reason, source);
    }
    const made = `${say("machine")}${told.starter ? ` · ${say("rough")}` : ""}`;
    return h("div", { class: "reason-both" }, text(told.text, told.language),
      h("p", { class: "reason-original", dir: "auto", lang: source || null }, unseen(say("original_of")), proposed.reason),
      h("p", { class: "reason-made" }, h("span", { class: "seal-small", lang: "zh", "aria-hidden": "true" }, "译"), made));
  }

  /** Why a reason has no translation for me, in words; null while one may come. */
  #whyNot(seq) {
    const { room, me, failures } = this.talk;
    const { say } = this.page;
    if (failures.has(seq)) return say("untranslated", { reason: wordsForError(say, failures.get(seq)) });
    const refused = [...room.naming.values()].find(({ event }) => event.type === "untranslated" && event.of === seq && me.languages.includes(canonical(event.language)));
    if (!refused || refused.event.reason === "nothing_to_translate") return null;
    if (refused.event.reason === "no_package") {
      const { from, to } = missingPackage(refused.event, { text: "" }, refused.event.language);
      return say("no_package", { source: languageName(from, this.page.ui), target: languageName(to, this.page.ui), from, to });
    }
    const words = say(`reason_${refused.event.reason}`);
    return say("untranslated", { reason: words === `reason_${refused.event.reason}` ? say("reason_other", { reason: refused.event.reason }) : words });
  }

  #told(seq) {
    const { room, me } = this.talk;
    const told = [...room.naming.values()].filter(({ event }) => event.type === "translated" && event.of === seq);
    for (const language of me.languages) {
      const found = told.find(({ event }) => canonical(event.language) === language);
      if (found) return found.event;
    }
    return null;
  }

  #take(each, one) {
    const { say } = this.page;
    const { text } = each.proposed;
    if (this.choosing !== each.seq) {
      return h("button", { type: "button", class: "secondary take", onclick: () => this.#choose(each.seq) }, icon("check"), say("take"));
    }
    const [other] = ranked(one).filter((two) => two.seq !== each.seq && two.votes > 0);
    const keep = h("input", { type: "checkbox" });
    return h("div", { class: "taking" },
      h("p", {}, say("take_sure", { name: text })),
      other && h("label", { class: "check" }, keep, h("span", {}, say("keep_too", { name: other.proposed.text }))),
      h("div", { class: "buttons" },
        h("button", { type: "button", class: "primary", onclick: () => this.#accept(each.seq, keep.checked ? other.seq : null) }, say("take")),
        h("button", { type: "button", class: "secondary", onclick: () => this.#choose(null) }, say("back_to_list"))));
  }

  #choose(seq) {
    this.choosing = seq;
    this.talk.redraw();
  }

  async #accept(proposal, also) {
    try {
      await this.naming.command("accept_name", { of: this.of, proposal, also });
      this.close();
    } catch {
      // The room told why not.
    }
  }

  async #vote(proposal) {
    const { votes } = this.naming;
    const [before, had] = [votes.get(this.of), votes.has(this.of)];
    votes.set(this.of, proposal);
    this.talk.redraw();
    try {
      await this.naming.command("vote_name", { of: this.of, proposal });
    } catch {
      if (had) votes.set(this.of, before);
      else votes.delete(this.of);
      this.talk.redraw();
    }
  }

  async #report(proposal, own) {
    try {
      await this.naming.command("report_proposal", { of: this.of, proposal });
      this.reported.add(proposal);
      if (!own) toast(this.page.say("reported"));
      this.talk.redraw();
    } catch {
      // The room told why not.
    }
  }

  /** Declining, stopping. */
  end() {
    const { one } = this;
    const { room, me } = this.talk;
    const pinned = this.naming.pinned.has(this.of);
    if (!one || !this.#changed("end", room.role, pinned)) return undefined;
    if (this.phase === "over") return [];
    const { say } = this.page;
    const pin = this.naming.pin(this.of);
    const finish = () => this.naming.command("end_ceremony", { of: this.of }).then(this.close, () => {});
    const may = this.mine || one.opened.by === me.user || /owner|moderator/.test(room.role);
    const words = this.mine ? "decline" : "stop";
    return [
      pin && h("button", { type: "button", class: "action", onclick: () => pin(!pinned).catch(() => {}) }, icon("pin"), h("span", {}, say(pinned ? "unpin_ceremony" : "pin_ceremony"))),
      may && careful(say(words), say(`${words}_sure`), finish, "close"),
    ];
  }

  // ---- proposing

  #closedForm() {
    const { say } = this.page;
    this.form.replaceChildren(h("button", { type: "button", class: "primary", "aria-expanded": "false", onclick: () => this.#openForm() }, this.mine ? say("counter") : say("propose")));
  }

  #openForm() {
    const { say, ui } = this.page;
    const { script } = this.opened;
    const shown = h("div", { class: "name-preview", "aria-live": "polite" });
    const ideas = h("div", { class: "ideas" });
    const box = h("input", {
      type: "text", id: "given-name", lang: script === "han" ? "zh" : "en", autocomplete: "off", spellcheck: false, maxlength: 40, enterkeyhint: "next",
      placeholder: say(`name_hint_${script}`), "aria-describedby": "name-preview",
    });
    shown.id = "name-preview";
    const why = h("textarea", { id: "given-why", rows: 2, maxlength: 300, dir: "auto", placeholder: say("why_hint") });
    const jest = h("input", { type: "checkbox" });
    // A character may have several readings, and who proposes a name knows how it is meant.
    const pinyin = h("input", { type: "text", id: "given-pinyin", lang: "zh-Latn", autocomplete: "off", autocapitalize: "none", spellcheck: false, maxlength: 80 });
    const reading = h("div", { class: "field", hidden: true }, h("label", { for: "given-pinyin" }, say("pinyin_of_it")), pinyin);
    const otherwise = h("button", {
      type: "button", class: "word read-otherwise", hidden: true, onclick: () => {
        otherwise.hidden = true;
        reading.hidden = false;
        pinyin.focus();
      },
    }, say("read_otherwise"));
    const readAs = () => (!reading.hidden && pinyin.value.trim()) || null;
    const submit = h("button", { type: "submit", class: "primary", disabled: true }, say("submit"));
    let seed = 0;
    let timer = null;
    let turn = 0;
    let composedAt = -Infinity;
    const fits = () => (script === "han" ? /^\p{Script=Han}{1,8}(·\p{Script=Han}{1,8}){0,3}$/u : /^\p{Script=Latin}[\p{Script=Latin}\p{M}'’.\- ]*$/u).test(box.value.trim());
    const look = () => {
      clearTimeout(timer);
      const text = box.value.trim();
      submit.disabled = !text || !fits();
      turn += 1;
      const mine = turn;
      if (!text) return shown.replaceChildren();
      if (!fits()) return shown.replaceChildren(h("p", { class: "hint" }, say(`not_a_name_${script}`)));
      timer = setTimeout(async () => {
        try {
          const found = await this.naming.look("preview", { text, user: this.opened.nominee, ...(readAs() && { pinyin: readAs() }) });
          if (mine !== turn) return;
          shown.replaceChildren(...previewNodes(found, this.page));
          otherwise.hidden = script !== "han" || !reading.hidden;
          if (reading.hidden) pinyin.value = found.glosses.map((one) => one.reading).join(" ");
        } catch (failed) {
          if (mine !== turn) return;
          if (failed.code === "too_fast") timer = setTimeout(look, failed.retry_after_ms ?? 500);
          else shown.replaceChildren(h("p", { class: "hint" }, wordsForError(say, failed.code)));
        }
      }, REST_MS);
      return undefined;
    };
    pinyin.addEventListener("input", look);
    box.addEventListener("input", (event) => {
      // Another name, its own reading.
      reading.hidden = true;
      // Half-typed pinyin is no name yet: the preview waits for the characters.
      if (!event.isComposing) look();
    });
    box.addEventListener("compositionend", (event) => {
      composedAt = event.timeStamp;
      look();
    });
    // An Enter that ends a composition chooses characters and must not propose them (Safari reports it afterwards).
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      if (!event.isComposing && event.keyCode !== 229 && event.timeStamp - composedAt >= AFTER_COMPOSITION_MS) why.focus();
    });
    const suggest = async () => {
      more.disabled = true;
      try {
        const found = await this.naming.look("suggestions", { user: this.opened.nominee, script, seed });
        seed += 1;
        ideas.replaceChildren(found.names.length ? h("p", { class: "hint" }, say("ideas_for")) : h("p", { class: "hint" }, say("ideas_none")),
          ...found.names.map((one) => h("button", {
            type: "button", class: "idea", onclick: () => {
              box.value = one.text;
              ideas.replaceChildren();
              look();
              box.focus();
            },
          }, h("strong", { lang: script === "han" ? "zh" : "en" }, one.text), h("span", { class: "hint" }, one.romanisation || one.respelling),
          h("span", { class: "idea-why", lang: ui }, (ui === "zh" ? one.why_zh : one.why_en) || meaningOf(one, ui)))));
        more.lastChild.textContent = say("ideas_more");
      } catch (failed) {
        toast(wordsForError(say, failed.code), { refusal: true });
      }
      more.disabled = false;
    };
    const more = h("button", { type: "button", class: "word idea-more", onclick: suggest }, icon("brush"), h("span", {}, say("ideas")));
    this.form.replaceChildren(h("form", {
      class: "form", onsubmit: async (event) => {
        event.preventDefault();
        if (submit.disabled) return;
        submit.disabled = true;
        try {
          await this.naming.command("propose_name", { of: this.of, text: box.value.trim(), reason: why.value.trim(), joke: jest.checked, pinyin: readAs() });
          toast(say("proposed_done"));
          this.#closedForm();
          this.form.firstChild.focus();
        } catch {
          submit.disabled = false;
        }
      },
    },
    h("div", { class: "field" }, h("div", { class: "between" }, h("label", { for: "given-name" }, say("name_of")), more), box, shown, otherwise, reading, ideas),
    h("div", { class: "field" }, h("label", { for: "given-why" }, say("why")), why),
    h("label", { class: "check" }, jest, h("span", {}, say("in_jest"))),
    h("div", { class: "buttons" }, submit, h("button", { type: "button", class: "secondary", onclick: () => this.#closedForm() }, say("cancel")))));
    box.focus();
    this.form.scrollIntoView({ block: "nearest" });
  }
}

/** What a name would be shown with, below the field in which it is typed. */
export function previewNodes(found, { say, ui }) {
  const meaning = meaningOf(found, ui);
  return [
    charactersNode(found, ui),
    meaning && h("p", { class: "meaning", lang: ui }, meaning),
    found.sound > 0 && h("p", { class: "echoes" }, h("span", {}, say("sounds_like")), found.echoes.map((echo) => h("span", { class: "echo" },
      h("bdi", { lang: "zh" }, echo.char), h("span", { "aria-hidden": "true" }, "≈"), h("bdi", {}, echo.heard)))),
    ...found.findings.map((finding) => h("p", { class: "finding" }, icon("alert"), h("span", {}, say("finding", { words: (ui === "zh" ? finding.zh : finding.en) || finding.part })))),
  ].filter(Boolean);
}
