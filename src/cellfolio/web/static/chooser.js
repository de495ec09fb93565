// A field in which a name is found by typing: a combobox with a list, as ARIA describes it.

const WAIT = 120; // milliseconds after the last letter

export class Chooser {
  // find(text) promises names; pick(name) is called with the one that is chosen.
  constructor(input, { find, pick }) {
    this.input = input;
    this.find = find;
    this.pick = pick;
    this.value = input.value;
    this.names = [];
    this.at = -1;
    this.list = document.createElement("ul");
    this.list.id = `${input.id}-names`;
    this.list.className = "names";
    this.list.setAttribute("role", "listbox");
    const called = input.getAttribute("aria-label") ?? input.labels[0]?.textContent.trim() ?? "";
    this.list.setAttribute("aria-label", `Names for ${called}`);
    this.list.hidden = true;
    input.after(this.list);
    const told = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id };
    for (const [name, value] of Object.entries(told)) input.setAttribute(name, value);
    input.addEventListener("focus", () => {
      input.select();
      this.#search("");
    });
    input.addEventListener("input", () => this.#search(input.value));
    input.addEventListener("keydown", (event) => this.#key(event));
    input.addEventListener("blur", () => this.#close());
  }

  set(name) {
    this.value = name;
    this.input.value = name;
  }

  #search(text) {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(async () => {
      const asked = (this.asked = Symbol("asked"));
      const names = await this.find(text.trim());
      if (asked === this.asked && document.activeElement === this.input) this.#show(names);
    }, text ? WAIT : 0);
  }

  #show(names) {
    this.names = names;
    this.at = -1;
    this.list.replaceChildren(...names.map((name, at) => this.#option(name, at)));
    this.list.hidden = names.length === 0;
    this.input.setAttribute("aria-expanded", String(names.length > 0));
    this.input.removeAttribute("aria-activedescendant");
  }

  #option(name, at) {
    const item = document.createElement("li");
    item.id = `${this.list.id}-${at}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(name === this.value));
    item.textContent = name === "" ? "nothing" : name;
    // Before the field loses the focus, which closes the list.
    item.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.#choose(name);
    });
    return item;
  }

  #key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) this.#search("");
      else this.#step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const typed = this.names.find((name) => name === this.input.value) ?? this.names[0];
      const name = this.at >= 0 ? this.names[this.at] : typed;
      if (name !== undefined) this.#choose(name);
    } else if (event.key === "Escape") {
      this.#close();
    }
  }

  #step(by) {
    this.at = (this.at + by + this.names.length) % this.names.length;
    for (const [number, item] of [...this.list.children].entries()) item.classList.toggle("at", number === this.at);
    const item = this.list.children[this.at];
    item.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", item.id);
  }

  #choose(name) {
    this.set(name);
    this.#close();
    this.pick(name);
  }

  #close() {
    clearTimeout(this.waiting);
    this.asked = null;
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.input.value = this.value;
  }
}
