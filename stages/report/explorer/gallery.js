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
    const { choices, facets, orders } = this.store;
    for (const name of ["source", "year", "fate"]) {
      const counts = new Uint32Array(256);
      for (const number of choices[name].of) counts[number]++;
      this.options(name, choices[name].names.map((text, at) => [text, counts[at]]));
    }
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

  options(name, counts) {
    const options = counts.map(([value, count]) =>
      make("option", { value }, `${value} (${thousands(count)})`),
    );
    this.field(name).append(...options);
    this.field(name).closest("label").hidden = options.length === 0;
  }

  question() {
    const ranges = {};
    for (const name of ["similarity", "match"]) {
      const [low, high] = ["low", "high"].map((end) => this.field(`${name}-${end}`).value.trim());
      if (low || high) {
        ranges[name] = [low ? Number(low) : -Infinity, high ? Number(high) : Infinity];
      }
    }
    const question = { text: this.field("search").value, ranges };
    for (const name of ["concept", "source", "year", "fate", "file", "order"]) {
      question[name] = this.field(name).value;
    }
    return question;
  }

  ask() {
    const begun = performance.now();
    this.found = this.store.ask(this.question());
    this.took = performance.now() - begun;
    const { rows } = this.store;
    this.answer.textContent =
      `${thousands(this.found.length)} of ${thousands(rows)} pairs, ${this.took.toFixed(0)} ms`;
    this.cards.replaceChildren();
    this.showMore();
    for (const listener of this.listeners) listener(this.found);
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
    const facts = [source, `${Number(gsd[row].toPrecision(3))} m`, store.choice("year", row)];
    if (!Number.isNaN(similarity[row])) facts.push(`score ${similarity[row].toFixed(3)}`);
    if (!Number.isNaN(match[row])) facts.push(`match ${match[row].toFixed(2)}`);
    facts.push(store.choice("fate", row));
    const image = make("img", { src: store.image(row), alt: title, loading: "lazy" });
    return make(
      "a",
      { class: "card", href: `#image=${encodeURIComponent(store.names[row])}`, "data-row": row },
      make("span", { class: "picture" }, image,
        source === simulated ? make("em", { class: "mark" }, mark) : null),
      make("strong", {}, title),
      make("span", { class: "facts" }, facts.join(" · ")),
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
