// Says that an answer is on its way, and keeps a second press from sending twice.
// The server guards against that as well; this spares people the doubt.
const restore = new Map();

for (const form of document.querySelectorAll("form[data-guard]")) {
  form.addEventListener("submit", (event) => {
    if (restore.has(form)) {
      event.preventDefault();
      return;
    }
    const button = event.submitter ?? form.querySelector("button[data-busy]");
    const label = button?.querySelector(".btn__label");
    restore.set(form, () => {});
    if (!label || !button.dataset.busy) return;
    const usual = label.textContent;
    // aria-disabled, not disabled: a disabled button would not be sent, and would lose the focus.
    button.setAttribute("aria-disabled", "true");
    button.setAttribute("aria-busy", "true");
    label.textContent = button.dataset.busy;
    restore.set(form, () => {
      button.removeAttribute("aria-disabled");
      button.removeAttribute("aria-busy");
      label.textContent = usual;
    });
  });
}

// Back from the next page: the form is as it was.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  restore.forEach((undo) => undo());
  restore.clear();
});
