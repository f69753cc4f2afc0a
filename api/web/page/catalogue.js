// The Catalogue panel: types, their resources page by page, a record with its locations.

import { el, field, link, number, table } from "./dom.js";
import { ask, path } from "./api.js";

const pageSize = 20;

export class Catalogue {
  constructor(host, map, onResolve) {
    this.map = map;
    this.onResolve = onResolve;
    this.pages = [""]; // tokens of the pages up to this one
    this.type = el("select", { id: "c-type", onchange: () => this.first() });
    this.prefix = el("input", { id: "c-prefix", autocomplete: "off", spellcheck: "false" });
    this.list = el("div", { "aria-live": "polite" });
    this.record = el("div", { "aria-live": "polite", tabindex: "-1" });
    host.append(
      el("h2", null, "Catalogue"),
      el("form", { onsubmit: (e) => (e.preventDefault(), this.first()) },
        el("div", { class: "fields" }, field("Type", this.type), field("Ids that begin with", this.prefix), el("button", null, "List"))),
      this.list, this.record);
  }

  // load fills in the types.
  async load() {
    try {
      const { body } = await ask("v1/types");
      const names = body.types.map((t) => t.name);
      document.getElementById("types").replaceChildren(...names.map((n) => el("option", { value: n })));
      const chosen = this.type.value;
      this.type.replaceChildren(...names.map((n) => el("option", { value: n }, n)));
      if (names.includes(chosen)) this.type.value = chosen;
      if (names.length === 0) this.list.replaceChildren(el("p", { class: "hint" }, "There are no types yet: PUT /v1/types/{type} makes one."));
      else if (chosen !== this.type.value) await this.first();
    } catch (problem) {
      this.list.replaceChildren(el("p", { class: "problem" }, problem.message));
    }
  }

  first() {
    this.pages = [""];
    this.record.replaceChildren();
    return this.show();
  }

  async show() {
    const type = this.type.value;
    try {
      const { body } = await ask(path(["v1", "types", type, "resources"], { page_size: pageSize, page_token: this.pages.at(-1), prefix: this.prefix.value }));
      this.list.replaceChildren(this.page(type, body.resources), this.turn(body.next_page_token));
    } catch (problem) {
      this.list.replaceChildren(el("p", { class: "problem" }, problem.message));
    }
  }

  page(type, resources) {
    if (resources.length === 0) return el("p", { class: "hint" }, "No resources here.");
    const open = (id) => el("button", { class: "name", type: "button", onclick: () => this.open(type, id) }, id);
    return table(`Resources of ${type}, page ${this.pages.length}`, ["Id", "Locations", "Countries"],
      resources.map((r) => [open(r.id), number(r.locations.length), number(new Set(r.locations.map((l) => l.country).filter(Boolean)).size)]));
  }

  turn(next) {
    const go = (pages) => () => ((this.pages = pages), this.show());
    return el("div", { class: "fields" },
      this.pages.length > 1 ? el("button", { type: "button", onclick: go(this.pages.slice(0, -1)) }, "Previous page") : null,
      next ? el("button", { type: "button", onclick: go([...this.pages, next]) }, "Next page") : null);
  }

  async open(type, id) {
    try {
      const { body } = await ask(path(["v1", "types", type, "resources", id]));
      this.showRecord(body);
    } catch (problem) {
      this.record.replaceChildren(el("p", { class: "problem" }, problem.message));
    }
    this.record.focus();
  }

  showRecord(r) {
    this.map.show(r.locations.map((l) => ({ place: l, sort: "location", words: l.id })));
    const labels = (l) => Object.entries(l.labels ?? {}).map(([k, v]) => `${k}=${v}`).join(" ");
    this.record.replaceChildren(
      el("h3", null, `${r.type}/${r.id}`),
      el("p", { class: "hint" }, `Version ${r.version}`),
      Object.keys(r.attributes).length > 0 ? el("pre", { tabindex: 0 }, JSON.stringify(r.attributes, null, 2)) : "",
      el("p", null, el("button", { type: "button", onclick: () => this.onResolve(r.type, r.id) }, "Resolve it")),
      table(`${r.locations.length} locations`, ["Location", "Country", "Weight", "URL", "Labels"],
        r.locations.map((l) => [l.id, l.country ?? "–", number(l.weight, 2), link(l.url), labels(l)])));
  }
}
