// Starts the explorer: loads the data, then draws charts and map once they come into view.
"use strict";

// Replaces the part of the address after #, without a new entry of the history.
function setHash(text) {
  try {
    history.replaceState(null, "", `#${text}`);
  } catch {
    location.replace(`#${text}`);
  }
}

// Calls a function once, when an element is about to come into view.
function whenSeen(element, action) {
  const seen = new IntersectionObserver((entries) => {
    if (!entries[0].isIntersecting) return;
    seen.disconnect();
    action();
  }, { rootMargin: "300px" });
  seen.observe(element);
}

const isDark = matchMedia("(prefers-color-scheme: dark)");

function chartStyle() {
  const ink = colour("--ink"), soft = colour("--soft"), rule = colour("--rule");
  const axis = { domainColor: rule, gridColor: rule, tickColor: rule, labelColor: soft };
  return {
    background: "transparent",
    view: { stroke: null },
    axis: { ...axis, titleColor: soft, labelLimit: 220, titleFontWeight: "normal" },
    legend: { labelColor: ink, titleColor: soft },
    bar: { color: colour("--accent") },
    rule: { color: soft },
    range: { category: [0, 1, 2, 3, 4, 5, 6, 7].map((number) => colour(`--s${number}`)) },
  };
}

async function drawChart(place, gallery) {
  const { charts } = await explorer.load("overview");
  await explorer.library("vendor/vega.js");
  const name = place.dataset.chart;
  const options = { actions: false, renderer: "svg", config: chartStyle() };
  const { view } = await vegaEmbed(place, charts[name], options);
  if (name === "tags") {
    view.addEventListener("click", (_, item) => {
      if (item?.datum?.name) gallery.search(item.datum.name.toLowerCase().replace(/\s+/g, "_"));
    });
  }
  if (name === "concepts") {
    view.addEventListener("click", (_, item) => {
      if (!item?.datum?.name) return;
      gallery.search("");
      setTimeout(() => {
        gallery.field("concept").value = item.datum.name;
        gallery.ask();
      });
    });
  }
}

function drawCharts(gallery) {
  for (const place of document.querySelectorAll(".chart")) {
    whenSeen(place, () => {
      const draw = () => drawChart(place, gallery).catch((error) => (place.textContent = error.message));
      draw();
      isDark.addEventListener("change", draw);
    });
  }
}

function drawMap(store, gallery) {
  const place = document.getElementById("coverage");
  whenSeen(place, async () => {
    try {
      const [overview] = await Promise.all([
        explorer.load("overview"), explorer.library("vendor/leaflet.js"),
      ]);
      const map = new CoverageMap(place, store, gallery, overview);
      isDark.addEventListener("change", () => map.drawAgain());
    } catch (error) {
      place.textContent = error.message;
    }
  });
}

function listenToKeys(gallery, panel) {
  document.addEventListener("keydown", (event) => {
    if (panel.dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
    const search = gallery.field("search"), isTyping = event.target.closest("input, select");
    if (event.key === "/" && !isTyping) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape" && event.target === search) {
      search.value = "";
      gallery.ask();
      gallery.focus(0);
    } else if (event.key === "ArrowDown" && event.target === search) {
      event.preventDefault();
      gallery.focus(0);
    }
  });
}

function openFromAddress(panel) {
  if (!location.hash.startsWith("#image=")) {
    if (panel.dialog.open) panel.dialog.close();
    return;
  }
  const name = location.hash.slice("#image=".length);
  try {
    panel.open(decodeURIComponent(name));
  } catch {
    panel.open(name); // a % that begins no escape
  }
}

async function start() {
  const answer = document.getElementById("answer");
  if (!answer) return drawCharts({ search() {} });
  try {
    const names = ["columns", "titles", "facets", "words"];
    const store = new Store(...(await Promise.all(names.map((name) => explorer.load(name)))));
    const gallery = new Gallery(store), panel = new Panel(store, gallery);
    explorer.gallery = gallery;
    gallery.ask();
    listenToKeys(gallery, panel);
    addEventListener("hashchange", () => openFromAddress(panel));
    openFromAddress(panel);
    drawMap(store, gallery);
    drawCharts(gallery);
  } catch (error) {
    answer.textContent = `The gallery cannot be shown: ${error.message}.`;
    throw error;
  }
}

start();
