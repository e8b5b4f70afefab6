// Where this server is: under the root of its name, or under a path of a proxy in front of it.

// This file is at {place}/page/{digest}/place.js.
const place = new URL("../../", import.meta.url);

/** Return the full address of something of this server: addressOf("/session"). */
export function addressOf(path) {
  return new URL(`.${path}`, place);
}
