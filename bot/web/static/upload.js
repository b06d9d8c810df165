"use strict";
/* The page that takes one file. Without this script it is a plain form; with it, a picture shows before it is sent, a
   file that is too large is noticed before it travels, and the button can't be pressed twice. */
(() => {
  const form = document.getElementById("upload"), file = document.getElementById("file");
  const fault = document.getElementById("fault"), preview = document.getElementById("preview");
  const state = document.getElementById("state"), go = document.getElementById("go");
  let shown = "";

  function check() {
    const picked = file.files[0];
    if (!picked) return true;
    fault.textContent = picked.size > Number(form.dataset.most) ? form.dataset.tooLarge
      : picked.size === 0 ? form.dataset.empty : "";
    return !fault.textContent;
  }

  file.addEventListener("change", () => {
    const picked = file.files[0];
    if (shown) URL.revokeObjectURL(shown);
    shown = "";
    preview.hidden = true;
    if (!check() || !picked || !picked.type.startsWith("image/")) return;
    shown = URL.createObjectURL(picked);
    preview.src = shown;
  });
  preview.addEventListener("load", () => { preview.hidden = false; });
  preview.addEventListener("error", () => { preview.hidden = true; });
  form.addEventListener("submit", (event) => {
    if (!check()) { event.preventDefault(); file.focus(); return; }
    go.disabled = true;
    state.textContent = form.dataset.sending;
  });
  window.addEventListener("pageshow", () => { go.disabled = false; state.textContent = ""; });
})();
