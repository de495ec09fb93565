// The page of points: what is chosen is in its address, and what is in its address is shown.

import { Chooser } from "./chooser.js";
import { Scatter } from "./scatter.js";
import { numberText } from "./scatter_axes.js";
import { showLegend } from "./scatter_legend.js";
import { UNKNOWN } from "./scatter_palette.js";
import { Selection } from "./scatter_selection.js";
import { fetchBytes, fetchJson, showFailure } from "./asking.js";
import { readState, writeState } from "./address.js";

const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };
const PLAIN = { x: "", y: "", way: "", colour: null, kind: "", size: "", hide: [], lasso: "", pick: "", row: "", view: "", low: "", high: "", down: "", with: "", images: "" };
const PAUSE = 700; // milliseconds between questions about what is computed

function start(root) {
  const page = new Page(root);
  root.page = page;
  page.begin().catch((error) => page.fail(error));
}

class Page {
  constructor(root) {
    this.root = root;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.reference = root.dataset.scatter;
    this.state = readState(PLAIN);
  }

  api(what, query = {}) {
    const found = new URLSearchParams();
    for (const [name, value] of Object.entries({ ...query, with: this.state.with })) if (value) found.append(name, value);
    const text = found.toString();
    return `/api/profiles/${what}/${this.reference}${text ? `?${text}` : ""}`;
  }

  fail(error) {
    this.root.dataset.state = "failed";
    showFailure(this.part("failure"), error);
    this.tell("");
  }

  tell(text) {
    this.part("status").textContent = text;
  }

  keep() {
    writeState(this.state, PLAIN);
  }

  async begin() {
    this.tell("Reading…");
    const asked = fetchJson(this.api("head"));
    // Shaders are made while the answer is on its way.
    this.scatter = new Scatter(this.part("plot"), this.root.dataset.label);
    this.head = await asked;
    this.part("failure").replaceChildren();
    if (!this.head.rows) {
      this.root.dataset.state = "empty";
      this.tell("The table has no rows.");
      return;
    }
    this.selection = new Selection(this);
    this.fill();
    this.listen();
    await this.show();
  }

  // Places: columns that are told, else the first that look like places, else what can be computed.
  get places() {
    const { x, y, way } = this.state;
    if (way) return { way };
    if (x && y) return { x, y };
    if (this.head.pairs.length) return { x: this.head.pairs[0][0], y: this.head.pairs[0][1] };
    if (this.head.ways.length && this.numbers.length >= 2) return { way: this.head.ways[0] };
    if (this.numbers.length >= 2) return { x: this.numbers[0], y: this.numbers[1] };
    return null;
  }

  get numbers() {
    return this.head.columns.filter((one) => one.kind !== "text").map((one) => one.name);
  }

  get colour() {
    return this.state.colour ?? this.head.colour;
  }

  fill() {
    const places = this.part("places");
    const told = this.head.pairs.map(([x, y]) => [`${x}\n${y}`, pairName(x, y)]);
    const ways = this.head.ways.map((way) => [way, { pca: "Principal components", umap: "UMAP" }[way]]);
    places.replaceChildren(...[...told, ...ways, ["columns", "Two columns…"]].map(([value, text]) => new Option(text, value)));
    this.x = new Chooser(this.part("x"), { find: (text) => this.find(text, true), pick: (name) => this.place({ x: name }) });
    this.y = new Chooser(this.part("y"), { find: (text) => this.find(text, true), pick: (name) => this.place({ y: name }) });
    this.by = new Chooser(this.part("colour"), { find: (text) => this.find(text, false), pick: (name) => this.recolour(name) });
    this.part("size").value = this.state.size || defaultSize(this.head.rows);
    this.part("kind").value = this.state.kind || "auto";
    this.part("with").value = this.state.with;
    this.part("images").value = this.state.images;
  }

  async find(text, numbers) {
    if (!text) {
      const found = this.head.columns.filter((one) => !numbers || one.kind !== "text").map((one) => one.name);
      return numbers ? found : ["", ...found];
    }
    const { names } = await fetchJson(this.api("names", { q: text }));
    return names;
  }

