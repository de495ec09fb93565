// What of a table is looked at; it is in the address of the page, so that it can be shared.

const LISTS = ["where", "sort"];
const NUMBERS = ["first", "from"];
const TEXTS = ["sql", "table", "summary"];

export function readState() {
  const query = new URLSearchParams(location.search);
  const state = {};
  for (const name of LISTS) state[name] = query.getAll(name);
  for (const name of NUMBERS) state[name] = Math.max(0, parseInt(query.get(name) ?? "0", 10) || 0);
  for (const name of TEXTS) state[name] = query.get(name) ?? "";
  return state;
}

export function writeState(state) {
  const url = new URL(location.href);
  for (const name of [...LISTS, ...NUMBERS, ...TEXTS]) {
    url.searchParams.delete(name);
    for (const value of [state[name]].flat()) if (value) url.searchParams.append(name, value);
  }
  if (url.href !== location.href) history.replaceState(null, "", url);
}

/** Which rows are meant, as the API takes it. */
export function sought(state) {
  return { table: state.table, sql: state.sql, where: state.where };
}

/** Return a condition; names of columns are in quotes, since they may hold anything. */
export function condition(name, operator, value) {
  return `"${name.replaceAll('"', '""')}"${operator}${value}`;
}
