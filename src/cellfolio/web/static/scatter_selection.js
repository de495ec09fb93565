// Rows that were chosen by a lasso, by class or one by one: what they are, and pictures of them.

import { fetchJson, make, showFailure } from "./asking.js";
import { classColour, missingColour, UNKNOWN } from "./scatter_palette.js";

const TOLD = 50; // rows in the table, at first
const MOST = 200; // that are asked for at a time
const LINES = 8;

export class Selection {
  constructor(page) {
    this.page = page;
    this.rows = null;
    this.told = TOLD;
    page.part("clear").addEventListener("click", () => this.clear());
    page.part("more").addEventListener("click", () => {
      this.told += MOST - TOLD;
      this.show();
    });
    page.part("list").addEventListener("click", () => this.save());
  }

  clear() {
    Object.assign(this.page.state, { lasso: "", pick: "", row: "" });
    this.#choose(null);
  }

  lasso(line) {
    const data = this.page.scatter.toData(line).map((one) => Number(one.toPrecision(5)));
    Object.assign(this.page.state, { lasso: data.join(","), pick: "", row: "" });
    this.#choose(this.page.scatter.rowsInside(line), line);
  }

  pick(row) {
    if (row < 0) {
      this.clear();
      return;
    }
    Object.assign(this.page.state, { lasso: "", pick: "", row: String(row) });
    this.#choose(Uint32Array.of(row));
  }

  chooseClass(name, code) {
    Object.assign(this.page.state, { lasso: "", pick: name, row: "" });
    this.#choose(this.page.scatter.rowsOfClass(code));
  }

  // What the address tells is chosen again.
  async restore() {
    const { state, scatter, shownColours } = this.page;
    const data = state.lasso.split(",").map(Number);
    if (state.lasso && data.length >= 6 && data.length % 2 === 0 && data.every(Number.isFinite)) {
      const line = scatter.toUnits(data);
      this.#choose(scatter.rowsInside(line), line);
    } else if (state.pick && shownColours?.kind === "category") {
      const code = state.pick === UNKNOWN ? shownColours.missingCode : shownColours.names.indexOf(state.pick);
      this.#choose(code < 0 ? null : scatter.rowsOfClass(code));
    } else if (/^\d+$/.test(state.row) && Number(state.row) < this.page.head.rows) {
      this.#choose(Uint32Array.of(Number(state.row)));
    } else this.#choose(null);
  }

  #choose(rows, line = null) {
    this.rows = rows;
    this.told = TOLD;
    this.page.keep();
    this.page.scatter.choose(rows && rows.length ? rows : null, line);
    this.show();
  }

  async show() {
    const { page, rows } = this;
    const panel = page.part("selection");
    panel.hidden = rows === null;
    page.part("rows").replaceChildren();
    page.part("pictures").replaceChildren();
    if (rows === null) return;
    const all = page.head.rows.toLocaleString("en");
    page.part("chosen").textContent = `${rows.length.toLocaleString("en")} of ${all} rows selected`;
    page.part("breakdown").replaceChildren(...this.#breakdown());
    page.part("more").hidden = rows.length <= this.told || this.told >= MOST;
    if (!rows.length) return;
    const turn = (this.turn = Symbol("turn"));
    panel.setAttribute("aria-busy", "true");
    try {
      const found = await fetchJson(this.#address(spread(rows, this.told)));
      if (turn === this.turn) this.#fill(found);
    } catch (error) {
      if (turn === this.turn) showFailure(page.part("rows"), error);
    } finally {
      panel.removeAttribute("aria-busy");
    }
  }

  #address(some) {
    const query = new URLSearchParams();
    for (const row of some) query.append("row", row);
    for (const name of [this.page.colour, this.page.state.x, this.page.state.y]) if (name) query.append("column", name);
    for (const name of ["with", "images"]) if (this.page.state[name]) query.append(name, this.page.state[name]);
    return `/api/profiles/rows/${this.page.reference}?${query}`;
  }

  #breakdown() {
    const colours = this.page.shownColours;
    if (colours?.kind !== "category" || this.rows.length < 2) return [];
    const counts = new Map();
    for (const row of this.rows) counts.set(colours.values[row], (counts.get(colours.values[row]) ?? 0) + 1);
    const sorted = [...counts].sort((one, other) => other[1] - one[1]);
    return sorted.slice(0, LINES).map(([code, count]) => {
      const mark = make("span", { name: "mark", "aria-hidden": "true" });
      mark.style.background = code === colours.missingCode ? missingColour() : classColour(code);
      const name = code === colours.missingCode ? "not known" : colours.names[code] ?? `class ${code}`;
      return make("li", {}, mark, `${name} `, make("b", { text: count.toLocaleString("en") }), ` of ${(colours.counts[code] ?? colours.missing).toLocaleString("en")}`);
    });
  }

  #fill({ columns, rows, no_pictures: reason }) {
    const { page } = this;
    const pictures = rows.filter((one) => one.picture);
    page.part("pictures").replaceChildren(...pictures.map((one) => this.#picture(one, columns)));
    page.part("reason").textContent = pictures.length ? "" : reason || "There are no images of these rows.";
    const head = make("tr", {}, make("th", { scope: "col", text: "row" }), ...columns.map((name) => make("th", { scope: "col", text: name.replace(/^Metadata_/, "") })));
    const lines = rows.map((one) => make("tr", {}, make("td", { text: one.row.toLocaleString("en") }), ...columns.map((name) => make("td", { text: one.values[name] ?? "" }))));
    const table = make("table", { name: "list" }, make("thead", {}, head), make("tbody", {}, ...lines));
    page.part("rows").replaceChildren(table);
    const left = this.rows.length - rows.length;
    if (left > 0) page.part("rows").append(make("p", { name: "hint", text: `… and ${left.toLocaleString("en")} more; those shown are spread over the selection.` }));
  }

  #picture(one, columns) {
    const told = this.page.colour && columns.includes(this.page.colour) ? one.values[this.page.colour] : null;
    const text = `${one.title}${told === null ? "" : `, ${told}`}`;
    const image = make("img", { src: one.picture, alt: text, loading: "lazy" });
    const caption = make("figcaption", {}, make("span", { text: one.title }), ...(told === null ? [] : [make("span", { name: "dim", text: String(told) })]));
    const shown = one.image ? make("a", { href: one.image, title: text }, image) : image;
    return make("figure", {}, shown, caption);
  }

  // Numbers of all chosen rows, with what they are coloured by, as a table.
  save() {
    const { shownColours: colours } = this.page;
    const cell = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = [colours ? `row,${cell(colours.name)}` : "row"];
    for (const row of this.rows) {
      const value = colours ? valueOf(colours, row) : "";
      lines.push(colours ? `${row},${cell(value)}` : String(row));
    }
    const link = make("a", { href: URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" })), download: "selected-rows.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}

function valueOf(colours, row) {
  const value = colours.values[row];
  if (colours.kind === "number") return Number.isNaN(value) ? "" : String(value);
  return value === colours.missingCode ? "" : colours.names[value] ?? `class ${value}`;
}

// Some rows, spread evenly over all of them.
function spread(rows, count) {
  if (rows.length <= count) return [...rows];
  return Array.from({ length: count }, (_, at) => rows[Math.floor((at * rows.length) / count)]);
}
