// The page of a table: asks for windows of it, and keeps what is looked at in the address.

import { address, ask, element, showFailure, visible } from "./asking.js";
import { Grid } from "./grid.js";
import { condition, readState, sought, writeState } from "./state.js";
import { drawSummary } from "./summary.js";

const ROWS = 200;
const COLUMNS = 30;
const find = (id) => document.getElementById(`table-${id}`);
const view = find("view");
const state = readState();
let facts = { columns: [], found: 0, rows: 0 };
let answer = null;
let asking = new AbortController();
let enter = null; // where the grid is entered after a window was left: [row, column]

const grid = new Grid(find("grid"), { sort, summarize, leave, open: openCell });

/** Ask for what the state says; with `whole`, also for columns and counts. */
async function load(whole) {
  asking.abort();
  asking = new AbortController();
  writeState(state);
  view.classList.add("busy");
  try {
    const first = windowAddress();
    const columns = whole ? ask(address(view.dataset.columns, sought(state)), asking.signal) : facts;
    let found;
    [facts, found] = await Promise.all([columns, ask(first, asking.signal)]);
    keepWithin();
    // What the address says may be beyond the table.
    answer = windowAddress() === first ? found : await ask(windowAddress(), asking.signal);
    writeState(state);
    showFailure(find("failure"), null);
    draw();
    if (whole) await showSummary();
  } catch (error) {
    if (error.name === "AbortError") return;
    showFailure(find("failure"), error);
    if (!answer) find("status").textContent = "";
  }
  view.classList.remove("busy");
}

function windowAddress() {
  return rowsAddress({ first: state.first, count: ROWS, from: state.from, columns: COLUMNS });
}

function rowsAddress(more) {
  return address(view.dataset.rows, { ...sought(state), sort: state.sort, ...more });
}

function keepWithin() {
  const last = Math.max(0, Math.ceil(facts.found / ROWS) - 1) * ROWS;
  state.first = Math.min(state.first - (state.first % ROWS), last);
  state.from = Math.min(state.from, Math.max(0, facts.columns.length - 1));
  state.from -= state.from % COLUMNS;
}

function draw() {
  grid.draw(answer, facts.columns, state.sort);
  const number = (one) => one.toLocaleString("en");
  const fewer = facts.found === facts.rows ? "" : `${number(facts.found)} of `;
  find("status").textContent = `${fewer}${many(facts.rows, "row")}, ${many(facts.columns.length, "column")}. ${facts.note}`;
  const end = Math.min(state.first + ROWS, facts.found);
  find("rows").textContent = facts.found ? `Rows ${number(state.first + 1)}–${number(end)} of ${number(facts.found)}` : "No rows";
  const last = Math.min(state.from + COLUMNS, facts.columns.length);
  find("columns").textContent = `Columns ${number(state.from + 1)}–${number(last)} of ${number(facts.columns.length)}`;
  find("row").max = facts.found;
  const off = { first: !state.first, back: !state.first, on: end >= facts.found, last: end >= facts.found,
    left: !state.from, right: last >= facts.columns.length };
  for (const button of view.querySelectorAll("[data-go]")) button.disabled = off[button.dataset.go];
  find("csv").href = rowsAddress({ format: "csv" });
  find("parquet").href = rowsAddress({ format: "parquet" });
  drawChips();
  if (enter) grid.go(Math.min(enter[0], answer.rows.length), Math.min(enter[1], answer.columns.length - 1));
  else find("scroll").scrollTo(0, 0);
  enter = null;
}

