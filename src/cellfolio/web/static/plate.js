// The page of a plate: what is shown is in the address, and what is drawn is asked for.

import { ColumnBox } from "./column-box.js";
import { colouring, drawChannels, drawLegend, told } from "./plate-colours.js";
import { PlateGrid } from "./plate-grid.js";

const root = document.getElementById("plate");
const tools = document.getElementById("tools");
const readout = document.getElementById("readout");
const legend = document.getElementById("legend");
const note = document.getElementById("plate-note");
const panel = document.getElementById("well");
const drawing = document.getElementById("plate-drawing");
const state = new URLSearchParams(location.search);
state.set("plate", root.dataset.plate);
let grid;
let answer;
let facts;
let shown;
let turn = 0;

const imaging = () => state.get("show") === "images" && tools.elements.show !== undefined;

const keep = () => {
  history.replaceState(null, "", `${location.pathname}?${state}`);
  for (const link of document.querySelectorAll("a[data-keeps]")) {
    const to = new URL(link.href);
    for (const name of ["colour", "table", "show", "channel", "contrast", "site", "low", "high"]) {
      to.searchParams.delete(name);
      for (const value of state.getAll(name)) to.searchParams.append(name, value);
    }
    link.href = to;
  }
};

const ask = async (address, names, extra = {}) => {
  const query = new URLSearchParams(extra);
  for (const name of names) for (const value of state.getAll(name)) query.append(name, value);
  const found = await fetch(`${address}?${query}`);
  if (found.ok) return found;
  const trouble = await found.json().catch(() => ({ error: `the portal answered ${found.status}` }));
  throw new Error([trouble.error, trouble.hint].filter(Boolean).join("; "));
};

const fail = (place, error) => {
  const line = document.createElement("p");
  line.className = "failed";
  line.setAttribute("role", "alert");
  line.textContent = error.message;
  place.replaceChildren(line);
};

const describe = (name) => {
  if (imaging() && facts) {
    const site = facts.sites[name];
    return site === undefined ? `${name}: no image` : `${name}: site ${site}${valueOf(name)}`;
  }
  if (!answer || !(name in answer.wells)) return `${name}: no well`;
  const value = answer.wells[name];
  const control = answer.controls.includes(name) ? ", negative control" : "";
  return `${name}: ${value === null ? "no value" : told(value)}${control}`;
};

const valueOf = (name) => {
  const value = answer?.wells[name];
  return value === null || value === undefined ? "" : `, ${told(value)}`;
};

const start = (rows, columns) => {
  if (grid && grid.rows === rows && grid.columns === columns) return;
  drawing.dataset.label = `Plate ${root.dataset.plate}, ${rows} rows and ${columns} columns`;
  grid = new PlateGrid(drawing, rows, columns, {
    at: (name) => { readout.textContent = describe(name); },
    open: openWell,
  });
  if (state.get("well")) grid.go(state.get("well"), false);
};

const paintMap = () => {
  const colour = colouring(answer.scale);
  const controls = new Set(answer.controls);
  const counts = { empty: 0, absent: 0, zeros: 0, controls: controls.size };
  grid.show(null);
  grid.paint((name) => {
    const label = describe(name);
    const control = controls.has(name);
    if (!(name in answer.wells)) { counts.absent += 1; return { kind: "absent", label }; }
    const value = answer.wells[name];
    if (value === null) { counts.empty += 1; return { kind: "empty", control, label }; }
    if (value === 0) counts.zeros += 1;
    return { kind: "value", ...colour(value), control, label };
  });
  drawLegend(legend, answer, counts);
};

const showMap = async () => {
  const mine = (turn += 1);
  const found = await (await ask(root.dataset.reference, ["plate", "colour", "table", "low", "high"])).json();
  if (mine !== turn) return;
  answer = found;
  start(answer.rows, answer.columns);
  paintMap();
  box?.show({ table: answer.table, column: answer.colour });
  const numbers = answer.scale.kind === "numbers";
  for (const name of ["low", "high"]) {
    const input = document.getElementById(name);
    input.disabled = !numbers;
    // What is being typed stays.
    if (document.activeElement !== input) input.value = state.get(name) ?? "";
    input.placeholder = numbers ? Number(answer.scale[name].toPrecision(3)) : "";
  }
  note.textContent = [answer.note, answer.table ? `from ${answer.table}` : "from the plate map"].filter(Boolean).join(" · ");
  readout.textContent = describe(grid.current);
};

