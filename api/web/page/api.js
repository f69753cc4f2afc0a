// How the page asks its server. Paths are relative to where the page lies, so that it also
// works behind a proxy that adds a path of its own.

const base = new URL("../", location.href);

let token = "";
const onRefused = [];

// useToken has all further requests carry a token. It is kept in memory only.
export function useToken(text) {
  token = text.trim();
}

// whenRefused calls f with the problem when a request lacks a right: status 401 or 403.
export const whenRefused = (f) => onRefused.push(f);

// Problem is an answer of RFC 9457, or that there was none.
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? `the server answers ${status}`);
    this.status = status;
    this.code = body?.code ?? "";
  }
}

// path joins segments and parameters; what is empty is left out.
export function path(segments, parameters) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters ?? {})) {
    if (value !== "" && value !== null && value !== undefined) search.set(name, value);
  }
  const query = search.toString();
  return segments.map(encodeURIComponent).join("/") + (query ? `?${query}` : "");
}

// ask sends one request and returns { status, headers, body }. It throws a Problem.
export async function ask(where, options) {
  const answer = await send(where, options);
  const text = await answer.text();
  const body = text ? JSON.parse(text) : null;
  return { headers: answer.headers, status: answer.status, body };
}

async function send(where, { method = "GET", body, accept = "application/json", signal } = {}) {
  const headers = { Accept: accept };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(new URL(where, base), {
      method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store",
    });
  } catch (err) {
    if (signal?.aborted) throw err;
    throw new Problem(0, { detail: "the server cannot be reached" });
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

async function refusal(answer) {
  const body = await answer.json().catch(() => null);
  const problem = new Problem(answer.status, body);
  if (problem.status === 401 || problem.status === 403) onRefused.forEach((f) => f(problem));
  return problem;
}

// follow reads a stream of server-sent events until it ends or signal aborts it. It is read
// by fetch and not by EventSource, which cannot carry a token.
export async function follow(where, events, signal) {
  const answer = await send(where, { accept: "text/event-stream", signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) tell(block, events);
  }
}

function tell(block, events) {
  let event = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) event = line.slice(7);
    if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  if (data.length > 0) events[event]?.(JSON.parse(data.join("\n")));
}

// pause waits, or ends at once when signal aborts.
export const pause = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
