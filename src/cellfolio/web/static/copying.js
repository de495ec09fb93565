// Buttons that copy the text of an element; where the clipboard is closed, the text is selected.

const select = (element) => {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
};

const tell = (button, words) => {
  const before = button.innerHTML;
  button.textContent = words;
  setTimeout(() => {
    button.innerHTML = before;
  }, 1500);
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) {
    return;
  }
  const element = document.getElementById(button.dataset.copies);
  try {
    await navigator.clipboard.writeText(element.textContent);
    tell(button, "Copied");
  } catch {
    select(element);
    tell(button, "Selected");
  }
});
