// What time it is at the server: the clock of this machine may be wrong by hours.

// An answer that took longer says too little about when it was given.
const LONGEST_MS = 4_000;

// The server's time less that of performance.now(), which nobody sets.
let ahead = Date.now() - performance.now();

/** Return the server's time, in milliseconds as of Date.now(). */
export function now() {
  return performance.now() + ahead;
}

/** Learn the time from an answer; `askedAt` is performance.now() of its question. */
export function learnTime(answer, askedAt) {
  const told = Date.parse(answer.headers.get("Date"));
  const took = performance.now() - askedAt;
  if (Number.isNaN(told) || took > LONGEST_MS) return;
  // It is told in whole seconds, some time between question and answer.
  const learned = told + 500 - (askedAt + took / 2);
  // A difference that these leave open is none: nothing that is shown jumps.
  if (Math.abs(learned - ahead) > 500 + took / 2) ahead = learned;
}
