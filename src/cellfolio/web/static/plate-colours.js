// Colours of values, and the legend that tells them.

const mix = (colours, share) => {
  const at = Math.min(Math.max(share, 0), 1) * (colours.length - 1);
  const first = Math.floor(at);
  const second = Math.min(first + 1, colours.length - 1);
  const part = at - first;
  const read = (text, start) => parseInt(text.slice(start, start + 2), 16);
  const parts = [1, 3, 5].map((start) =>
    Math.round(read(colours[first], start) * (1 - part) + read(colours[second], start) * part));
  return `rgb(${parts.join(" ")})`;
};

export const told = (value) =>
  typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)).toString() : String(value);

const share = (scale, value) => scale.logarithmic
  ? Math.log(value / scale.low) / Math.log(scale.high / scale.low)
  : (value - scale.low) / (scale.high - scale.low);

export const colouring = (scale) => {
  if (scale.kind === "categories") {
    const known = new Map(scale.categories.map((one) => [one.name, one]));
    return (value) => known.get(pythonText(value)) ?? { colour: scale.other_colour, mark: "" };
  }
  if (scale.kind === "none") return () => ({ colour: "none", mark: "" });
  return (value) => ({
    // A logarithmic scale has no place for 0, which the legend tells.
    colour: scale.logarithmic && value <= 0 ? "#9a9a9a" : mix(scale.colours, share(scale, value)),
    mark: "",
  });
};

// Categories are called by what Python's str says of a value.
const pythonText = (value) => {
  if (value === true) return "True";
  if (value === false) return "False";
  return String(value);
};

const swatch = (colour, mark = "", kind = "value") => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  made.setAttribute("viewBox", "0 0 14 14");
  made.setAttribute("width", "14");
  made.setAttribute("height", "14");
  made.setAttribute("aria-hidden", "true");
  made.setAttribute("class", `swatch ${kind}`);
  const body = document.createElementNS(made.namespaceURI, "rect");
  for (const name of ["x", "y"]) body.setAttribute(name, "1");
  for (const name of ["width", "height"]) body.setAttribute(name, "12");
  body.setAttribute("rx", "2");
  if (kind === "value") body.setAttribute("fill", colour);
  made.append(body);
  if (mark || kind === "absent" || kind === "control") {
    const sign = document.createElementNS(made.namespaceURI, "path");
    const shapes = { o: "M4.4 7a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0 -5.2 0", s: "M4.6 4.6h4.8v4.8h-4.8z" };
    const signs = { absent: "M4.5 4.5l5 5m0 -5l-5 5", control: "M2 2h6l-6 6z" };
    sign.setAttribute("d", shapes[mark] ?? signs[kind]);
    sign.setAttribute("class", kind === "absent" ? "cross" : kind === "control" ? "control" : "mark");
    made.append(sign);
  }
  return made;
};

const entry = (picture, text) => {
  const made = document.createElement("li");
  const words = document.createElement("span");
  words.textContent = text;
  made.append(picture, words);
  return made;
};

const bar = (scale) => {
  const space = "http://www.w3.org/2000/svg";
  const made = document.createElementNS(space, "svg");
  made.setAttribute("viewBox", `0 0 ${scale.colours.length} 1`);
  made.setAttribute("preserveAspectRatio", "none");
  made.setAttribute("class", "scale");
  made.setAttribute("aria-hidden", "true");
  scale.colours.forEach((colour, at) => {
    const step = document.createElementNS(space, "rect");
    for (const [name, value] of Object.entries({ x: at, width: 1.05, height: 1, fill: colour }))
      step.setAttribute(name, value);
    made.append(step);
  });
  return made;
};

const ends = (scale) => {
  const line = document.createElement("p");
  line.className = "ends";
  const middle = scale.logarithmic
    ? Math.sqrt(scale.low * scale.high)
    : (scale.low + scale.high) / 2;
  for (const value of [scale.low, middle, scale.high]) {
    const word = document.createElement("span");
    word.textContent = told(Number(value.toPrecision(3)));
    line.append(word);
  }
  return line;
};

export const drawLegend = (place, answer, counts) => {
  const { scale } = answer;
  const title = document.createElement("p");
  title.className = "legend-title";
  title.textContent = answer.colour.replace(/^Metadata_/, "");
  const list = document.createElement("ul");
  const parts = [title];
  if (scale.kind === "categories") {
    for (const one of scale.categories)
      list.append(entry(swatch(one.colour, one.mark), `${one.name} (${one.wells})`));
    if (scale.others) list.append(entry(swatch(scale.other_colour), `${scale.others} others (${scale.other_wells})`));
  } else if (scale.kind === "numbers") {
    parts.push(bar(scale), ends(scale));
    const beyond = [];
    if (scale.below) beyond.push(`${scale.below} below, down to ${told(scale.lowest)}`);
    if (scale.above) beyond.push(`${scale.above} above, up to ${told(scale.highest)}`);
    if (scale.logarithmic) beyond.push("logarithmic");
    if (beyond.length) {
      const line = document.createElement("p");
      line.className = "hint";
      line.textContent = beyond.join(" · ");
      parts.push(line);
    }
    if (scale.logarithmic && counts.zeros) list.append(entry(swatch("#9a9a9a"), `0 (${counts.zeros})`));
  }
  if (counts.controls) list.append(entry(swatch("", "", "control"), `negative control (${counts.controls})`));
  if (counts.empty) list.append(entry(swatch("", "", "empty"), `no value (${counts.empty})`));
  if (counts.absent) list.append(entry(swatch("", "", "absent"), `no well (${counts.absent})`));
  place.replaceChildren(...parts, list);
};

export const drawChannels = (place, facts, absent) => {
  const unread = facts.waiting === Object.keys(facts.sites).length;
  const list = document.createElement("ul");
  for (const one of facts.channels) {
    const colour = NAMED[one.colour] ?? one.colour;
    const limits = unread ? "" : `: ${told(one.low)} to ${told(one.high)}`;
    list.append(entry(swatch(colour), `${one.name}${limits}`));
  }
  if (absent) list.append(entry(swatch("", "", "absent"), `no image (${absent})`));
  const failed = Object.entries(facts.failures);
  const title = document.createElement("p");
  title.className = "legend-title";
  title.textContent = "Channels, black to white, the same for all wells";
  const parts = [title, list];
  if (failed.length) {
    const line = document.createElement("p");
    line.className = "failed";
    line.textContent = `Not read: ${failed.map(([well, why]) => `${well}, ${why}`).slice(0, 3).join("; ")}`;
    parts.push(line);
  }
  place.replaceChildren(...parts);
};

// As `cellfolio.imaging.colours.NAMED` has them.
const NAMED = {
  blue: "#3d7bff", cyan: "#2fd6ff", green: "#00d695", yellow: "#ffe83d", orange: "#ff9500",
  red: "#ff3b30", magenta: "#ff4fc3", grey: "#ffffff",
};
