// A box to choose one of thousands of names: what is typed, in any order, has to be in the name.

const SHOWN = 60;

const matches = (names, typed) => {
  const words = typed.toLowerCase().split(/[\s_]+/).filter(Boolean);
  if (!words.length) return names;
  return names.filter((one) => words.every((word) => one.find.includes(word)));
};

export class ColumnBox {
  // `options` are { table, column }; `chosen` is called with the one that was chosen.
  constructor(input, list, options, chosen) {
    this.input = input;
    this.list = list;
    this.chosen = chosen;
    this.options = options.map((one) => ({ ...one, find: one.column.toLowerCase() }));
    this.several = new Set(this.options.map((one) => one.table)).size > 1;
    this.at = -1;
    input.addEventListener("input", () => this.open(input.value));
    input.addEventListener("focus", () => input.select());
    input.addEventListener("click", () => this.open(""));
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => this.close());
    // Before the blur, so that the list is still there.
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const found = event.target.closest("[role=option]");
      if (found) this.choose(Number(found.dataset.at));
    });
  }

  show(option) {
    this.value = option.column.replace(/^Metadata_/, "");
    this.input.value = this.value;
  }

  open(typed) {
    this.found = matches(this.options, typed);
    const shown = this.found.slice(0, SHOWN).map((one, at) => this.row(one, at));
    if (this.found.length > SHOWN || !shown.length) {
      const more = document.createElement("li");
      more.className = "hint";
      more.setAttribute("role", "presentation");
      more.textContent = shown.length
        ? `${(this.found.length - SHOWN).toLocaleString("en")} more; type to find them`
        : "no such column";
      shown.push(more);
    }
    this.list.replaceChildren(...shown);
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.mark(typed && this.found.length ? 0 : -1);
  }

  row(one, at) {
    const made = document.createElement("li");
    made.id = `column-${at}`;
    made.dataset.at = at;
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", "false");
    const name = document.createElement("span");
    name.textContent = one.column.replace(/^Metadata_/, "");
    made.append(name);
    if (this.several) {
      const where = document.createElement("small");
      where.textContent = one.table ? one.table.replace(/\/$/, "").split("/").pop() : "plate map";
      made.append(where);
    }
    return made;
  }

  mark(at) {
    this.at = at;
    for (const one of this.list.querySelectorAll("[role=option]")) {
      const here = Number(one.dataset.at) === at;
      one.setAttribute("aria-selected", String(here));
      if (here) one.scrollIntoView({ block: "nearest" });
    }
    if (at < 0) this.input.removeAttribute("aria-activedescendant");
    else this.input.setAttribute("aria-activedescendant", `column-${at}`);
  }

  key(event) {
    const last = Math.min(this.found?.length ?? 0, SHOWN) - 1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (this.list.hidden) this.open("");
      else this.mark(event.key === "ArrowDown" ? Math.min(this.at + 1, last) : Math.max(this.at - 1, 0));
    } else if (event.key === "Enter") {
      if (!this.list.hidden && this.at >= 0) this.choose(this.at);
    } else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }

  choose(at) {
    const option = this.found[at];
    this.show(option);
    this.close();
    this.chosen(option);
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    if (this.value !== undefined) this.input.value = this.value;
  }
}
