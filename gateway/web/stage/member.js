// What can be decided about one member, as a sheet.

import { h, toast } from "../view/dom.js";
import { careful, openSheet } from "../view/sheet.js";

/** What can be decided about one member: {user, name, of}. */
export function openMember(stage, { user, name, of = 0 }) {
  const { say } = stage.page;
  openSheet(stage.called(user, name), say("close"), (close) => {
    const why = h("input", { id: "sanction-why", type: "text", dir: "auto", maxlength: 300, autocomplete: "off" });
    const latest = h("select", { id: "sanction-delete" }, [0, 1, 5, 20].map((n) => h("option", { value: n }, n ? say("delete_n", { n }) : say("delete_none"))));
    const sanction = (action, more = {}) => async () => {
      const fields = { of, why: why.value.trim(), delete_last: Number(latest.value), ...more };
      try {
        if (stage.desk) {
          if (await stage.desk.sanction(user, stage.called(user, name), action, fields)) close();
          return;
        }
        await stage.command("sanction", { user, action, ...fields });
        close();
        toast(say(`did_${action}`, { name: stage.called(user, name) }));
      } catch {
        // The room has told why.
      }
    };
    const plain = (words, act) => h("button", { type: "button", class: "secondary", onclick: act }, words);
    return [
      h("div", { class: "field" }, h("label", { for: "sanction-why" }, say("sanction_why")), why),
      h("div", { class: "field" }, h("label", { for: "sanction-delete" }, say("delete_last")), latest),
      h("div", { class: "field" }, h("span", { class: "label" }, say("timeout")), h("div", { class: "buttons four" }, [[60, "minutes", 1], [600, "minutes", 10], [3600, "hours", 1], [86_400, "days_left", 1], [2_419_200, "days_left", 28]].map(([for_s, key, n]) => plain(say(key, { n }), sanction("timeout", { for_s }))))),
      h("div", { class: "buttons" }, plain(say("mute"), sanction("mute")), plain(say("unmute"), sanction("unmute"))),
      h("div", { class: "buttons" }, plain(say("shadow"), sanction("shadow")), plain(say("invite"), sanction("invite_speaker"))),
      h("p", { class: "hint" }, say("shadow_words")),
      careful(say("kick"), say("kick_sure"), sanction("kick")),
      careful(say("ban"), say("ban_sure"), sanction("ban")),
    ];
  });
}
