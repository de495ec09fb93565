// Questions to the portal's API, and what is shown where one fails.

export async function fetchJson(address) {
  const answer = await fetch(address);
  const found = await answer.json().catch(() => ({ error: `the portal answered ${answer.status}` }));
  if (!answer.ok) throw Object.assign(new Error(found.error), { hint: found.hint });
  return found;
}

export async function fetchBytes(address) {
  const answer = await fetch(address);
  if (!answer.ok) {
    const found = await answer.json().catch(() => ({ error: `the portal answered ${answer.status}` }));
    throw Object.assign(new Error(found.error), { hint: found.hint });
  }
  return answer.arrayBuffer();
}

export function showFailure(place, error) {
  const box = document.createElement("div");
  box.className = "failed";
  box.setAttribute("role", "alert");
  for (const [text, name] of [[error.message, ""], [error.hint, "hint"]]) {
    if (!text) continue;
    const line = document.createElement("p");
    line.textContent = text;
    if (name) line.className = name;
    box.append(line);
  }
  place.replaceChildren(box);
}

// An element with a class and children; texts are texts, never markup.
export function make(tag, { name = "", text, ...attributes } = {}, ...children) {
  const found = document.createElement(tag);
  if (name) found.className = name;
  if (text !== undefined) found.textContent = text;
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  found.append(...children);
  return found;
}
