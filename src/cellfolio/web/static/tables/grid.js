// The grid: draws a window of a table, and is walked through with the keyboard.

import { element, visible } from "./asking.js";

const NUMBERS = new Set(["number", "whole number"]);
const STEP = 20;

/** Return a number of at most seven digits, as people read it. */
export function numberText(value) {
  if (typeof value !== "number") return value;
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  return String(Number(value.toPrecision(6)));
}

export class Grid {
  constructor(table, told) {
    this.table = table;
    this.told = told; // {sort(name, more), summarize(number), leave(direction), open(row, column)}
    this.active = { row: 0, column: 0 };
    table.addEventListener("keydown", (event) => this.#pressed(event));
    table.addEventListener("focusin", (event) => this.#focused(event.target.closest("[data-cell]")));
  }

  /** Draw a window: {first, numbers, columns, rows}, all columns' facts, and how it is sorted. */
  draw(answer, facts, sort) {
    const shown = answer.numbers.map((number) => ({ number, ...facts[number] }));
    const head = element("thead", {}, this.#head(shown, sort));
    const body = element("tbody");
    body.append(...answer.rows.map((row, at) => this.#row(row, at, answer.first, shown)));
    this.table.setAttribute("aria-rowcount", answer.found + 1);
    this.table.setAttribute("aria-colcount", facts.length + 1);
    this.table.replaceChildren(head, body);
    this.active.row = Math.min(this.active.row, answer.rows.length);
    this.active.column = Math.min(this.active.column, Math.max(0, shown.length - 1));
    this.#activate(false);
  }

  #head(shown, sort) {
    const row = element("tr", { "aria-rowindex": 1 });
    row.append(element("th", { scope: "col", className: "at" }, element("span", { className: "unseen" }, "Row")));
    shown.forEach((column, at) => row.append(this.#heading(column, at, sort)));
    return row;
  }

  #heading(column, at, sort) {
    const place = sort.findIndex((one) => one === column.name || one === `-${column.name}`);
    const falling = place >= 0 && sort[place] !== column.name;
    const name = visible(column.name);
    const arrow = place < 0 ? "" : falling ? " ↓" : " ↑";
    const sorting = element("button", { type: "button", className: "plain name", tabIndex: -1, title: name },
      name, element("span", { className: "arrow" }, arrow));
    sorting.addEventListener("click", (event) => this.told.sort(column.name, event.shiftKey));
    const facts = element("button", { type: "button", className: "plain facts", tabIndex: -1,
      "aria-label": `Summary of ${name}` }, column.unit ? `${column.kind}, ${visible(column.unit)}` : column.kind);
    facts.addEventListener("click", () => this.told.summarize(column.number));
    const cell = element("th", { scope: "col", tabIndex: -1, "aria-colindex": column.number + 2,
      className: NUMBERS.has(column.kind) ? "number" : "" }, sorting, facts);
    if (place >= 0) cell.setAttribute("aria-sort", falling ? "descending" : "ascending");
    cell.dataset.cell = `0 ${at}`;
    return cell;
  }

  #row(values, at, first, shown) {
    const row = element("tr", { "aria-rowindex": first + at + 2 });
    row.append(element("th", { scope: "row", className: "at" }, String(first + at + 1)));
    values.forEach((value, number) => {
      const cell = element("td", { tabIndex: -1, "aria-colindex": shown[number].number + 2 });
      fill(cell, value, NUMBERS.has(shown[number].kind));
      cell.dataset.cell = `${at + 1} ${number}`;
      row.append(cell);
    });
    return row;
  }

  #focused(cell) {
    if (!cell) return;
    const [row, column] = cell.dataset.cell.split(" ").map(Number);
    this.#current()?.setAttribute("tabindex", "-1");
    this.active = { row, column };
    cell.tabIndex = 0;
  }

  #current() {
    return this.table.querySelector(`[data-cell="${this.active.row} ${this.active.column}"]`);
  }

  #activate(focus) {
    const cell = this.#current();
    if (!cell) return;
    cell.tabIndex = 0;
    if (focus) cell.focus();
  }

  /** Go to a cell; row 0 is that of the names. */
  go(row, column) {
    this.#current()?.setAttribute("tabindex", "-1");
    this.active = { row, column };
    this.#activate(true);
  }

  #pressed(event) {
    const rows = this.table.tBodies[0]?.rows.length ?? 0;
    const columns = (this.table.tHead?.rows[0].cells.length ?? 1) - 1;
    const { row, column } = this.active;
    const moves = {
      ArrowUp: [row - 1, column], ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      PageUp: [row > 1 ? Math.max(1, row - STEP) : row - 1, column],
      PageDown: [row < rows ? Math.min(rows, row + STEP) : row + 1, column],
      Home: event.ctrlKey ? [0, 0] : [row, 0], End: event.ctrlKey ? [rows, columns - 1] : [row, columns - 1],
    };
    if (event.key === "Enter" && event.target.dataset.cell) this.#open(event);
    if (!(event.key in moves) || event.altKey || event.metaKey) return;
    event.preventDefault();
    const [to, along] = moves[event.key];
    if (to > rows || (to < 0 && event.key === "PageUp")) this.told.leave(to > rows ? "on" : "back");
    else if (to === 0 && event.key === "PageUp") this.told.leave("back");
    else if (along < 0 || along >= columns) this.told.leave(along < 0 ? "left" : "right");
    else this.go(Math.max(0, to), along);
  }

  #open(event) {
    event.preventDefault();
    const { row, column } = this.active;
    const heading = this.table.querySelector(`[data-cell="0 ${column}"] .name`);
    if (row === 0 && event.ctrlKey) heading.nextElementSibling.click();
    else if (row === 0) heading.dispatchEvent(new MouseEvent("click", { shiftKey: event.shiftKey }));
    else this.told.open(row - 1, column);
  }
}

function fill(cell, value, number) {
  if (value === null) {
    cell.className = number ? "none number" : "none";
    cell.textContent = "missing";
    return;
  }
  cell.className = number ? "number" : "";
  const text = number ? String(numberText(value)) : visible(value);
  cell.textContent = text;
  if (String(value).length > 24 || text !== String(value)) cell.title = visible(value);
}
