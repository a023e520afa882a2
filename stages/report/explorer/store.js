// The data of the gallery: loads what the report packed, and answers questions about it.
// A page from disk may load scripts only, so each file of data calls explorer.put(name, value).
"use strict";

const explorer = {
  parts: new Map(),

  // Gives a promise of a part's value; its script is loaded once.
  load(name, file = `data/${name}.js`) {
    return this.part(name, (part) => {
      const script = document.createElement("script");
      script.src = file;
      script.onerror = () => part.reject(new Error(`${file} cannot be read`));
      document.head.append(script);
    }).promise;
  },

  // Gives a promise of a library that is a script of its own.
  library(file) {
    return this.part(file, (part) => {
      const script = document.createElement("script");
      script.src = file;
      script.onload = () => part.resolve();
      script.onerror = () => part.reject(new Error(`${file} cannot be read`));
      document.head.append(script);
    }).promise;
  },

  part(name, begin) {
    if (!this.parts.has(name)) {
      const part = {};
      part.promise = new Promise((resolve, reject) => Object.assign(part, { resolve, reject }));
      this.parts.set(name, part);
      begin(part);
    }
    return this.parts.get(name);
  },

  put(name, value) {
    this.part(name, () => {}).resolve(value);
  },
};

// Decodes base64 to a typed array of little-endian numbers.
function unpack(text, Kind) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return new Kind(bytes.buffer);
}

// The rows in which each word stands.
class Index {
  constructor(packed) {
    this.words = packed.words;
    this.counts = unpack(packed.counts, Uint32Array);
    this.starts = unpack(packed.starts, Uint32Array);
    this.bytes = unpack(packed.rows, Uint8Array);
  }

  // Gives the number of the first word that is not less than a text.
  find(text) {
    let low = 0, high = this.words.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.words[middle] < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // Marks the rows of a word: by gaps, in groups of seven bits, lowest first.
  markWord(number, mask) {
    const { bytes } = this, end = this.starts[number + 1];
    let row = -1;
    for (let at = this.starts[number]; at < end; ) {
      let gap = 0, shift = 0, byte;
      do {
        byte = bytes[at++];
        gap |= (byte & 127) << shift;
        shift += 7;
      } while (byte & 128);
      row += gap + 1;
      mask[row] = 1;
    }
  }

  // Marks the rows of all words that begin with a text.
  markPrefix(text, mask) {
    for (let at = this.find(text); at < this.words.length; at++) {
      if (!this.words[at].startsWith(text)) break;
      this.markWord(at, mask);
    }
  }

  mark(text, mask) {
    const at = this.find(text);
    if (this.words[at] === text) this.markWord(at, mask);
  }

  // Gives the words with a prefix, without it, and their numbers of rows; the most frequent first.
  starting(prefix) {
    const found = [];
    for (let at = this.find(prefix); at < this.words.length; at++) {
      if (!this.words[at].startsWith(prefix)) break;
      found.push([this.words[at].slice(prefix.length), this.counts[at]]);
    }
    return found.sort((a, b) => b[1] - a[1]);
  }
}

// Gives what a search looks for: words of letters and digits, and tags as key=value.
function termsOf(text) {
  const terms = [];
  for (const piece of text.toLowerCase().split(/\s+/)) {
    if (piece.includes("=")) terms.push(piece);
    else terms.push(...(piece.match(/[\p{L}\p{N}]+/gu) || []));
  }
  return terms;
}

class Store {
  constructor(columns, titles, facets, words) {
    this.rows = columns.rows;
    this.details = columns.details;
    this.images = columns.images;
    this.names = columns.rows ? columns.names.split("\n") : [];
    this.numbers = mapValues(columns.numbers, (text) => unpack(text, Float32Array));
    this.orders = mapValues(columns.orders, (text) => unpack(text, Uint32Array));
    this.choices = mapValues(columns.choices, ({ names, of }) => ({
      names,
      of: unpack(of, Uint8Array),
    }));
    this.titles = titles.texts;
    this.titleOf = unpack(titles.of, Uint32Array);
    this.facets = new Index(facets);
    this.words = new Index(words);
  }

  // Gives the rows that fit a question, in its order.
  ask(question) {
    const kept = new Uint8Array(this.rows).fill(1);
    for (const term of termsOf(question.text || "")) {
      this.keep(kept, (mask) => this.words.markPrefix(term, mask));
    }
    for (const kind of ["concept", "file"]) {
      if (question[kind]) {
        this.keep(kept, (mask) => this.facets.mark(`${kind}:${question[kind]}`, mask));
      }
    }
    for (const [name, { names, of }] of Object.entries(this.choices)) {
      if (!question[name]) continue;
      const wanted = names.indexOf(question[name]);
      for (let row = 0; row < kept.length; row++) if (of[row] !== wanted) kept[row] = 0;
    }
    for (const [name, [low, high]] of Object.entries(question.ranges || {})) {
      const values = this.numbers[name];
      for (let row = 0; row < kept.length; row++) {
        if (!(values[row] >= low && values[row] <= high)) kept[row] = 0;
      }
    }
    return this.inOrder(kept, question.order);
  }

  keep(kept, mark) {
    const mask = new Uint8Array(this.rows);
    mark(mask);
    for (let row = 0; row < kept.length; row++) kept[row] &= mask[row];
  }

  // Gives the kept rows in an order: of the run, of a column ("match"), or down it ("match down").
  // Rows without a value go last.
  inOrder(kept, order = "") {
    const [name, way] = order.split(" ");
    const rows = this.orders[name], found = new Uint32Array(this.rows);
    let count = 0;
    const add = (row) => {
      if (kept[row]) found[count++] = row;
    };
    if (!rows) for (let row = 0; row < kept.length; row++) add(row);
    else if (!way) rows.forEach(add);
    else {
      const values = this.numbers[name], missing = rows.findIndex((row) => Number.isNaN(values[row]));
      const end = missing < 0 ? rows.length : missing;
      for (let at = end - 1; at >= 0; at--) add(rows[at]);
      for (let at = end; at < rows.length; at++) add(rows[at]);
    }
    return found.subarray(0, count);
  }

  choice(name, row) {
    const { names, of } = this.choices[name];
    return names[of[row]];
  }

  image(row) {
    return `${this.images}${this.choice("folder", row)}/${encodeURIComponent(this.names[row])}.jpg`;
  }

  title(row) {
    return this.titles[this.titleOf[row]];
  }

  async detail(row) {
    const number = Math.floor(row / this.details);
    const file = `data/details-${String(number).padStart(5, "0")}.js`;
    return (await explorer.load(`details-${number}`, file))[row % this.details];
  }
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}
