import { toast } from "./toast.js";

// Buttons that copy the text beside them.
export function startCopy() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const text = button.parentElement.querySelector("code").textContent.trim();
    const copied = await copy(text);
    button.classList.toggle("done", copied);
    toast(copied ? "Copied." : "The browser does not let this page copy: select the text instead.", copied);
    setTimeout(() => button.classList.remove("done"), 1500);
  });
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard without https or localhost: fall back to the selection.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}
