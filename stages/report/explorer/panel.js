// The panel of one pair: image with its objects, captions, tags, scores and provenance.
"use strict";

class Panel {
  constructor(store, gallery) {
    this.store = store;
    this.gallery = gallery;
    this.dialog = document.getElementById("panel");
    this.dialog.addEventListener("close", () => this.closed());
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    this.dialog.addEventListener("keydown", (event) => {
      if (event.target.closest(".sheet")) return;
      if (event.key === "ArrowRight") this.step(1);
      if (event.key === "ArrowLeft") this.step(-1);
    });
  }

  async open(name) {
    const row = this.store.names.indexOf(name);
    if (row < 0) {
      this.gallery.answer.textContent = `The gallery holds no image ${name}.`;
      return;
    }
    this.row = row;
    const detail = await this.store.detail(row);
    if (this.row !== row) return;
    this.map?.remove();
    this.map = null;
    this.dialog.replaceChildren(...this.content(row, detail));
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.focus(); // what had the focus was replaced, and keys must reach the dialog
    this.dialog.scrollTop = 0;
    this.map = await placeMap(this.dialog.querySelector(".place"), this.store, row);
  }

  closed() {
    this.map?.remove();
    this.map = null;
    const row = this.row;
    this.row = -1;
    this.dialog.replaceChildren();
    if (location.hash.startsWith("#image=")) setHash("");
    this.gallery.cards.querySelector(`[data-row="${row}"]`)?.focus();
  }

  // Opens the next pair of the answer, or the one before.
  step(by) {
    const at = this.gallery.found.indexOf(this.row) + by;
    if (at < 0 || at >= this.gallery.found.length) return;
    location.hash = `image=${encodeURIComponent(this.store.names[this.gallery.found[at]])}`;
  }

  button(label, title, action) {
    const made = make("button", { type: "button", title, "aria-label": title }, label);
    made.addEventListener("click", action);
    return made;
  }

  header(title) {
    return make("header", {},
      make("h2", {}, title),
      make("span", { class: "buttons" },
        this.button("←", "The pair before", () => this.step(-1)),
        this.button("→", "The next pair", () => this.step(1)),
        this.button("×", "Close", () => this.dialog.close())));
  }

  content(row, detail) {
    const { simulated } = this.gallery.cards.dataset;
    const isSimulated = this.store.choice("source", row) === simulated;
    const page = `https://www.openstreetmap.org/${detail.osm}`;
    const link = make("a", { href: page, rel: "noopener" }, detail.osm);
    if (detail.lost) return this.lost(row, detail, link);
    return [
      this.header(detail.title),
      make("div", { class: "columns" },
        make("div", {}, this.picture(row, detail, isSimulated), make("div", { class: "place sheet" })),
        make("div", {},
          this.captions(detail),
          this.statements(detail),
          this.tags("Tags", detail.tags),
          this.reasons(detail),
          facts("Object", {
            object: link, version: detail.version, changed: detail.changed,
          }),
          facts("Image", {
            file: detail.file, time: detail.time, "metres a pixel": detail.gsd,
            pixels: detail.size.join(" × "), box: detail.box.join(", "), ...detail.gate,
          }),
          facts(detail.scorer ? `Scores of ${detail.scorer}` : "Scores", detail.scores),
          facts("Map and image", detail.match),
          facts("Files", {
            split: detail.split, "in no filtered file": detail.notKept,
            ...Object.fromEntries(detail.files.map(([file, at]) => [file, `row ${thousands(at)}`])),
          }),
          facts("Provenance", mapValues(detail.provenance, (value) => [value].flat().join(", "))))),
    ];
  }

