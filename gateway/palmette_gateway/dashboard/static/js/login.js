// Signs in with the token of a link /login#token=..., which no server ever sees in an address.
export function startLogin() {
  const form = document.getElementById("login");
  if (!form) return;
  const fragment = location.hash.slice(1);
  const token = new URLSearchParams(fragment).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname + location.search);
    form.elements.token.value = token;
    form.requestSubmit();
    return;
  }
  // A link on another site brings people here without their cookie (SameSite=Strict). A step from this page has it.
  const next = form.elements.next.value;
  if (next !== "/" && !new URLSearchParams(location.search).has("tried") && document.referrer === "") {
    probe(next);
  }
}

async function probe(next) {
  const answer = await fetch("/live/session", { redirect: "manual" }).catch(() => null);
  if (answer?.ok) location.replace(next);
}
