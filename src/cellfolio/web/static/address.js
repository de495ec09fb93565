// What a page shows, in its address: parameters that are as they are unasked are left out.

export function readState(plain) {
  const query = new URLSearchParams(location.search);
  const state = {};
  for (const [name, value] of Object.entries(plain)) {
    if (Array.isArray(value)) state[name] = query.getAll(name);
    else state[name] = query.has(name) ? query.get(name) : value;
  }
  return state;
}

// Parameters of others stay as they are.
export function writeState(state, plain) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(state)) {
    query.delete(name);
    if (Array.isArray(value)) value.forEach((one) => query.append(name, one));
    else if (value !== plain[name]) query.set(name, value);
  }
  const text = query.toString();
  history.replaceState(null, "", text ? `?${text}` : location.pathname);
}
