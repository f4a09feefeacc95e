// Copies the text of the element a button names.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const source = document.getElementById(button.dataset.copy);
    const label = button.querySelector("span");
    if (!source || !label) continue;
    const usual = label.textContent;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(source.textContent);
      } catch {
        getSelection()?.selectAllChildren(source);
        return;
      }
      label.textContent = button.dataset.done;
      setTimeout(() => { label.textContent = usual; }, 3000);
    });
    button.hidden = false;
  }
}
