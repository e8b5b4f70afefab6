// What a person chose on this browser: how the page looks, never who they are.

const PREFIX = "vasset.";

/** Return a choice that was kept, or null if there is none of those allowed. */
export function kept(name, allowed) {
  try {
    const value = localStorage.getItem(PREFIX + name);
    return allowed.includes(value) ? value : null;
  } catch {
    // Storage is switched off: everything works, only nothing is remembered.
    return null;
  }
}

/** Keep a choice; null forgets it. */
export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // As above.
  }
}