function many(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

function drawNames() {
  const names = facts.columns.map((one) => element("option", { value: one.name }));
  find("names").replaceChildren(...names.slice(0, 2000));
  const part = find("part");
  part.parentElement.hidden = facts.tables.length < 2;
  part.replaceChildren(...facts.tables.map((one) => element("option", { value: one, selected: one === facts.table }, visible(one))));
}

function drawChips() {
  const chip = (words, drop) => {
    const button = element("button", { type: "button", "aria-label": `Remove ${words}` }, words, " ✕");
    button.addEventListener("click", drop);
    return element("li", {}, button);
  };
  const filters = state.where.map((one, at) => chip(visible(one), () => { state.where.splice(at, 1); restart(); }));
  const sorting = state.sort.map((one, at) => chip(
    `${visible(one.replace(/^-/, ""))} ${one.startsWith("-") ? "↓" : "↑"}`, () => { state.sort.splice(at, 1); load(false); }));
  find("chips").replaceChildren(...filters, ...sorting);
}

async function restart() {
  state.first = 0;
  await load(true);
  drawNames();
}

// First rising, then falling, then not sorted; others stay where `more` is held.
function sort(name, more) {
  const now = state.sort.find((one) => one === name || one === `-${name}`);
  const next = now === undefined ? [name] : now === name ? [`-${name}`] : [];
  const others = more ? state.sort.filter((one) => one !== now) : [];
  state.sort = [...others, ...next];
  state.first = 0;
  load(false);
}

function summarize(number) {
  state.summary = facts.columns[number].name;
  writeState(state);
  showSummary();
}

async function showSummary() {
  const place = find("summary");
  const number = facts.columns.findIndex((one) => one.name === state.summary);
  if (!state.summary || number < 0) {
    place.hidden = true;
    return;
  }
  try {
    const found = await ask(address(view.dataset.summary, { ...sought(state), number: String(number) }));
    drawSummary(place, found, { filter: addFilter, close: closeSummary });
  } catch (error) {
    place.hidden = false;
    showFailure(place, error);
  }
}

function closeSummary() {
  state.summary = "";
  writeState(state);
  find("summary").hidden = true;
  grid.go(grid.active.row, grid.active.column);
}

function addFilter(name, operator, value) {
  state.where.push(condition(name, operator, value));
  restart();
}

async function openCell(row, column) {
  const place = find("summary");
  const number = answer.numbers[column];
  const name = facts.columns[number].name;
  try {
    const whole = await ask(rowsAddress({ first: answer.first + row, count: 1, from: number, columns: 1, longest: 100000 }));
    const value = whole.rows[0][0];
    const close = element("button", { type: "button", className: "plain close", "aria-label": "Close the value" }, "✕");
    close.addEventListener("click", closeSummary);
    place.replaceChildren(close, element("h2", {}, visible(name)),
      element("p", { className: "facts" }, `Row ${(answer.first + row + 1).toLocaleString("en")}`),
      element("pre", { tabIndex: 0 }, value === null ? "missing" : visible(value)));
    place.hidden = false;
    close.focus();
  } catch (error) {
    showFailure(find("failure"), error);
  }
}

function leave(direction) {
  const { row, column } = grid.active;
  const moves = {
    on: [state.first + ROWS < facts.found, () => { state.first += ROWS; enter = [1, column]; }],
    back: [state.first > 0, () => { state.first -= ROWS; enter = [ROWS, column]; }],
    right: [state.from + COLUMNS < facts.columns.length, () => { state.from += COLUMNS; enter = [row, 0]; }],
    left: [state.from > 0, () => { state.from -= COLUMNS; enter = [row, COLUMNS - 1]; }],
  };
  const [possible, move] = moves[direction];
  if (!possible) return;
  move();
  load(false);
}

function page(where) {
  const last = Math.max(0, Math.ceil(facts.found / ROWS) - 1) * ROWS;
  const rows = { first: 0, back: state.first - ROWS, on: state.first + ROWS, last };
  if (where in rows) state.first = Math.max(0, Math.min(rows[where], last));
  else state.from = Math.max(0, state.from + (where === "left" ? -COLUMNS : COLUMNS));
  load(false);
}

function goToColumn(word) {
  const low = word.toLowerCase();
  const names = facts.columns.map((one) => one.name);
  let number = names.indexOf(word);
  if (number < 0) number = names.findIndex((one) => one.toLowerCase().includes(low));
  if (number < 0) {
    showFailure(find("failure"), new Error(`no column has “${word}” in its name`));
    return;
  }
  state.from = number - (number % COLUMNS);
  enter = [0, number % COLUMNS];
  load(false);
}

function listen() {
  const submitted = (form, act) => form.addEventListener("submit", (event) => { event.preventDefault(); act(); });
  submitted(find("filter"), () => {
    const words = find("condition").value.trim();
    if (!words) return;
    state.where.push(words);
    find("condition").value = "";
    restart();
  });
  submitted(find("find"), () => find("column").value.trim() && goToColumn(find("column").value.trim()));
  submitted(find("sql").querySelector("form"), () => run(find("statement").value.trim()));
  find("whole").addEventListener("click", () => run(""));
  find("statement").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run(find("statement").value.trim());
  });
  find("part").addEventListener("change", () => {
    Object.assign(state, { table: find("part").value, sql: "", where: [], sort: [], from: 0, summary: "" });
    restart();
  });
  find("row").addEventListener("change", () => {
    const row = Math.max(1, Math.min(facts.found, Number(find("row").value) || 1)) - 1;
    state.first = row - (row % ROWS);
    enter = [(row % ROWS) + 1, 0];
    load(false);
  });
  view.addEventListener("click", (event) => {
    const button = event.target.closest("[data-go]");
    if (button) page(button.dataset.go);
  });
  view.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !find("summary").hidden) closeSummary();
  });
}

function run(statement) {
  Object.assign(state, { sql: statement, where: [], sort: [], from: 0, summary: "" });
  find("statement").value = statement;
  restart();
}

listen();
find("statement").value = state.sql;
find("sql").open = Boolean(state.sql);
load(true).then(() => { if (facts.tables) drawNames(); });