  // Gives what is shown of an object without a pair.
  lost(row, detail, link) {
    const src = this.store.image(row);
    return [
      this.header(detail.title),
      make("div", { class: "columns" },
        make("div", {},
          src ? make("figure", {}, make("img", { src, alt: detail.title })) : null,
          make("div", { class: "place sheet" })),
        make("div", {},
          facts("Dropped", mapValues(detail.lost, (value) => [value].flat().join(", "))),
          this.tags("Tags", detail.tags),
          facts("Object", { object: link }),
          facts("Image", {
            file: detail.file, source: this.store.choice("source", row), "metres a pixel": detail.gsd,
            box: detail.box.join(", "),
          }))),
    ];
  }

  picture(row, detail, isSimulated) {
    const [width, height] = detail.size;
    const drawings = detail.drawings.map(([id, path, isArea, name]) =>
      make("path", { d: path, class: isArea ? "area" : "line", "data-object": id },
        make("title", {}, `${id} ${name}`)));
    this.highlight = make("rect", { class: "highlight", visibility: "hidden" });
    this.drawing = make("svg", { viewBox: `0 0 ${width} ${height}` }, drawings, this.highlight);
    const box = make("input", { type: "checkbox", checked: "" });
    box.addEventListener("change", () => this.drawing.classList.toggle("off", !box.checked));
    const { mark } = this.gallery.cards.dataset;
    return make("figure", {},
      make("div", { class: "picture" },
        make("img", { src: this.store.image(row), alt: detail.title, width, height }),
        this.drawing,
        isSimulated ? make("em", { class: "mark" }, mark) : null),
      make("figcaption", {}, make("label", {}, box, ` ${drawings.length} objects of the map`)));
  }

  captions(detail) {
    const texts = detail.captions.map(([text, count]) =>
      make("p", {}, text, count === null ? null : make("small", {}, `${count} tokens`)));
    return make("section", { class: "captions" }, make("h3", {}, "Captions"), texts);
  }

  statements(detail) {
    if (!detail.statements.length) return null;
    const items = detail.statements.map((one) => {
      const mark = one.isFalse ? make("em", {}, "false: ") : null;
      const item = make("li", { tabindex: "0" }, mark, one.text, make("small", {}, one.kind));
      const show = (on) => () => this.show(one, on);
      for (const name of ["mouseenter", "focus"]) item.addEventListener(name, show(true));
      for (const name of ["mouseleave", "blur"]) item.addEventListener(name, show(false));
      return item;
    });
    return make("section", { class: "statements" }, make("h3", {}, "Statements"),
      make("ul", {}, items));
  }

  // Marks the objects on which a statement rests, and their box.
  show(statement, on) {
    for (const path of this.drawing.querySelectorAll("path")) {
      path.classList.toggle("on", on && statement.on.includes(path.dataset.object));
    }
    const [left, top, right, bottom] = statement.box;
    const sides = { x: left, y: top, width: right - left, height: bottom - top };
    for (const [name, value] of Object.entries(sides)) this.highlight.setAttribute(name, value);
    this.highlight.setAttribute("visibility", on ? "visible" : "hidden");
  }

  tags(title, tags) {
    const items = tags.map(([key, value]) => {
      const made = this.button(`${key}=${value}`, "Search this tag", () => {
        this.dialog.close();
        this.gallery.search(`${key}=${value}`.toLowerCase().replace(/\s+/g, "_"));
      });
      return make("li", {}, made);
    });
    return make("section", {}, make("h3", {}, title), make("ul", { class: "chips" }, items));
  }

  reasons(detail) {
    if (!detail.leftOut.length) return null;
    const rows = detail.leftOut.map(([tag, why]) =>
      make("tr", {}, make("th", {}, tag), make("td", {}, why)));
    return make("section", {}, make("h3", {}, "Tags left out"), make("table", {}, rows));
  }
}

// Gives a section with a table of names and values; null if there is no value.
function facts(title, values) {
  const rows = Object.entries(values)
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) =>
      make("tr", {}, make("th", {}, name.replaceAll("_", " ")),
        make("td", {}, value instanceof Node ? value : String(value))));
  return rows.length ? make("section", {}, make("h3", {}, title), make("table", {}, rows)) : null;
}
