// What the values of a column are like: a histogram, quantiles, the most frequent values.

import { element, visible } from "./asking.js";
import { numberText } from "./grid.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 96;

/** Draw the summary of a column. `told`: {filter(name, operator, value), close()}. */
export function drawSummary(place, facts, told) {
  const close = element("button", { type: "button", className: "plain close", "aria-label": "Close the summary" }, "✕");
  close.addEventListener("click", told.close);
  const kind = facts.unit ? `${facts.kind}, ${visible(facts.unit)}` : facts.kind;
  place.replaceChildren(close, element("h2", {}, visible(facts.name)), element("p", { className: "facts" }, kind));
  if (facts.bars.length) place.append(histogram(facts), quantiles(facts));
  place.append(numbers(facts));
  if (facts.top.length) place.append(frequent(facts, told));
  place.hidden = false;
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function histogram(facts) {
  const most = Math.max(...facts.bars, 1);
  const low = facts.edges[0];
  const span = facts.edges.at(-1) - low || 1;
  const picture = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
    "aria-label": `Histogram from ${numberText(facts.lowest)} to ${numberText(facts.highest)}` });
  facts.bars.forEach((count, at) => {
    const left = facts.bars.length === 1 ? 0 : ((facts.edges[at] - low) / span) * WIDTH;
    const right = facts.bars.length === 1 ? WIDTH : ((facts.edges[at + 1] - low) / span) * WIDTH;
    const height = count ? Math.max(1, (count / most) * (HEIGHT - 2)) : 0;
    const bar = shape("rect", { x: left + 0.5, y: HEIGHT - height, width: Math.max(0.5, right - left - 1), height });
    const words = shape("title", {});
    words.textContent = `${numberText(facts.edges[at])} to ${numberText(facts.edges[at + 1] ?? facts.highest)}: ${count.toLocaleString("en")}`;
    bar.append(words);
    picture.append(bar);
  });
  return element("figure", { className: "histogram" }, picture,
    element("figcaption", {}, element("span", {}, numberText(facts.lowest)), element("span", {}, numberText(facts.highest))));
}

// A box from the first to the third quartile, its middle, and lines to the outer quantiles.
function quantiles(facts) {
  const span = facts.highest - facts.lowest || 1;
  const at = (value) => ((value - facts.lowest) / span) * (WIDTH - 2) + 1;
  const [lower, first, middle, third, upper] = facts.quantiles.map((pair) => at(pair[1]));
  const words = facts.quantiles.map(([share, value]) => `${share * 100} %: ${numberText(value)}`).join(", ");
  const picture = shape("svg", { viewBox: `0 0 ${WIDTH} 16`, role: "img", "aria-label": `Quantiles. ${words}` });
  if ([lower, upper].every(Number.isFinite)) {
    picture.append(
      shape("line", { x1: lower, x2: upper, y1: 8, y2: 8, class: "whisker" }),
      shape("rect", { x: first, y: 2, width: Math.max(1, third - first), height: 12, class: "box" }),
      shape("line", { x1: middle, x2: middle, y1: 1, y2: 15, class: "middle" }),
    );
  }
  return element("figure", { className: "quantiles" }, picture);
}

function numbers(facts) {
  const list = element("dl");
  const add = (name, value) => {
    if (value === null || value === undefined) return;
    list.append(element("dt", {}, name), element("dd", {}, typeof value === "number" ? String(numberText(value)) : value));
  };
  add("Values", facts.count.toLocaleString("en"));
  add("Missing", facts.missing.toLocaleString("en"));
  add("Different", facts.distinct?.toLocaleString("en"));
  add("Mean", facts.mean);
  add("Standard deviation", facts.deviation);
  for (const [share, value] of facts.quantiles) add(share === 0.5 ? "Median" : `${share * 100} %`, value);
  return list;
}

function frequent(facts, told) {
  const most = facts.top[0][1];
  const list = element("ul", { className: "frequent" });
  for (const [value, count] of facts.top) {
    const bar = shape("svg", { viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" });
    bar.append(shape("rect", { x: 0, y: 0, width: (count / most) * 100, height: 4 }));
    const button = element("button", { type: "button", className: "plain", title: "Show only these rows" },
      element("span", {}, visible(value) || "(empty text)"), element("span", { className: "dim" }, count.toLocaleString("en")));
    button.addEventListener("click", () => told.filter(facts.name, "=", value));
    list.append(element("li", {}, button, bar));
  }
  return element("section", {}, element("h3", {}, "Most frequent"), list);
}
