// What colours mean: classes with counts, to be hidden or selected, or a bar of numbers.

import { make } from "./asking.js";
import { numberText } from "./scatter_axes.js";
import { classColour, KNOWN, missingColour, rampColour, UNKNOWN } from "./scatter_palette.js";

const LINES = 60;

export function showLegend(page, colours) {
  const place = page.part("legend");
  if (!colours) {
    place.replaceChildren(make("p", { name: "dim", text: "One colour for all rows." }));
    return;
  }
  const title = make("h2", { text: colours.name.replace(/^Metadata_/, "") });
  place.replaceChildren(title, ...(colours.kind === "number" ? bar(page, colours) : [classes(page, colours)]));
}

document.documentElement.addEventListener("theme", () => {
  for (const root of document.querySelectorAll("[data-scatter]")) {
    if (root.page?.shownColours) showLegend(root.page, root.page.shownColours);
  }
});

function classes(page, colours) {
  const list = make("ul", { name: "classes", "aria-label": `Classes of ${colours.name}` });
  colours.names.slice(0, LINES).forEach((name, code) => {
    list.append(line(page, colours, { code, name, text: name, count: colours.counts[code], colour: classColour(code) }));
  });
  if (colours.missing) {
    list.append(line(page, colours, { code: colours.missingCode, name: UNKNOWN, text: "not known", count: colours.missing, colour: missingColour() }));
  }
  const more = colours.classes - Math.min(LINES, colours.names.length);
  if (more > 0) list.append(make("li", { name: "dim more", text: `… and ${more.toLocaleString("en")} more classes` }));
  if (colours.classes > KNOWN) list.append(make("li", { name: "dim more", text: `The ${KNOWN} largest have a colour.` }));
  return list;
}

function line(page, colours, { code, name, text, count, colour }) {
  const shown = !page.scatter.hidden.has(code);
  const mark = make("span", { name: "mark", "aria-hidden": "true" });
  mark.style.background = colour;
  const told = make("button", { type: "button", name: "plain class", "aria-pressed": String(shown), title: shown ? "Hide these rows" : "Show these rows" },
    mark, make("span", { name: "called", text: text || "(no text)" }), make("span", { name: "count", text: count.toLocaleString("en") }));
  told.addEventListener("click", () => toggle(page, colours, name));
  const chosen = make("button", { type: "button", name: "plain select", "aria-label": `Select ${text || "rows without text"}`, title: "Select these rows", text: "◎" });
  chosen.addEventListener("click", () => page.selection.chooseClass(name, code));
  return make("li", {}, told, chosen);
}

function toggle(page, colours, name) {
  const hidden = new Set(page.state.hide);
  if (!hidden.delete(name)) hidden.add(name);
  page.state.hide = [...hidden];
  page.keep();
  page.scatter.hide(page.hiddenCodes(colours));
  const place = page.part("legend");
  const at = [...place.querySelectorAll("button")].indexOf(document.activeElement);
  showLegend(page, colours);
  if (at >= 0) place.querySelectorAll("button")[at]?.focus();
}

function bar(page, colours) {
  const canvas = make("canvas", { name: "ramp", width: "256", height: "14", role: "img", "aria-label": "Colours from low to high" });
  const context = canvas.getContext("2d");
  for (let at = 0; at < 256; at += 1) {
    context.fillStyle = rampColour(at / 255);
    context.fillRect(at, 0, 1, 14);
  }
  const limits = page.limitsOf(colours);
  const fields = make("div", { name: "limits" }, limit(page, colours, "low", limits[0]), limit(page, colours, "high", limits[1]));
  const told = `Values lie from ${numberText(colours.span[0])} to ${numberText(colours.span[1])}.`;
  const parts = [canvas, fields, make("p", { name: "dim", text: told })];
  if (colours.missing) parts.push(make("p", { name: "dim", text: `${colours.missing.toLocaleString("en")} rows have no value; they are grey.` }));
  return parts;
}

function limit(page, colours, name, value) {
  const field = make("input", { type: "number", step: "any", value: String(Number(value.toPrecision(4))), "aria-label": name === "low" ? "Lowest colour at" : "Highest colour at" });
  field.addEventListener("change", () => {
    page.state[name] = field.value === "" ? "" : field.value;
    page.keep();
    page.scatter.setLimits(page.limitsOf(colours));
  });
  return field;
}
