// The planet as the server knows it, live.

import { follow, ask, pause } from "./api.js";
import { say, number } from "./dom.js";

const patience = 6000; // the planet is told of every second

// Planet follows the topology and tells its listeners: "topology" and "regions".
export class Planet extends EventTarget {
  topology = null;
  regions = [];

  async run() {
    for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
      try {
        await this.once(() => (wait = 500));
        this.state("lost", "connection lost; trying again");
      } catch (problem) {
        if (problem.status === 501) return this.alone();
        this.state("lost", problem.status ? problem.message : "no connection; trying again");
      }
      await pause(wait);
    }
  }

  // once follows one stream. A stream that is silent for too long is broken.
  async once(alive) {
    const silent = new AbortController();
    let timer;
    const heard = (name, take) => (body) => {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), patience);
      alive();
      take(body);
      this.state("live", `live from ${this.self()?.name ?? "a region"}`);
      this.dispatchEvent(new Event(name));
    };
    timer = setTimeout(() => silent.abort(), patience);
    try {
      await follow("v1/topology?watch=1", {
        topology: heard("topology", (t) => (this.topology = t)),
        regions: heard("regions", (r) => (this.regions = r.regions)),
      }, silent.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  // alone shows a server that is part of no planet.
  async alone() {
    const { body } = await ask("v1/status");
    this.regions = [{ name: body.region, state: "live", self: true, servers: [], stores: 1, lag_seconds: 0 }];
    this.state("live", `${body.region}, a region by itself`);
    this.dispatchEvent(new Event("regions"));
  }

  self() {
    return this.regions.find((r) => r.self);
  }

  state(mark, words) {
    document.getElementById("live").dataset.state = mark;
    say(document.getElementById("live-text"), words);
  }
}

// treeLine says in one line how the tree is.
export function treeLine(t) {
  const edges = t.edges.filter((e) => e.tree).length;
  if (!t.epoch) return t.running ? `The first tree is being built: ${t.running}.` : "There is no tree yet.";
  const parts = [`Tree ${t.epoch}: ${edges} edges, ${number(t.weight_ms)} ms in all`];
  if (t.running) parts.push(`${t.running} is being built`);
  else if (t.due) parts.push(`another one is due (${t.due})`);
  return `${parts.join("; ")}.`;
}