const showImages = async () => {
  const mine = (turn += 1);
  // While wells are still being read, the picture stays as it is, and is not dimmed.
  if (!facts?.waiting) drawing.setAttribute("aria-busy", "true");
  try {
    const found = await ask(root.dataset.montage, ["plate", "channel", "contrast", "site"]);
    const told = JSON.parse(found.headers.get("x-cellfolio-picture"));
    const picture = await found.blob();
    if (mine !== turn) return;
    facts = told;
    start(facts.rows, facts.columns);
    if (shown) URL.revokeObjectURL(shown);
    shown = URL.createObjectURL(picture);
    grid.show(shown);
    let absent = 0;
    grid.paint((name) => {
      const there = name in facts.sites;
      absent += !there;
      return { kind: there ? "picture" : "absent", label: describe(name) };
    });
    drawChannels(legend, facts, absent);
    note.textContent = facts.waiting
      ? `${facts.waiting.toLocaleString("en")} wells are still being read; contrast settles with them`
      : "";
    readout.textContent = describe(grid.current);
    if (facts.waiting) setTimeout(() => { if (mine === turn) showImages().catch((error) => fail(legend, error)); }, 1000);
  } finally {
    if (mine === turn) drawing.removeAttribute("aria-busy");
  }
};

const show = async () => {
  keep();
  for (const [name, is] of [["map", !imaging()], ["images", imaging()]])
    for (const one of document.querySelectorAll(`.tools-${name}`)) one.hidden = !is;
  try {
    await (imaging() ? showImages() : showMap());
  } catch (error) {
    if (!grid) start(Number(root.dataset.rows), Number(root.dataset.cols));
    fail(legend, error);
  }
};

let panelTurn = 0;

async function openWell(name) {
  const mine = (panelTurn += 1);
  state.set("well", name);
  keep();
  panel.setAttribute("aria-busy", "true");
  try {
    const found = await ask(root.dataset.well, ["plate", "well", "channel", "table"], { part: "1" })
      .then((one) => one.text());
    if (mine !== panelTurn) return;
    panel.innerHTML = found;  // a part of a page of ours, whose text is escaped
  } catch (error) {
    if (mine === panelTurn) fail(panel, error);
  } finally {
    if (mine === panelTurn) panel.removeAttribute("aria-busy");
  }
}

let box;

const listColumns = async () => {
  const found = await (await ask(root.dataset.columns, ["plate"])).json();
  const options = found.tables.flatMap(({ table, columns }) => columns.map((column) => ({ table, column })));
  box = new ColumnBox(
    document.getElementById("column"), document.getElementById("column-list"), options,
    (option) => {
      state.set("colour", option.column);
      state.set("table", option.table);
      for (const name of ["low", "high"]) state.delete(name);
      show();
    },
  );
  if (answer) box.show({ table: answer.table, column: answer.colour });
};

const readTools = () => {
  for (const input of tools.querySelectorAll("input[name=show]")) input.checked = input.value === (imaging() ? "images" : "map");
  if (state.has("channel"))
    for (const input of tools.querySelectorAll("input[name=channel]")) input.checked = state.getAll("channel").includes(input.value);
  for (const name of ["contrast", "site"])
    if (tools.elements[name] && state.has(name)) tools.elements[name].value = state.get(name);
};

const change = (event) => {
  const { name, id, value } = event.target;
  if (name === "show") {
    if (value === "images") state.set("show", value);
    else state.delete("show");
  } else if (name === "channel") {
    const wanted = [...tools.querySelectorAll("input[name=channel]:checked")].map((one) => one.value);
    if (!wanted.length) { event.target.checked = true; return; }
    state.delete("channel");
    for (const one of wanted) state.append("channel", one);
  } else if (name === "contrast" || name === "site") state.set(name, value);
  else if (id === "low" || id === "high") {
    if (value === "") state.delete(id);
    else state.set(id, value);
  } else return;
  show();
};

tools.addEventListener("change", change);
tools.addEventListener("submit", (event) => event.preventDefault());
readTools();
listColumns().catch((error) => fail(note, error));
show();
if (state.get("well")) openWell(state.get("well"));
