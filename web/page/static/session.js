// Who is signed in. The access token lives in this module alone and for minutes; what renews it
// is a cookie that no script can read. Source: docs/decisions/0022-page.md.

import { addressOf } from "./place.js";
import { learnTime } from "./time.js";

/** Tells "begun", and "ended" with whether it was ended by hand, here, in `detail`. */
export const session = new EventTarget();

// Renewed a little before it ends, so that no request meets an ended one.
const EARLY_S = 45;

// Every tab of this browser has the same session: what one does, the others look at.
const tabs = new BroadcastChannel("vasset.session");

let token = null;
let endsAt = 0;
let renewing = null;

/** The account that is signed in, or null. */
export let user = null;

/** Return an access token, renewed if need be; null if nobody is signed in. */
export async function accessToken() {
  if (token !== null && performance.now() < endsAt) return token;
  await renew();
  return token;
}

/** Forget a token that the server refused, if it is still the one in use. */
export function refuse(refused) {
  if (token === refused) endsAt = 0;
}

/** Ask for a new access token; all who ask meanwhile wait for the same answer. */
export function renew() {
  renewing ??= exchange("POST", "/session/renew").then(take).finally(() => {
    renewing = null;
  });
  return renewing;
}

/** Sign in; return the refusal, or null. */
export async function signIn(email, password) {
  const answer = await exchange("POST", "/session", { email, password });
  if (!answer.ok) return answer;
  await take(answer);
  tabs.postMessage("changed");
  return null;
}

/** Sign this browser out, in all its tabs. */
export async function signOut() {
  await exchange("DELETE", "/session");
  tabs.postMessage("changed");
  forget(true);
}

/** Forget the session here: its account's tokens have ended. */
export function forget(isByHand = false) {
  const was = user;
  token = null;
  user = null;
  if (was !== null) session.dispatchEvent(new CustomEvent("ended", { detail: isByHand }));
}

async function exchange(method, path, body) {
  const askedAt = performance.now();
  const answer = await fetch(addressOf(path), {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  learnTime(answer, askedAt);
  return answer;
}

async function take(answer) {
  if (answer.status === 204) {
    forget();
    return;
  }
  // Busy or away: whoever asks next tries again.
  if (!answer.ok) throw new TypeError(`no session for now: ${answer.status}`);
  const given = await answer.json();
  token = given.access_token;
  endsAt = performance.now() + Math.max(1, given.expires_in - EARLY_S) * 1000;
  const isAnother = user?.user_id !== given.user.user_id;
  user = given.user;
  if (isAnother) session.dispatchEvent(new Event("begun"));
}

tabs.addEventListener("message", () => {
  renew().catch(() => {});
});