  listen() {
    const on = (name, event, act) => this.part(name).addEventListener(event, act);
    this.root.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
    on("places", "change", (event) => this.choosePlaces(event.target.value));
    on("kind", "change", (event) => this.change({ kind: event.target.value === "auto" ? "" : event.target.value, hide: [], low: "", high: "" }));
    on("size", "input", (event) => {
      this.state.size = event.target.value;
      this.scatter.setSize(Number(event.target.value));
      this.keep();
    });
    on("down", "change", (event) => this.change({ down: event.target.checked ? "1" : "0" }));
    on("with", "change", (event) => this.change({ with: event.target.value, colour: null, hide: [] }, true));
    on("images", "change", (event) => {
      this.state.images = event.target.value.trim();
      this.keep();
      this.selection.show();
    });
    on("closer", "click", () => this.scatter.zoomBy(1.5));
    on("farther", "click", () => this.scatter.zoomBy(1 / 1.5));
    on("whole", "click", () => this.scatter.reset());
    on("lasso", "click", (event) => {
      this.scatter.lassoing = !this.scatter.lassoing;
      event.currentTarget.setAttribute("aria-pressed", String(this.scatter.lassoing));
      this.root.classList.toggle("lassoing", this.scatter.lassoing);
    });
    this.scatter.addEventListener("lasso", (event) => this.selection.lasso(event.detail));
    this.scatter.addEventListener("pick", (event) => this.selection.pick(event.detail));
    this.scatter.addEventListener("hover", (event) => this.hover(event.detail));
    this.scatter.addEventListener("view", () => this.keepView());
  }

  keepView() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      const { x, y, zoom } = this.scatter.view;
      const whole = x === 0.5 && y === 0.5 && zoom === 1;
      this.state.view = whole ? "" : [x, y, zoom].map((one) => Number(one.toPrecision(6))).join(",");
      this.keep();
    }, 250);
  }

  choosePlaces(value) {
    if (value === "columns") {
      const [x, y] = [this.state.x || this.numbers[0] || "", this.state.y || this.numbers[1] || ""];
      this.change({ way: "", x, y, view: "", lasso: "", down: "" }, false, true);
    } else if (this.head.ways.includes(value)) {
      this.change({ way: value, x: "", y: "", view: "", lasso: "", down: "" });
    } else {
      const [x, y] = value.split("\n");
      this.change({ way: "", x, y, view: "", lasso: "", down: "" });
    }
  }

  place(some) {
    this.change({ x: this.state.x, y: this.state.y, ...some, way: "", view: "", lasso: "", down: "" }, false, true);
  }

  recolour(name) {
    this.change({ colour: name, hide: [], low: "", high: "", pick: "" });
  }

  change(some, anew = false, own = false) {
    Object.assign(this.state, some);
    this.own = own;
    this.keep();
    const shown = anew ? fetchJson(this.api("head")).then((head) => { this.head = head; return this.show(); }) : this.show();
    shown.catch((error) => this.fail(error));
  }

  // Everything is fetched at once, and only what has changed.
  async show() {
    const turn = (this.turn = Symbol("turn"));
    this.root.dataset.state = "reading";
    this.part("failure").replaceChildren();
    const found = await Promise.all([this.readPlaces(turn), this.readColours()]).catch((error) => {
      if (turn === this.turn) throw error;
    });
    if (turn !== this.turn) return;
    const [places, colours] = found;
    const moved = places !== this.shownPlaces;
    if (moved) {
      this.shownPlaces = places;
      this.scatter.setPlaces(places.values, places);
    }
    if (moved || colours !== this.shownColours) {
      this.shownColours = colours;
      this.scatter.setColours(colours && { ...colours, limits: this.limitsOf(colours) });
    }
    if (colours?.kind === "category") this.scatter.hide(this.hiddenCodes(colours));
    this.scatter.setSize(Number(this.part("size").value));
    const view = this.state.view.split(",").map(Number);
    if (moved && view.length === 3 && view.every(Number.isFinite)) this.scatter.setView({ x: view[0], y: view[1], zoom: view[2] });
    else if (moved) this.scatter.setView({ x: 0.5, y: 0.5, zoom: 1 });
    this.finish(places);
    await this.selection.restore();
  }

  finish(places) {
    this.syncControls(places);
    showLegend(this, this.shownColours);
    const lost = this.head.rows - this.scatter.placed;
    const count = this.head.rows.toLocaleString("en");
    this.tell(`${count} rows${lost ? `, ${lost.toLocaleString("en")} of them without a place` : ""}`);
    this.scatter.addEventListener("drawn", () => { this.root.dataset.state = "ready"; performance.mark("scatter-ready"); }, { once: true });
    this.scatter.draw();
  }

  syncControls(places) {
    const { way, x, y } = places.asked;
    const own = this.own || !(way || [...this.part("places").options].some((one) => one.value === `${x}\n${y}`));
    this.part("places").value = own ? "columns" : way || `${x}\n${y}`;
    this.part("columns").hidden = !own;
    this.x.set(x || "");
    this.y.set(y || "");
    this.by.set(this.colour);
    this.part("down").checked = places.down;
  }

  async readPlaces(turn) {
    const asked = this.places;
    if (!asked) throw new Error("The table has fewer than two columns of numbers.");
    const key = JSON.stringify([asked, this.state.down, this.state.with]);
    if (this.placesKey === key) return this.keptPlaces;
    let labels = [asked.x, asked.y];
    if (asked.way) labels = await this.computed(asked.way, turn);
    const values = new Float32Array(await fetchBytes(this.api("places", asked)));
    const down = this.state.down ? this.state.down === "1" : !asked.way && growsDown(asked.y);
    this.placesKey = key;
    this.keptPlaces = { asked, values, labels: labels.map(called), equal: Boolean(asked.way) || areAlike(asked.x, asked.y), down };
    return this.keptPlaces;
  }

  // Asked again until it is done, or something else is wanted.
  async computed(way, turn) {
    for (;;) {
      const found = await fetchJson(this.api("embedding", { way }));
      if (found.state === "done") return found.labels;
      if (found.state === "failed") throw Object.assign(new Error(found.error), { hint: found.hint });
      const doing = found.state === "waiting" ? "Waiting for its turn" : `Computing ${way === "umap" ? "UMAP" : "principal components"}`;
      this.tell(`${doing}… ${Math.round(found.seconds)} s`);
      await new Promise((done) => setTimeout(done, found.seconds < 1 ? 120 : PAUSE));
      if (turn !== this.turn) throw new Error("something else is shown");
    }
  }

  async readColours() {
    const name = this.colour;
    if (!name) return null;
    const asked = { name, as: this.state.kind };
    const key = JSON.stringify([asked, this.state.with]);
    if (this.coloursKey === key) return this.keptColours;
    const [head, bytes] = await Promise.all([fetchJson(this.api("column", asked)), fetchBytes(this.api("values", asked))]);
    this.coloursKey = key;
    this.keptColours = { ...head, values: new ARRAYS[head.type](bytes), missingCode: head.missing_code };
    return this.keptColours;
  }

  limitsOf(colours) {
    if (colours.kind !== "number") return null;
    const told = [this.state.low, this.state.high].map((one, at) => (one === "" || !Number.isFinite(Number(one)) ? colours.limits[at] : Number(one)));
    return told[0] < told[1] ? told : colours.limits;
  }

  hiddenCodes(colours) {
    const codes = this.state.hide.map((name) => (name === UNKNOWN ? colours.missingCode : colours.names.indexOf(name)));
    return codes.filter((code) => code >= 0 && code !== undefined);
  }

  hover(row) {
    const told = this.part("under");
    const colours = this.shownColours;
    if (!(row >= 0)) {
      told.textContent = "";
      return;
    }
    const { frame, units } = this.scatter;
    const place = this.scatter.toData([units[2 * row], units[2 * row + 1]]).map((one) => numberText(one, Math.max(...frame.span) / 1000));
    const value = colours ? ` · ${colours.name.replace(/^Metadata_/, "")}: ${valueText(colours, row)}` : "";
    told.textContent = `row ${row.toLocaleString("en")} · ${place.join(", ")}${value}`;
  }
}

