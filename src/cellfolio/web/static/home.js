// On a small screen the facets are folded, so that what was found is seen first.

const narrow = matchMedia("(max-width: 52rem)");
let unfolded = false;

const fold = () => {
  const facets = document.querySelector("details.narrow");
  if (facets) {
    facets.open = !narrow.matches || unfolded;
  }
};

document.addEventListener(
  "toggle",
  (event) => {
    if (narrow.matches && event.target.matches("details.narrow")) {
      unfolded = event.target.open;
    }
  },
  true, // toggle does not bubble
);
narrow.addEventListener("change", fold);
document.addEventListener("htmx:afterSwap", fold);
fold();

// Words that were typed before this page could answer are looked for now.
document.addEventListener("DOMContentLoaded", () => {
  const search = document.getElementById("search");
  const asked = new URLSearchParams(location.search).get("q") ?? "";
  if (document.activeElement === search && search.value !== asked) {
    search.dispatchEvent(new Event("search"));
  }
});
