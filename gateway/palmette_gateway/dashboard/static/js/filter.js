// A text field that hides the items that do not contain its words.
export function startFilter() {
  for (const input of document.querySelectorAll("[data-filter]")) {
    const apply = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const item of document.querySelectorAll(input.dataset.filter)) {
        const text = item.textContent.toLowerCase();
        item.hidden = !words.every((word) => text.includes(word));
        shown += item.hidden ? 0 : 1;
      }
      for (const group of document.querySelectorAll("[data-filter-group]")) {
        group.hidden = !group.querySelector(`${input.dataset.filter}:not([hidden])`);
      }
      document.getElementById("filter-none").hidden = shown > 0;
    };
    input.addEventListener("input", apply);
    apply();
  }
}
