// The Resolve panel: asks as a client would, and shows why the answer is as it is.

import { el, field, link, number, seconds, table } from "./dom.js";
import { ask, path } from "./api.js";

export class Resolve {
  constructor(host, map) {
    this.map = map;
    this.type = el("input", { id: "r-type", required: true, autocomplete: "off", spellcheck: "false", list: "types" });
    this.id = el("input", { id: "r-id", required: true, autocomplete: "off", spellcheck: "false" });
    this.ip = el("input", { id: "r-ip", autocomplete: "off", spellcheck: "false", inputmode: "text", oninput: () => this.only(this.ip) });
    this.lat = el("input", { id: "r-lat", type: "number", min: -90, max: 90, step: "any", oninput: () => this.only(this.lat) });
    this.lon = el("input", { id: "r-lon", type: "number", min: -180, max: 180, step: "any", oninput: () => this.only(this.lon) });
    this.region = el("select", { id: "r-region" }, el("option", { value: "" }, "the one asked"));
    this.out = el("div", { "aria-live": "polite" });
    host.append(
      el("h2", null, "Where is a resource, for whom?"),
      el("form", { onsubmit: (e) => (e.preventDefault(), this.run()) },
        el("div", { class: "fields" }, field("Type", this.type), field("Id", this.id), field("Answering region", this.region)),
        el("div", { class: "fields" }, field("Client's address", this.ip, "IPv4 or IPv6"), field("or latitude", this.lat), field("longitude", this.lon)),
        el("p", { class: "hint" }, "A click on the map is a place, too. Left empty, the client is this browser."),
        el("button", { class: "main" }, "Resolve")),
      this.out);
  }

  // only keeps the client's address and his coordinates from contradicting each other.
  only(input) {
    if (input === this.ip && this.ip.value) this.lat.value = this.lon.value = "";
    else if (input !== this.ip && input.value) this.ip.value = "";
  }

  showRegions(regions) {
    const chosen = this.region.value;
    const names = regions.map((r) => r.name);
    if (names.join() === this.names) return;
    this.names = names.join();
    this.region.replaceChildren(el("option", { value: "" }, "the one asked"), ...names.map((n) => el("option", { value: n }, n)));
    this.region.value = names.includes(chosen) ? chosen : "";
  }

  fill(type, id) {
    this.type.value = type;
    this.id.value = id;
  }

  at({ lat, lon }) {
    this.ip.value = "";
    this.lat.value = lat.toFixed(2);
    this.lon.value = lon.toFixed(2);
    if (this.type.value && this.id.value) this.run();
    else this.map.show([{ place: { lat, lon }, sort: "client", words: "the client" }]);
  }

  async run() {
    this.running?.abort();
    const { signal } = (this.running = new AbortController());
    const client = { ip: this.ip.value.trim(), lat: this.lat.value, lon: this.lon.value };
    this.out.replaceChildren(el("p", { class: "hint" }, "Asking …"));
    try {
      const [place, answer] = await Promise.all([
        ask(path(["v1", "place"], client), { signal }),
        ask(path(["v1", "resolve", this.type.value.trim(), this.id.value], { ...client, region: this.region.value, limit: 10, explain: 1, redirect: 0 }), { signal }),
      ]);
      this.show(place.body, answer.body);
    } catch (problem) {
      if (signal.aborted) return;
      this.map.show([]);
      this.out.replaceChildren(el("p", { class: "problem" }, problem.message));
    }
  }

  show(place, answer) {
    const where = place.client;
    this.map.show([
      { place: where, sort: "client", words: "the client" },
      ...answer.locations.map((l, i) => ({ place: l, sort: "location", words: `${i + 1}. ${l.id}`, text: String(i + 1) })),
    ]);
    this.out.replaceChildren(
      el("p", { id: "placed" }, placed(where)),
      el("p", null, `${answer.served_by.region} answers (${answer.served_by.node}); what it knows is at most ${seconds(answer.staleness_seconds)} old${answer.degraded ? ", with a region left out" : ""}.`),
      locations(answer), hops(answer.explain.hops), order(place.regions), candidates(answer.explain.candidates));
  }
}

function placed(c) {
  const by = [c.method, c.source, c.network].filter(Boolean).join(", ");
  if (c.lat === undefined) return `Nobody knows where the client is (${by}): distance plays no part.`;
  return `The client${c.address ? ` ${c.address}` : ""} is placed at ${number(c.lat, 2)}, ${number(c.lon, 2)}${c.country ? ` in ${c.country}` : ""} (${by}).`;
}

const km = (v) => (v === undefined ? "–" : `${number(v)} km`);

function locations(answer) {
  if (answer.locations.length === 0) return el("p", { class: "problem" }, "All locations are left out; the candidates say why.");
  return table("The locations, best first", ["", "Location", "Country", "Distance", "Health", "Score", "URL"],
    answer.locations.map((l, i) => [String(i + 1), l.id, l.country ?? "–", km(l.distance_km), l.state, number(l.score, 1), link(l.url)]));
}

const hops = (list) => table("The way of the question: each hop's time holds those below it", ["Hop", "Who", "Time"], list.map((h) => [h.role, h.name, seconds(h.seconds)]));

const order = (list) => table("The order of regions for this client", ["Region", "State", "Distance", "Expected round trip", "Known by", "Left out"],
  list.map((r) => [r.region, r.state, km(r.distance_km), `${number(r.terms.rtt_ms)} ms${r.terms.bias_ms ? ` ${r.terms.bias_ms > 0 ? "+" : "−"} ${number(Math.abs(r.terms.bias_ms))} ms bias` : ""}`, r.terms.by, r.excluded ?? ""]));

const shownCandidates = 100;

function candidates(list) {
  const terms = (t) => Object.entries(t ?? {}).map(([k, v]) => `${k} ${typeof v === "number" ? number(v, Number.isInteger(v) ? 0 : 2) : v}`).join(", ");
  const rows = list.slice(0, shownCandidates).map((c) => [c.id, km(c.distance_km), number(c.score, 1), terms(c.terms), c.excluded ?? "chosen"]);
  const more = list.length > shownCandidates ? `, the first ${shownCandidates} shown` : "";
  return el("details", null, el("summary", null, `Why this order: ${list.length} candidates${more}`), table("Every candidate, with the terms of its score", ["Location", "Distance", "Score", "Terms", "Left out"], rows));
}
