// What every page has: the theme's button, keys, and links that stay in the document.

const root = document.documentElement;

document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
  root.dispatchEvent(new CustomEvent("theme"));
});

// Links whose page comes into this document: it is read from its top, and a page that says what
// failed is a page of its own.
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.boosted && document.activeElement === document.body) {
    document.getElementById("content").focus({ preventScroll: true });
  }
});
for (const failed of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failed, ({ detail }) => {
    if (detail.boosted) location.assign(detail.pathInfo.requestPath);
  });
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.querySelector(".search input").focus();
  }
});
