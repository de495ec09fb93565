// Before the page is painted: the theme that was chosen here, else what the system prefers.
"use strict";
{
  const kept = localStorage.getItem("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = kept ?? (dark ? "dark" : "light");
}
