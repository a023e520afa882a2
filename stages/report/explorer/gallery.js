// The gallery: the filters, the cards, and how keys move between them.
"use strict";

const PAGE_OF_CARDS = 48;

class Gallery {
  constructor(store) {
    this.store = store;
    this.form = document.getElementById("filters");
    this.cards = document.getElementById("cards");
    this.answer = document.getElementById("answer");
    this.listeners = [];
    this.found = new Uint32Array(0);
    this.fillChoices();
    if (!store.pairs) this.field("fate").value = "dropped";
    this.form.addEventListener("input", () => this.ask());
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("reset", () => setTimeout(() => this.ask()));
    this.cards.addEventListener("keydown", (event) => this.move(event));
    const more = new IntersectionObserver((seen) => seen[0].isIntersecting && this.showMore(), {
      rootMargin: "600px",
    });
    more.observe(document.getElementById("more"));
  }

  field(name) {
    return document.getElementById(name);
  }

  fillChoices() {
    const { facets, orders } = this.store;
    for (const name of ["source", "year"]) this.options(name, this.counts(name, this.store.pairs));
    const fates = this.counts("fate"), groups = { kept: 0, dropped: 0 };
    for (const [text, count] of fates) groups[KEPT.includes(text) ? "kept" : "dropped"] += count;
    const grouped = Object.entries(groups).filter(([, count]) => count);
    this.options("fate", grouped, FATES);
    this.options("fate", fates);
    this.options("why", this.counts("why"));
    this.options("concept", facets.starting("concept:"));
    this.options("file", facets.starting("file:"));
    const names = { mixed: "mixed", "": "as in the run" };
    const words = { similarity: "score", normalised: "normalised score", gsd: "metres a pixel" };
    words.similarity_multi_objects = "score of all objects";
    for (const name of Object.keys(orders)) {
      if (name === "mixed") continue;
      names[`${name} down`] = `${words[name] || name}, highest first`;
      names[name] = `${words[name] || name}, lowest first`;
    }
    this.field("order").append(
      ...Object.entries(names).map(([value, text]) => make("option", { value }, text)),
    );
    for (const name of ["similarity", "match"]) {
      this.field(`${name}-low`).closest("label").hidden = !(name in orders);
    }
  }

  // Gives the texts of a choice that some rows have, and the numbers of these rows.
  counts(name, end = this.store.rows) {
    const { names, of } = this.store.choices[name], counts = new Uint32Array(256);
    for (let row = 0; row < end; row++) counts[of[row]]++;
    return names.map((text, at) => [text, counts[at]]).filter(([text, count]) => text && count);
  }

  options(name, counts, shown = {}) {
    const options = counts.map(([value, count]) =>
      make("option", { value }, `${shown[value] || value} (${thousands(count)})`),
    );
    this.field(name).append(...options);
    this.field(name).closest("label").hidden = this.field(name).length === 1;
  }

  question() {
    const ranges = {};
    for (const name of ["similarity", "match"]) {
      const low = this.bound(`${name}-low`, -Infinity), high = this.bound(`${name}-high`, Infinity);
      if (low > -Infinity || high < Infinity) ranges[name] = [low, high];
    }
    const question = { text: this.field("search").value, ranges };
    for (const name of ["concept", "source", "year", "fate", "why", "file", "order"]) {
      question[name] = this.field(name).value;
    }
    return question;
  }

  // Gives the number in a field; `open` if there is none. A field with other text is marked.
  bound(name, open) {
    const text = this.field(name).value.trim().replace(",", "."), value = Number(text);
    this.field(name).setAttribute("aria-invalid", Number.isNaN(value));
    return text && !Number.isNaN(value) ? value : open;
  }

  ask() {
    const begun = performance.now();
    this.found = this.store.ask(this.question());
    this.took = performance.now() - begun;
    this.answer.textContent = this.described();
    this.cards.replaceChildren();
    this.showMore();
    for (const listener of this.listeners) listener(this.found);
  }

  described() {
    const { pairs, rows, unasked } = this.store, time = `${this.took.toFixed(0)} ms`;
    const all = this.store.isLost(this.question())
      ? `${thousands(rows)} pairs and objects without one`
      : `${thousands(pairs)} pairs`;
    const others = unasked ? `; ${thousands(unasked)} more were dropped before they got a caption` : "";
    return `${thousands(this.found.length)} of ${all}, ${time}${others}`;
  }

  showMore() {
    const shown = this.cards.childElementCount;
    const rows = this.found.subarray(shown, shown + PAGE_OF_CARDS);
    this.cards.append(...Array.from(rows, (row) => this.card(row)));
  }

  card(row) {
    const { store } = this, { simulated, mark } = this.cards.dataset;
    const { similarity, match, gsd } = store.numbers;
    const source = store.choice("source", row), title = store.title(row);
    const sharpness = Number.isNaN(gsd[row]) ? "" : `${Number(gsd[row].toPrecision(3))} m`;
    const facts = [source, sharpness, store.choice("year", row)];
    if (!Number.isNaN(similarity[row])) facts.push(`score ${similarity[row].toFixed(3)}`);
    if (!Number.isNaN(match[row])) facts.push(`match ${match[row].toFixed(2)}`);
    const why = store.choice("why", row);
    facts.push(store.choice("fate", row), why);
    const src = store.image(row);
    const image = src
      ? make("img", { src, alt: title, loading: "lazy" })
      : make("span", { class: "missing" }, why);
    return make(
      "a",
      { class: "card", href: `#image=${encodeURIComponent(store.names[row])}`, "data-row": row },
      make("span", { class: "picture" }, image,
        src && source === simulated ? make("em", { class: "mark" }, mark) : null),
      make("strong", {}, title),
      make("span", { class: "facts" }, facts.filter(Boolean).join(" · ")),
    );
  }

  // Moves the focus between cards by the arrow keys.
  move(event) {
    const cards = [...this.cards.children], at = cards.indexOf(document.activeElement);
    if (at < 0) return;
    const top = cards[0].offsetTop;
    const columns = Math.max(1, cards.filter((card) => card.offsetTop === top).length);
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const next = at + steps[event.key];
    if (next >= cards.length) this.showMore();
    if (next < 0) this.field("search").focus();
    else this.focus(Math.min(next, this.cards.childElementCount - 1));
  }

  focus(at) {
    this.cards.children[at]?.focus();
  }

  search(text) {
    this.form.reset();
    this.field("search").value = text;
    setTimeout(() => this.ask());
    document.getElementById("gallery").scrollIntoView();
  }
}
