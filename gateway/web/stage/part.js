// A part of the host's desk: its section, and what all parts read.

import { h } from "../view/dom.js";

export class Part {
  /** `name`: of its tab and its words. */
  constructor(desk, name) {
    this.desk = desk;
    this.stage = desk.stage;
    this.talk = desk.talk;
    this.page = desk.page;
    this.say = desk.say;
    this.element = h("section", { class: "desk-part", "data-tab": name, "aria-label": this.say(`desk_${name}`) });
  }
}