export function valueText(colours, row) {
  const value = colours.values[row];
  if (colours.kind === "number") return Number.isNaN(value) ? "not known" : numberText(value);
  return value === colours.missingCode ? "not known" : colours.names[value] ?? `class ${value}`;
}

// "obsm:X_umap:1" → "X_umap 1"
export function called(name) {
  return name.replace(/^obsm:(.*):(\d+)$/, "$1 $2").replace(/^(obs|gene):/, "");
}

// "UMAP_1", "UMAP_2" → "UMAP"
function pairName(x, y) {
  let same = 0;
  while (same < x.length && x[same] === y[same]) same += 1;
  const name = x.slice(0, same).replace(/[\s_:.-]+$/, "").replace(/^Metadata_/, "").replace(/^obsm:/, "");
  return name.length > 1 ? `${name} (${x.slice(same)}, ${y.slice(same)})` : `${x}, ${y}`;
}

// Two columns whose names differ by an axis or number only have one scale.
function areAlike(x, y) {
  const bare = (name) => name.toLowerCase().replace(/[xy12]|\b0\b/g, "");
  return bare(x) === bare(y);
}

// Rows of images and of sections are counted from the top.
function growsDown(name) {
  return /section|location|center_y|centroid|spatial/i.test(name);
}

function defaultSize(rows) {
  return Math.max(1.5, Math.min(12, Math.round(2 * (600 / Math.sqrt(rows)) * 0.8) / 2));
}

for (const root of document.querySelectorAll("[data-scatter]")) start(root);
