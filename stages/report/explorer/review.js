// Review: a person judges the sample of `skyscript judge --sheet`, one image and statement at a time.
"use strict";

const WORDS = { r: "right", w: "wrong", u: "unsure" };
const HEADER = ["filepath", "statement", "verdict", "why", "kind"];
const HOLDS = new Set([...Object.values(WORDS), ""]);

// Gives the rows of a CSV, each a list of texts (RFC 4180). A browser has no reader of CSVs.
function cellsOf(text) {
  const cell = /(?:"((?:[^"]+|"")*)"|([^",\r\n][^,\r\n]*|))(,|\r\n|\n|\r|$)/y, rows = [];
  for (let row = []; cell.lastIndex < text.length || row.length; ) {
    const found = cell.exec(text);
    if (!found) throw new Error(`row ${rows.length} has a quote that does not end`);
    row.push(found[1] === undefined ? found[2] : found[1].replaceAll('""', '"'));
    if (found[3] === ",") continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

// Gives the rows of a sheet. An error says in one sentence what is wrong with it.
async function readSheet(file) {
  const [columns = [], ...read] = cellsOf(await file.text());
  const missing = HEADER.slice(0, 3).filter((name) => !columns.includes(name));
  if (missing.length) {
    throw new Error(`it has no column ${missing[0]}; choose a CSV of skyscript judge --sheet`);
  }
  if (!read.length) throw new Error("it has no rows");
  return read.map((cells, at) => {
    const row = Object.fromEntries(HEADER.map((name) => [name, cells[columns.indexOf(name)] || ""]));
    const given = row.verdict.slice(0, 40);
    row.verdict = row.verdict.trim().toLowerCase();
    if (!HOLDS.has(row.verdict)) {
      throw new Error(`row ${at + 1} has the verdict ${given}; write right, wrong, unsure or nothing`);
    }
    if (!isBelow(row.filepath)) {
      throw new Error(`row ${at + 1} names no file of the run: ${row.filepath.slice(0, 40)}`);
    }
    return row;
  });
}

const isBelow = (path) => path.split("/").every((part) => !["", ".", ".."].includes(part));
// The images of a run, or the copies beside this page where those of the run lie in tars.
const [OF_RUN, BESIDE] = ["../", ""];
const addressOf = (path, folder = OF_RUN) =>
  `${folder}${path.split("/").map(encodeURIComponent).join("/")}`;

// Gives the rows as the CSV that `skyscript judge --verdicts` reads.
function csvOf(rows) {
  const field = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = rows.map((row) => HEADER.map((name) => field(row[name])).join(","));
  return [HEADER.join(","), ...lines, ""].join("\n");
}

// What the browser keeps of each sheet, if it keeps anything of a page from disk.
class Memory {
  last = `skyscript review ${location.pathname}`;

  key(rows) {
    let sum = 0;
    for (const { filepath, statement } of rows) {
      for (const letter of `${filepath}\n${statement}\n`) {
        sum = (Math.imul(sum, 31) + letter.codePointAt(0)) | 0;
      }
    }
    return `${this.last} ${rows.length} ${sum}`;
  }

  // Keeps a sheet; gives whether that worked.
  keep(sheet) {
    try {
      localStorage.setItem(sheet.key, JSON.stringify(sheet));
      localStorage.setItem(this.last, sheet.key);
      return true;
    } catch {
      return false;
    }
  }

  // Gives what was kept under a key, by default the sheet of the last visit; null if nothing was.
  get(key = null) {
    try {
      return JSON.parse(localStorage.getItem(key || localStorage.getItem(this.last)));
    } catch {
      return null;
    }
  }
}

// Gives the box that a statement names, in thousandths of the image's sides, as a rectangle of it.
function boxOf(statement, width, height) {
  const found = /\[(\d+), (\d+), (\d+), (\d+)\]/.exec(statement);
  if (!found) return [];
  const [left, top, right, bottom] = found.slice(1).map((text) => Number(text) / 1000);
  const size = { width: (right - left) * width, height: (bottom - top) * height };
  return [make("rect", { x: left * width, y: top * height, ...size })];
}

class Review {
  constructor() {
    this.memory = new Memory();
    this.place = (name) => document.getElementById(name);
    this.place("sheet").addEventListener("change", (event) => this.choose(event.target.files[0]));
    this.place("picture").addEventListener("error", () => this.say("This image cannot be read."));
    this.place("picture").addEventListener("load", () => this.showBox());
    this.place("why").addEventListener("input", (event) => {
      this.row.why = event.target.value.trim();
      this.keep();
    });
    for (const button of document.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => this.act(button.dataset.do));
    }
    document.addEventListener("keydown", (event) => this.listen(event));
    addEventListener("beforeunload", (event) => {
      if (this.isAtRisk) event.preventDefault();
    });
    const kept = this.memory.get();
    if (kept) this.open(kept);
  }

  get row() {
    return this.sheet.rows[this.sheet.at];
  }

  say(text) {
    this.place("message").textContent = text;
  }

  async choose(file) {
    if (!file) return;
    try {
      const rows = await readSheet(file), key = this.memory.key(rows);
      const kept = this.memory.get(key);
      if (kept) {
        rows.forEach((row, at) => {
          if (!row.verdict) Object.assign(row, kept.rows[at]);
        });
      }
      this.open({ key, name: file.name, rows, at: 0, done: [] });
      this.next(-1);
      this.keep();
    } catch (error) {
      this.say(`${file.name} cannot be read: ${error.message}.`);
    }
  }

  open(sheet) {
    this.sheet = sheet;
    this.place("review").hidden = false;
    this.show();
  }

  // Keeps the sheet in the browser, or says that it cannot.
  keep() {
    this.isAtRisk = !this.memory.keep(this.sheet);
    if (this.isAtRisk) this.say("This browser keeps nothing of the page: save before you close it.");
  }

  show() {
    const { rows, at } = this.sheet, { filepath, statement, verdict, why } = this.row;
    this.say("");
    const picture = this.place("picture");
    picture.onerror = () => {
      picture.onerror = null;
      picture.src = addressOf(filepath, BESIDE);
    };
    this.place("box").replaceChildren();
    picture.src = addressOf(filepath);
    this.place("statement").textContent = statement;
    this.place("why").value = why;
    for (const word of Object.values(WORDS)) {
      document.querySelector(`[data-do=${word}]`).setAttribute("aria-pressed", word === verdict);
    }
    this.count();
    new Image().src = addressOf(rows[(at + 1) % rows.length].filepath); // to be there at once
  }

  // Draws the box of the statement over the image, which fits its frame as the drawing does.
  showBox() {
    const { naturalWidth: width, naturalHeight: height } = this.place("picture");
    this.place("box").setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.place("box").replaceChildren(...boxOf(this.row.statement, width, height));
  }

  count() {
    const { rows, at, name, done } = this.sheet;
    const counts = Object.fromEntries([...HOLDS].map((word) => [word, 0]));
    for (const row of rows) counts[row.verdict]++;
    const judged = rows.length - counts[""];
    Object.assign(this.place("bar"), { max: rows.length, value: judged });
    this.place("progress").textContent =
      `${name}: ${thousands(judged)} of ${thousands(rows.length)} judged: ` +
      Object.values(WORDS).map((word) => `${thousands(counts[word])} ${word}`).join(", ") +
      `; this is number ${thousands(at + 1)}`;
    this.place("finished").hidden = judged < rows.length;
    document.querySelector("[data-do=undo]").disabled = done.length === 0;
  }

  act(what) {
    if (what === "save") return this.save();
    if (what === "undo") this.undo();
    else if (what === "before" || what === "after") this.step(what === "after" ? 1 : -1);
    else this.judge(what);
    this.keep();
  }

  judge(word) {
    const { done, at } = this.sheet;
    done.push([at, this.row.verdict]);
    this.row.verdict = word;
    this.next(at);
  }

  // Shows the next image without a verdict; the same one if there is none.
  next(from) {
    const { rows } = this.sheet;
    for (let by = 1; by <= rows.length; by++) {
      const at = (from + by) % rows.length;
      if (!rows[at].verdict) {
        this.sheet.at = at;
        break;
      }
    }
    this.show();
  }

  step(by) {
    const { rows, at } = this.sheet;
    this.sheet.at = Math.min(rows.length - 1, Math.max(0, at + by));
    this.show();
  }

  undo() {
    const last = this.sheet.done.pop();
    if (!last) return;
    this.sheet.at = last[0];
    this.row.verdict = last[1];
    this.show();
  }

  save() {
    const address = URL.createObjectURL(new Blob([csvOf(this.sheet.rows)], { type: "text/csv" }));
    make("a", { href: address, download: this.sheet.name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
    this.isAtRisk = false;
  }

  listen(event) {
    if (!this.sheet || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.id === "why") {
      if (["Enter", "Escape"].includes(event.key)) event.target.blur();
      return;
    }
    const keys = { ArrowLeft: "before", ArrowRight: "after", z: "undo", s: "save", ...WORDS };
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "n") this.place("why").focus();
    else if (key in keys) this.act(keys[key]);
    else return;
    event.preventDefault();
  }
}

explorer.review = new Review();
