// A form whose answer is on the same page: it says that it was asked, and keeps the address short enough to share.
export function startQuestion() {
  const form = document.querySelector("[data-question]");
  if (!form) return;
  const button = form.querySelector("button[type=submit]");
  const working = form.querySelector("[data-working]");
  const busy = (is) => {
    button.disabled = is;
    working.hidden = !is;
  };
  form.addEventListener("submit", () => busy(true));
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) {
      // What must be filled in stays, so that the answer can say that it is missing.
      if (!value && !form.elements[name].ariaRequired) formData.delete(name);
    }
  });
  // The browser keeps the page as it was left when one goes back to it.
  addEventListener("pageshow", ({ persisted }) => persisted && busy(false));
}
