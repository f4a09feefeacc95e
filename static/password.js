// Shows what was typed as a password, while the button is pressed in.
for (const button of document.querySelectorAll("button[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  if (!(field instanceof HTMLInputElement)) continue;
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };
  button.addEventListener("click", () => {
    show(field.type === "password");
    field.focus();
  });
  // Sent hidden again: browsers offer to remember only fields of type password.
  field.form?.addEventListener("submit", () => show(false));
  button.hidden = false;
}
