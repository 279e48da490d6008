// The way in: an invitation, a name, the languages somebody reads.

import { hueOf, sealOf } from "../names.js";
import { wordsForError } from "../words.js";
import { h, seal } from "./dom.js";
import { byLanguage } from "./here.js";
import { languageChips } from "./languages.js";

function interfaceSwitch({ say, ui, setInterface }) {
  return h("div", { class: "switch", role: "group", "aria-label": say("interface") },
    [["zh", "中文"], ["en", "English"]].map(([language, words]) => h("button", {
      type: "button", lang: language, "aria-pressed": String(ui === language), onclick: () => setInterface(language),
    }, words)));
}

/** What both doors have around them: lanterns, the brand, the interface language. */
export function frame(context, ...children) {
  return h("main", { class: "join" },
    h("div", { class: "sky", "aria-hidden": "true" }, h("img", { src: "/web/lanterns.svg", alt: "", width: 390, height: 120 })),
    h("div", { class: "join-top" },
      h("p", { class: "brand" }, h("img", { src: "/web/icon.svg", alt: "", width: 40, height: 40 }),
        h("span", {}, h("strong", { lang: "zh" }, "地球村"), context.ui === "en" && h("span", { class: "brand-en" }, "Global Village"))),
      interfaceSwitch(context)),
    ...children);
}

/** The page for an invitation. `form` = {name, languages} survives a change of interface language.
 * `look()` -> the invitation or throws {code}; `enter(name, languages)` -> promise. */
export function joinView(context, { form, message, look, enter }) {
  const { say } = context;
  const title = h("h1", { dir: "auto" }, say("looking"));
  const here = h("p", { class: "here" });
  const role = h("p", { class: "as-role" });
  const failure = h("p", { class: "failure", role: "alert", hidden: !message }, message ?? "");
  const fail = (code) => {
    failure.textContent = wordsForError(say, code);
    failure.hidden = false;
  };
  const previewSeal = h("span", {});
  const previewName = h("bdi", { class: "name" });
  const preview = () => {
    const name = form.name.trim() || say("name_label");
    previewSeal.replaceChildren(seal(name, hueOf(name), sealOf(name)));
    previewName.textContent = name;
  };
  const button = h("button", { type: "submit", class: "primary" }, say("enter"));
  const name = h("input", {
    id: "name", type: "text", value: form.name, required: true, maxlength: 160, autocomplete: "nickname", dir: "auto", spellcheck: "false",
    placeholder: say("name_hint"),
    oninput: (event) => {
      form.name = event.target.value;
      preview();
    },
  });
  const submit = async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    if (!form.name.trim()) {
      fail("name_invalid");
      name.focus();
      return;
    }
    button.disabled = true;
    button.textContent = say("entering");
    failure.hidden = true;
    try {
      await enter(form.name.trim(), form.languages);
    } catch (failed) {
      fail(failed.code ?? "other");
      button.disabled = false;
      button.textContent = say("enter");
    }
  };
  preview();
  const fields = h("form", { class: "join-form", onsubmit: submit, novalidate: true },
    h("div", { class: "field" }, h("label", { for: "name" }, say("name_label")), name),
    h("div", { class: "preview", "aria-label": say("name_preview"), role: "group" },
      previewSeal, h("div", {}, previewName, h("p", { class: "bubble" }, say("preview_line")))),
    h("div", { class: "field" }, h("span", { class: "label", "aria-hidden": "true" }, say("you_read")),
      languageChips(form.languages, context), h("p", { class: "hint" }, say("you_read_hint"))),
    failure, button, h("p", { class: "privacy" }, say("privacy")));
  const view = frame(context, h("div", { class: "room-card" }, title, here, role), fields);
  look().then((invite) => {
    title.textContent = (invite.translated ?? invite).title || say("untitled");
    title.lang = invite.translated?.language ?? "";
    const total = invite.here?.total ?? 0;
    here.replaceChildren(total ? h("span", {}, say("here_total", { n: total })) : h("span", {}, say("here_nobody")), " ", byLanguage(invite.here?.by_language, context));
    if (invite.role && invite.role !== "guest") role.textContent = say("invited_as", { role: say(`role_${invite.role}`) });
  }, (failed) => {
    title.textContent = say("untitled");
    fail(failed.code ?? "network");
    // A dead invitation opens nothing; without a network the form may still be tried.
    if (failed.code === "invite_invalid") fields.replaceChildren(failure, h("a", { class: "primary", href: "#/" }, say("no_invite_title")));
  });
  return view;
}
