// Questions to the portal's API.

export class Refused extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/** Return the answer to a question, or throw what the portal says about it. */
export async function ask(address, signal) {
  let answer;
  try {
    answer = await fetch(address, { signal, headers: { accept: "application/json" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("the portal does not answer", "is it still running?");
  }
  if (answer.ok) return answer.json();
  const told = await answer.json().catch(() => ({ error: `status ${answer.status}`, hint: "" }));
  throw new Refused(told.error, told.hint);
}

/** Return an address with parameters; those that are null or empty are left out. */
export function address(base, parameters) {
  const url = new URL(base, location.href);
  for (const [name, value] of Object.entries(parameters)) {
    const values = Array.isArray(value) ? value : [value];
    for (const one of values) {
      if (one !== null && one !== undefined && one !== "") url.searchParams.append(name, one);
    }
  }
  return url.pathname + url.search;
}

/** Return an element with properties and children; texts are only ever texts. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("aria-") || key === "role" || key === "scope") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Show in a place what the portal says about something that failed; nothing to clear it. */
export function showFailure(place, error) {
  place.replaceChildren();
  if (!error) return;
  const box = element("div", { className: "failed" }, element("p", {}, visible(error.message)));
  if (error.hint) box.append(element("p", { className: "hint" }, visible(error.hint)));
  place.append(box);
}

// Characters that hide, or turn text around, are written out.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

export function visible(text) {
  return String(text).replace(HIDDEN, (one) => "\\u" + one.codePointAt(0).toString(16).padStart(4, "0"));
}
