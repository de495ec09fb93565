// A plate as SVG: a cell for each well, walked with the arrow keys.

const SVG = "http://www.w3.org/2000/svg";
const STEP = 20;
const EDGE = 18;
const ROUND_UP_TO = 96;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

export const rowName = (row) =>
  (row > 26 ? LETTERS[Math.floor((row - 1) / 26) - 1] : "") + LETTERS[(row - 1) % 26];

export const wellName = (row, column) => rowName(row) + String(column).padStart(2, "0");

const make = (name, attributes = {}, text = null) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  return made;
};

export class PlateGrid {
  // `told` are called with a well's name: `at` when it is looked at, `open` when it is chosen.
  constructor(place, rows, columns, told) {
    this.rows = rows;
    this.columns = columns;
    this.told = told;
    this.cells = new Map();
    this.current = wellName(1, 1);
    this.svg = make("svg", {
      viewBox: `0 0 ${EDGE + columns * STEP + 2} ${EDGE + rows * STEP + 2}`,
      role: "grid",
      tabindex: "0",
      "aria-label": place.dataset.label,
      "aria-describedby": "plate-help",
      "aria-rowcount": rows,
      "aria-colcount": columns,
      class: `plate-grid wells-${rows * columns}`,
    });
    this.picture = make("image", {
      x: EDGE, y: EDGE, width: columns * STEP, height: rows * STEP, preserveAspectRatio: "none",
      "aria-hidden": "true",
    });
    this.svg.append(this.picture, this.names(), ...this.lines());
    this.ring = make("rect", { class: "ring", width: STEP, height: STEP, rx: 3, "aria-hidden": "true" });
    this.svg.append(this.ring);
    place.replaceChildren(this.svg);
    this.listen();
    this.go(this.current, false);
  }

  names() {
    const group = make("g", { class: "names", "aria-hidden": "true" });
    const every = this.columns > 24 ? 2 : 1;
    for (let column = 1; column <= this.columns; column += every)
      group.append(make("text", { x: EDGE + (column - 0.5) * STEP, y: EDGE - 6, "text-anchor": "middle" }, column));
    for (let row = 1; row <= this.rows; row += 1)
      group.append(make("text", { x: EDGE - 5, y: EDGE + (row - 0.5) * STEP + 3.5, "text-anchor": "end" }, rowName(row)));
    return group;
  }

  lines() {
    const round = this.rows * this.columns <= ROUND_UP_TO ? STEP / 2 : 1.5;
    return Array.from({ length: this.rows }, (_, y) => {
      const line = make("g", { role: "row", "aria-rowindex": y + 1 });
      for (let x = 0; x < this.columns; x += 1) {
        const name = wellName(y + 1, x + 1);
        const cell = make("g", {
          class: "cell", role: "gridcell", id: `well-${name}`, "data-well": name, "aria-colindex": x + 1,
          transform: `translate(${EDGE + x * STEP} ${EDGE + y * STEP})`,
        });
        cell.append(make("rect", { x: 1, y: 1, width: STEP - 2, height: STEP - 2, rx: round }));
        this.cells.set(name, cell);
        line.append(cell);
      }
      return line;
    });
  }

  listen() {
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.svg.addEventListener("pointerover", (event) => {
      const cell = event.target.closest("[data-well]");
      if (cell) this.told.at(cell.dataset.well);
    });
    this.svg.addEventListener("pointerleave", () => this.told.at(this.current));
    this.svg.addEventListener("click", (event) => {
      const cell = event.target.closest("[data-well]");
      if (!cell) return;
      this.go(cell.dataset.well);
      this.told.open(cell.dataset.well);
    });
  }

  key(event) {
    const { row, column } = this.where(this.current);
    const far = event.ctrlKey || event.metaKey;
    const places = {
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      Home: [far ? 1 : row, 1],
      End: [far ? this.rows : row, this.columns],
      PageUp: [1, column],
      PageDown: [this.rows, column],
    };
    if (event.key === "Enter" || event.key === " ") this.told.open(this.current);
    else if (event.key in places && !event.altKey) {
      const [y, x] = places[event.key];
      this.go(wellName(
        Math.min(Math.max(y, 1), this.rows), Math.min(Math.max(x, 1), this.columns),
      ));
    } else return;
    event.preventDefault();
  }

  where(name) {
    const cell = this.cells.get(name);
    return {
      row: Number(cell.parentNode.getAttribute("aria-rowindex")),
      column: Number(cell.getAttribute("aria-colindex")),
    };
  }

  go(name, tell = true) {
    if (!this.cells.has(name)) return;
    this.current = name;
    const { row, column } = this.where(name);
    this.ring.setAttribute("x", EDGE + (column - 1) * STEP);
    this.ring.setAttribute("y", EDGE + (row - 1) * STEP);
    this.svg.setAttribute("aria-activedescendant", `well-${name}`);
    if (tell) this.told.at(name);
  }

  // `draw` returns for a well { kind, colour, mark, ring, label }; kinds are 'value', 'empty'
  // (there, without a value), 'absent' (no well), 'picture'.
  paint(draw) {
    for (const [name, cell] of this.cells) {
      const how = draw(name);
      const [body] = cell.children;
      while (cell.children.length > 1) cell.lastChild.remove();
      cell.setAttribute("class", `cell ${how.kind}`);
      cell.setAttribute("aria-label", how.label);
      if (how.kind === "value") body.setAttribute("fill", how.colour);
      else body.removeAttribute("fill");
      if (how.kind === "absent") {
        const at = STEP / 2;
        cell.append(make("path", { d: `M${at - 2.5} ${at - 2.5}l5 5m0 -5l-5 5`, class: "cross" }));
      }
      if (how.mark === "o") cell.append(make("circle", { cx: STEP / 2, cy: STEP / 2, r: 2.6, class: "mark" }));
      if (how.mark === "s") cell.append(make("rect", { x: STEP / 2 - 2.4, y: STEP / 2 - 2.4, width: 4.8, height: 4.8, class: "mark" }));
      if (how.control) cell.append(make("path", { d: "M2 2h5l-5 5z", class: "control" }));
    }
  }

  show(url) {
    this.svg.classList.toggle("pictured", Boolean(url));
    if (url) this.picture.setAttribute("href", url);
    else this.picture.removeAttribute("href");
  }
}
