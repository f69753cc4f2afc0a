// The Regions panel: the map as tables, and the drains.

import { el, say, number, seconds, table } from "./dom.js";
import { ask } from "./api.js";
import { stateWords } from "./map.js";

const heads = ["Region", "State", "Lag", "Round trip", "Last word", "Replicas", "Clients"];

export class Regions {
  constructor(host, news) {
    this.news = news;
    this.rows = new Map();
    this.mayDrain = true;
    this.body = el("tbody");
    this.refusal = el("p", { class: "hint", hidden: true });
    this.edges = el("div");
    host.append(
      el("h2", null, "Regions"),
      el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Regions" },
        el("table", { id: "region-table" }, el("caption", null, "Lag: how old what is known here of a region's writes may be at most"),
          el("thead", null, el("tr", null, heads.map((h) => el("th", { scope: "col" }, h)))), this.body)),
      this.refusal, this.edges);
    this.dialog = new Confirmation();
  }

  show(regions) {
    const names = new Set(regions.map((r) => r.name));
    for (const [name, row] of this.rows) if (!names.has(name)) (row.node.remove(), this.rows.delete(name));
    for (const r of regions) this.row(r);
  }

  // row keeps the nodes of a region: what has the focus stays where it is.
  row(r) {
    let row = this.rows.get(r.name);
    if (!row) {
      row = this.newRow(r);
      this.rows.set(r.name, row);
      const after = [...this.rows.keys()].sort().find((name) => name > r.name && this.rows.get(name).node.isConnected);
      this.body.insertBefore(row.node, after ? this.rows.get(after).node : null);
    }
    if (row.state && row.state !== r.state) this.news(`${r.name} is ${stateWords[r.state] ?? r.state}.`);
    row.state = r.state;
    row.sign.dataset.state = r.state;
    const told = [stateWords[r.state] ?? r.state, seconds(r.lag_seconds), r.self ? "here" : r.rtt_ms === undefined ? "–" : `${number(r.rtt_ms)} ms`, r.self ? "here" : seconds(r.silent_seconds), number(r.stores)];
    told.forEach((text, i) => say(row.cells[i], text));
    this.offer(row, r);
  }

  newRow(r) {
    const word = el("span");
    const sign = el("span", { class: "state" }, el("span", { class: "key", "aria-hidden": "true" }), word);
    const cells = [word, ...Array.from({ length: 4 }, () => el("td"))];
    const button = el("button", { class: "small", type: "button", onclick: () => this.turn(r.name) });
    const node = el("tr", null, el("th", { scope: "row" }, r.name), el("td", null, sign), cells.slice(1), el("td", null, button));
    return { node, sign, cells, button };
  }

  offer(row, r) {
    row.drained = r.state === "draining";
    const can = this.mayDrain && (r.state === "live" || row.drained);
    if (row.button.hidden === can) row.button.hidden = !can;
    say(row.button, row.drained ? "Undrain" : "Drain");
    const label = `${row.drained ? "Undrain" : "Drain"} ${r.name}`;
    if (row.button.getAttribute("aria-label") !== label) row.button.setAttribute("aria-label", label);
  }

  async turn(name) {
    const row = this.rows.get(name);
    const verb = row.drained ? "undrain" : "drain";
    const words = row.drained
      ? `Clients are sent to ${name} again.`
      : `Clients are sent to other regions from now on. ${name} keeps its data, its place in the tree, and answers who comes nevertheless.`;
    if (!(await this.dialog.ask(`${row.drained ? "Undrain" : "Drain"} ${name}?`, words, row.drained ? "Undrain" : "Drain"))) return;
    row.button.disabled = true;
    try {
      await ask(`v1/regions/${encodeURIComponent(name)}:${verb}`, { method: "POST" });
      this.news(`Asked: ${verb} ${name}.`);
    } catch (problem) {
      if (problem.status === 401 || problem.status === 403) this.forbid(problem);
      else this.news(`${name} was not ${verb}ed: ${problem.message}`);
    } finally {
      row.button.disabled = false;
      row.button.focus();
    }
  }

  // forbid hides what this user may not do, and says why.
  forbid(problem) {
    this.mayDrain = false;
    for (const row of this.rows.values()) row.button.hidden = true;
    this.refusal.hidden = false;
    say(this.refusal, `You may not drain regions here: ${problem.message}`);
  }

  allow() {
    this.mayDrain = true;
    this.refusal.hidden = true;
  }

  point(name) {
    const row = this.rows.get(name);
    for (const r of this.rows.values()) r.node.classList.toggle("pointed", r === row);
    row?.node.scrollIntoView({ block: "nearest" });
    if (row && !row.button.hidden) row.button.focus();
  }

  showEdges(t) {
    const kept = t.edges.filter((e) => e.tree || e.provisional);
    const cells = (e) => [`${e.a} – ${e.b}`, `${number(e.cost_ms, 1)} ms`, e.tree ? "tree" : e.provisional ? "provisional" : "only measured"];
    const cheap = (a, b) => a.cost_ms - b.cost_ms;
    const open = this.edges.querySelector("details")?.open;
    const focus = this.edges.contains(document.activeElement);
    if (focus) return; // it would go with what is replaced
    const others = t.edges.filter((e) => !e.tree && !e.provisional).sort(cheap);
    this.edges.replaceChildren(
      table("The tree: edges and what a round trip over each costs", ["Edge", "Cost", "Part of"], kept.sort(cheap).map(cells)),
      others.length > 0 ? el("details", { open }, el("summary", null, `${others.length} pairs that are only measured`), table("Pairs outside the tree", ["Pair", "Cost", "Part of"], others.map(cells))) : "");
  }
}

// Confirmation asks before something is done. Escape and Cancel are no.
class Confirmation {
  constructor() {
    this.title = el("h2", { id: "confirm-title" });
    this.words = el("p", { id: "confirm-words" });
    this.yes = el("button", { class: "main", type: "button", value: "yes", onclick: () => this.node.close("yes") });
    const no = el("button", { type: "button", autofocus: true, onclick: () => this.node.close("") }, "Cancel");
    this.node = el("dialog", { "aria-labelledby": "confirm-title", "aria-describedby": "confirm-words" }, this.title, this.words, el("div", { class: "fields" }, no, this.yes));
    document.body.append(this.node);
  }

  ask(title, words, yes) {
    say(this.title, title);
    say(this.words, words);
    say(this.yes, yes);
    this.node.returnValue = "";
    this.node.showModal();
    return new Promise((resolve) => this.node.addEventListener("close", () => resolve(this.node.returnValue === "yes"), { once: true }));
  }
}
