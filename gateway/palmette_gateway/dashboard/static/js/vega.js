// Vega, loaded when the first figure needs it, in the colours of the page and without access to anything else.
let loaded;

function loadVega() {
  loaded ??= document.querySelector('meta[name="vega"]').content.trim().split(" ")
    .reduce((before, address) => before.then(() => loadScript(address)), Promise.resolve());
  return loaded;
}

function loadScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error(`cannot load ${address}`)));
    document.head.append(script);
  });
}

// A figure comes from a plugin: it may draw its own data and nothing else.
const refuse = () => Promise.reject(new Error("figures carry their data with them; nothing is loaded for them"));
const LOADER = { load: refuse, sanitize: refuse, http: refuse, file: refuse };

export async function draw(element, spec) {
  await loadVega();
  const { usermeta, ...own } = spec;
  const result = await vegaEmbed(element, fit(own), {
    actions: false,
    ast: true,
    config: theme(),
    defaultStyle: false,
    loader: LOADER,
    logLevel: vega.Error,
    renderer: "svg",
    tooltip: { disableDefaultStyle: true },
  });
  return result.view;
}

// A single view without a width of its own takes the width that there is.
function fit(spec) {
  const composed = ["hconcat", "vconcat", "concat", "facet", "repeat", "spec"].some((key) => key in spec);
  const faceted = ["row", "column", "facet"].some((channel) => spec.encoding?.[channel]);
  if (composed || faceted || "width" in spec || !("mark" in spec || "layer" in spec)) return spec;
  return { ...spec, width: "container", autosize: { type: "fit-x", contains: "padding", ...spec.autosize } };
}

function colour(name) {
  const probe = document.createElement("span");
  probe.className = `probe-${name}`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function theme() {
  const text = colour("text"), muted = colour("muted"), line = colour("line");
  const font = '"Inter", system-ui, sans-serif';
  const axis = {
    domainColor: line, gridColor: line, tickColor: line, labelColor: muted, titleColor: muted,
    labelFont: font, titleFont: font, labelFontSize: 11, titleFontSize: 11, titleFontWeight: 500, gridOpacity: 0.7,
  };
  return {
    background: "transparent",
    font,
    axis,
    header: { labelColor: muted, titleColor: text, labelFont: font, titleFont: font },
    legend: { labelColor: text, titleColor: muted, labelFont: font, titleFont: font, labelFontSize: 12 },
    title: { color: text, subtitleColor: muted, font, subtitleFont: font, fontSize: 13, fontWeight: 600, anchor: "start" },
    view: { stroke: "transparent" },
    range: { category: [1, 2, 3, 4, 5].map((number) => colour(`chart-${number}`)) },
    mark: { color: colour("chart-1") },
    text: { color: text, font },
    rule: { color: muted },
  };
}
