// The API: one request and its answer, or a refusal that can be put into words.

import { addressOf } from "./place.js";
import { accessToken, forget, refuse } from "./session.js";
import { learnTime } from "./time.js";

/** The server said no, or could not be reached (status 0, code "offline"). */
export class RefusedError extends Error {
  constructor(problem, retryAfterS = null) {
    super(problem.detail ?? problem.code);
    this.status = problem.status ?? 0;
    this.code = problem.code ?? "internal";
    this.errors = problem.errors ?? [];
    this.quota = problem.quota ?? null;
    this.groups = problem.groups ?? null;
    this.retryAfterS = retryAfterS;
  }
}

/** Return the answer of GET. */
export function get(path, query = {}, options = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== "");
  const search = new URLSearchParams(given).toString();
  return call("GET", search ? `${path}?${search}` : path, options);
}

/** Return the answer of a request that may carry a body, headers and a signal. */
export async function call(method, path, options = {}) {
  const token = await tokenOrRefusal();
  let answer = await send(method, path, token, options);
  if (answer.status === 401) {
    refuse(token);
    answer = await send(method, path, await tokenOrRefusal(), options);
    if (answer.status === 401) forget();
  }
  return read(answer);
}

/** Return the answer of a request that nobody need be signed in for. */
export async function callPublic(method, path, body) {
  return read(await send(method, path, null, { body }));
}

/** Return the refusal that an answer is. */
export async function refusalOf(answer) {
  const isProblem = answer.headers.get("Content-Type")?.startsWith("application/problem+json");
  const problem = isProblem ? await answer.json() : { status: answer.status, code: "internal" };
  const after = Number(answer.headers.get("Retry-After"));
  return new RefusedError(problem, after || null);
}

async function tokenOrRefusal() {
  let token = null;
  try {
    token = await accessToken();
  } catch (error) {
    throw offline(error);
  }
  if (token === null) throw new RefusedError({ status: 401, code: "unauthorized" });
  return token;
}

async function send(method, path, token, { body, headers = {}, signal, keepalive } = {}) {
  const all = { Accept: "application/json", ...headers };
  if (token !== null) all.Authorization = `Bearer ${token}`;
  if (body !== undefined) all["Content-Type"] = "application/json";
  const askedAt = performance.now();
  try {
    const answer = await fetch(addressOf(`/api/v1${path}`), {
      method,
      headers: all,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      keepalive,
      credentials: "omit",
    });
    learnTime(answer, askedAt);
    return answer;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw offline(error);
  }
}

async function read(answer) {
  if (!answer.ok) throw await refusalOf(answer);
  return answer.status === 204 ? null : answer.json();
}

function offline(error) {
  return error instanceof TypeError ? new RefusedError({ code: "offline" }) : error;
}
