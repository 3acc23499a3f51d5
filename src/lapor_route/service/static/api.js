/** The HTTP API: one function an endpoint, every failure an `ApiError`. */

const LONGEST_WAIT_MS = 30_000;
const DEFAULT_RETRY_SECONDS = 5;

/** A request that failed: by a problem document (RFC 9457), or without an answer (`status` 0). */
export class ApiError extends Error {
  constructor({ status = 0, code, detail = "", errors = [], retryAfter = DEFAULT_RETRY_SECONDS }) {
    super(detail || code);
    Object.assign(this, { status, code, detail, errors, retryAfter });
  }

  /** Whether the same request may succeed after `retryAfter` seconds. */
  get passes() {
    return ["overloaded", "rate_limited", "unavailable"].includes(this.code);
  }
}

let askForKey = async () => false;
let readKey = () => "";

/**
 * Says where API keys come from.
 *
 * @param {() => string} read The key, or nothing.
 * @param {() => Promise<boolean>} ask Asks the officer for one; false where they'd rather not.
 */
export function useKeys(read, ask) {
  readKey = read;
  askForKey = ask;
}

export const route = (complaint) => send("POST", "v1/route", { body: complaint });
export const giveFeedback = (feedback) => send("POST", "v1/feedback", { body: feedback });
export const takeNext = (officer) => send("POST", "v1/queue/next", { body: { officer } });
export const skip = (record, officer) => send("POST", "v1/queue/skip", { body: { record, officer } });
export const waiting = () => send("GET", "v1/queue", { quiet: true });
export const info = () => send("GET", "v1/info", { quiet: true });
export const allBodies = () => send("GET", "v1/bodies", { quiet: true });
export const findBodies = (words, limit, signal) =>
  send("GET", `v1/bodies?${new URLSearchParams({ q: words, limit })}`, { signal });
export const statistics = (days) => send("GET", `v1/statistics?${new URLSearchParams({ days })}`);

/**
 * Sends one request; a missing key is asked for, unless the request is `quiet` (the officer didn't ask for it).
 *
 * @returns {Promise<{data: any, record: string|null}>} The answer, and the id of the record that it was stored as.
 */
async function send(method, path, { body, signal, quiet = false } = {}) {
  for (;;) {
    const key = readKey();
    try {
      return await once(method, path, body, signal, key);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "unauthorized" || quiet) throw error;
      const changed = readKey() !== key || (await askForKey());
      if (!changed) throw error;
    }
  }
}

async function once(method, path, body, signal, key) {
  const headers = { Accept: "application/json" };
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const timeout = AbortSignal.timeout(LONGEST_WAIT_MS);
  let response;
  let text;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? eitherOf(signal, timeout) : timeout,
      cache: method === "GET" ? "no-cache" : "default",
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError({ code: timeout.aborted ? "deadline" : navigator.onLine ? "unreachable" : "offline" });
  }
  if (!response.ok) throw problemOf(response, text);
  return { data: text ? parsed(text) : null, record: response.headers.get("Lapor-Record") };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError({ code: "unreachable", detail: "the answer isn't JSON" });
  }
}

function problemOf(response, text) {
  let problem = {};
  try {
    problem = JSON.parse(text) ?? {};
  } catch {
    // A proxy in between answers in HTML; its status is all there is to know.
  }
  const seconds = Number(response.headers.get("Retry-After"));
  return new ApiError({
    status: response.status,
    code: problem.code ?? codeOf(response.status),
    detail: problem.detail ?? "",
    errors: Array.isArray(problem.errors) ? problem.errors : [],
    retryAfter: seconds > 0 ? seconds : DEFAULT_RETRY_SECONDS,
  });
}

function codeOf(status) {
  if (status === 401) return "unauthorized";
  if (status === 413) return "too_large";
  if (status === 429) return "rate_limited";
  return status === 502 || status === 503 || status === 504 ? "unavailable" : "internal";
}

/** `AbortSignal.any`, which browsers of 2022 lack. */
function eitherOf(...signals) {
  if (AbortSignal.any) return AbortSignal.any(signals);
  const both = new AbortController();
  for (const signal of signals) signal.addEventListener("abort", () => both.abort(), { once: true });
  return both.signal;
}
