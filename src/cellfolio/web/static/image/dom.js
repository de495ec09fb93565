// Elements, made without markup in texts: nothing of a name is ever read as HTML.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

let last = 0;

export function freshId(word) {
  last += 1;
  return `${word}-${last}`;
}

// A number for people: whole if it is, else with few digits.
export function told(number) {
  if (number === null || number === undefined) return "–";
  if (!Number.isFinite(number)) return String(number);
  if (Number.isInteger(number)) return number.toLocaleString("en");
  const size = Math.abs(number);
  if (size >= 1000) return number.toLocaleString("en", { maximumFractionDigits: 0 });
  return size >= 0.001 && size < 1e6 ? String(Number(number.toPrecision(4))) : number.toExponential(2);
}
