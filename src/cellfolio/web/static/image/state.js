// What of an image is seen, and how: one value, which viewers may share and addresses hold.

export const MOST_SHOWN = 8;

const empty = () => ({
  z: null, // null: the middle one
  t: 0,
  project: false,
  gamma: 1,
  camera: null, // null: all of the image
  opacity: 0.9,
  channels: {}, // number -> {on, colour, low, high}, as far as they differ from the first view
  layers: {}, // number -> {on}
  object: null, // {layer, label, viewer}
});

export class ViewState extends EventTarget {
  constructor(query = "") {
    super();
    this.value = { ...empty(), ...readQuery(query) };
    this.auto = new Map(); // channel -> contrast that was found, where none was set
    this.viewers = 0; // that share this state; the first has the controls
    this.panel = null; // where the controls are
  }

  set(patch, source = null) {
    this.value = { ...this.value, ...patch };
    this.dispatchEvent(new CustomEvent("change", { detail: { patch, source } }));
  }

  setChannel(number, patch) {
    const channels = { ...this.value.channels };
    channels[number] = { ...channels[number], ...patch };
    this.set({ channels });
  }

  setLayer(number, patch) {
    const layers = { ...this.value.layers };
    layers[number] = { ...layers[number], ...patch };
    this.set({ layers });
  }

  reset() {
    this.set(empty());
  }
}

const NAMES = ["z", "t", "project", "gamma", "at", "opacity", "on", "off", "limits", "colours",
  "outlines", "nolines", "object"];

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

function numbersOf(text, separator) {
  return (text ?? "").split(separator).filter((part) => part !== "").map(Number);
}

function readQuery(query) {
  const asked = new URLSearchParams(query);
  const found = {};
  for (const name of ["z", "t", "gamma", "opacity"]) {
    const number = Number(asked.get(name));
    if (asked.has(name) && isNumber(number) && number >= 0) found[name] = number;
  }
  if (asked.get("project") === "max") found.project = true;
  const at = numbersOf(asked.get("at"), ",");
  if (at.length === 3 && at.every(isNumber) && at[2] > 0) {
    found.camera = { x: at[0], y: at[1], zoom: at[2] };
  }
  found.channels = readChannels(asked);
  found.layers = {};
  for (const [name, on] of [["outlines", true], ["nolines", false]]) {
    for (const number of numbersOf(asked.get(name), ",")) found.layers[number] = { on };
  }
  const object = numbersOf(asked.get("object"), ":");
  if (object.length >= 2 && object.every(Number.isInteger)) {
    found.object = { layer: object[0], label: object[1], viewer: object[2] ?? 0 };
  }
  return found;
}

function readChannels(asked) {
  const channels = {};
  const change = (number, patch) => {
    if (Number.isInteger(number)) channels[number] = { ...channels[number], ...patch };
  };
  for (const [name, on] of [["on", true], ["off", false]]) {
    for (const number of numbersOf(asked.get(name), ",")) change(number, { on });
  }
  for (const part of (asked.get("limits") ?? "").split(",")) {
    const [number, low, high] = numbersOf(part, ":");
    if (isNumber(low) && isNumber(high) && low < high) change(number, { low, high });
  }
  for (const part of (asked.get("colours") ?? "").split(",")) {
    const [number, colour] = part.split(":");
    if (/^[0-9a-f]{6}$/i.test(colour ?? "")) change(Number(number), { colour: `#${colour}` });
  }
  return channels;
}

const short = (number) => String(Number(number.toPrecision(7)));

function writeQuery(value) {
  const plain = empty();
  const found = {};
  for (const name of ["z", "t", "gamma", "opacity"]) {
    if (value[name] !== plain[name]) found[name] = short(value[name]);
  }
  if (value.project) found.project = "max";
  if (value.camera) found.at = [value.camera.x, value.camera.y, value.camera.zoom].map(short).join();
  const channels = Object.entries(value.channels);
  const those = (test) => channels.filter(([, one]) => test(one));
  const listed = {
    on: those((one) => one.on === true).map(([number]) => number),
    off: those((one) => one.on === false).map(([number]) => number),
    limits: those((one) => isNumber(one.low)).map(
      ([number, one]) => `${number}:${short(one.low)}:${short(one.high)}`),
    colours: those((one) => one.colour).map(([number, one]) => `${number}:${one.colour.slice(1)}`),
    outlines: Object.entries(value.layers).filter(([, one]) => one.on === true).map(([n]) => n),
    nolines: Object.entries(value.layers).filter(([, one]) => one.on === false).map(([n]) => n),
  };
  for (const [name, parts] of Object.entries(listed)) if (parts.length) found[name] = parts.join();
  if (value.object) {
    const { layer, label, viewer } = value.object;
    found.object = [layer, label, ...(viewer ? [viewer] : [])].join(":");
  }
  return found;
}

// Browsers refuse to change the address too often; a change is written when none follows.
export function keepInAddress(state, pause = 200) {
  let timer = 0;
  state.addEventListener("change", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const address = new URL(location.href);
      NAMES.forEach((name) => address.searchParams.delete(name));
      for (const [name, text] of Object.entries(writeQuery(state.value))) {
        address.searchParams.set(name, text);
      }
      // Commas and colons may stand in a query as they are, and are easier to read.
      address.search = address.search.replaceAll("%2C", ",").replaceAll("%3A", ":");
      history.replaceState(history.state, "", address);
    }, pause);
  });
}
