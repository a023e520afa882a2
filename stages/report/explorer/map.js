// The maps: the coverage of the answer, and the place of one tile. They need no map tiles.
"use strict";

const MOST_BOXES = 2000;
const CELL = 24; // pixels
const LONGEST_ARROW = 0.08; // of the height of the map
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function emptyMap(place, options = {}) {
  const map = L.map(place, {
    preferCanvas: true, attributionControl: false, minZoom: 1, maxZoom: 22, zoomSnap: 0.25, ...options,
  });
  L.control.scale({ imperial: false }).addTo(map);
  return map;
}

function boxOf(store, row) {
  const { lon, lat, half_lon, half_lat } = store.numbers;
  return [
    [lat[row] - half_lat[row], lon[row] - half_lon[row]],
    [lat[row] + half_lat[row], lon[row] + half_lon[row]],
  ];
}

// Gives the bounds of the centres of some rows.
function boundsOf(store, rows) {
  const { lon, lat } = store.numbers;
  let [south, west, north, east] = [90, 180, -90, -180];
  for (const row of rows) {
    south = Math.min(south, lat[row]);
    north = Math.max(north, lat[row]);
    west = Math.min(west, lon[row]);
    east = Math.max(east, lon[row]);
  }
  return L.latLngBounds([south, west], [north, east]).pad(0.05);
}

class CoverageMap {
  constructor(place, store, gallery, overview) {
    this.store = store;
    this.overview = overview;
    this.map = emptyMap(place);
    this.found = gallery.found;
    this.map.fitBounds(boundsOf(store, this.found.length ? this.found : [0]));
    this.ground = L.layerGroup().addTo(this.map);
    this.tiles = L.layerGroup().addTo(this.map);
    this.arrows = L.layerGroup().addTo(this.map);
    this.drawAgain();
    this.map.on("moveend", () => this.draw());
    gallery.listeners.push((found) => {
      this.found = found;
      clearTimeout(this.waiting); // typing must not wait for the map
      this.waiting = setTimeout(() => this.draw(), 150);
    });
  }

  drawAgain() {
    this.drawGround();
    this.drawArrows();
    this.draw();
  }

  // Shades the cells that hold objects of the extract, by the logarithm of their number.
  drawGround() {
    this.ground.clearLayers();
    const cover = this.overview.cover;
    if (!cover) return;
    const most = Math.log1p(Math.max(1, ...cover.objects.map(([, , count]) => count)));
    for (const [x, y, count] of cover.objects) {
      const south = cover.south + y * cover.rise, west = cover.west + x * cover.side;
      L.rectangle([[south, west], [south + cover.rise, west + cover.side]], {
        stroke: false, fillColor: colour("--soft"), interactive: false,
        fillOpacity: 0.06 + (0.24 * Math.log1p(count)) / most,
      }).addTo(this.ground);
    }
  }

  // Draws how the map must move to fit an image, enlarged.
  drawArrows() {
    this.arrows.clearLayers();
    const { arrows, cover } = this.overview;
    if (!arrows.length || !cover) return;
    const longest = Math.max(...arrows.map(([, , east, north]) => Math.hypot(east, north)), 1);
    const scale = (LONGEST_ARROW * cover.rows * cover.rise) / longest;
    for (const [lon, lat, east, north] of arrows) {
      const wide = (east * scale * cover.side) / cover.rise;
      L.polyline([[lat, lon], [lat + north * scale, lon + wide]], {
        color: colour("--warn"), weight: 1.5, interactive: false,
      }).addTo(this.arrows);
      L.circleMarker([lat, lon], {
        radius: 2, stroke: false, fillColor: colour("--warn"), fillOpacity: 1, interactive: false,
      }).addTo(this.arrows);
    }
  }

  // Draws the tiles in view: one by one if there are few, else as cells with their number.
  draw() {
    this.tiles.clearLayers();
    const { lon, lat } = this.store.numbers, view = this.map.getBounds();
    const [west, south, east, north] = [view.getWest(), view.getSouth(), view.getEast(), view.getNorth()];
    const inView = [];
    for (const row of this.found) {
      if (lon[row] >= west && lon[row] <= east && lat[row] >= south && lat[row] <= north) {
        inView.push(row);
      }
    }
    if (inView.length <= MOST_BOXES) inView.forEach((row) => this.drawTile(row));
    else this.drawCells(inView, { west, south, east, north });
  }

  drawTile(row) {
    const number = this.store.choices.source.of[row] % 8;
    L.rectangle(boxOf(this.store, row), { color: colour(`--s${number}`), weight: 1.5, fillOpacity: 0.15 })
      .on("click", () => (location.hash = `image=${encodeURIComponent(this.store.names[row])}`))
      .addTo(this.tiles);
    // A tile of less than a pixel stays visible.
    L.circleMarker([this.store.numbers.lat[row], this.store.numbers.lon[row]], {
      radius: 1.5, stroke: false, fillColor: colour(`--s${number}`), fillOpacity: 0.9, interactive: false,
    }).addTo(this.tiles);
  }

  drawCells(rows, { west, south, east, north }) {
    const { lon, lat } = this.store.numbers, size = this.map.getSize();
    const columns = Math.ceil(size.x / CELL), lines = Math.ceil(size.y / CELL);
    const counts = new Uint32Array(columns * lines);
    for (const row of rows) {
      const x = Math.min(columns - 1, Math.floor(((lon[row] - west) / (east - west)) * columns));
      const y = Math.min(lines - 1, Math.floor(((lat[row] - south) / (north - south)) * lines));
      counts[y * columns + x]++;
    }
    const most = Math.log1p(counts.reduce((a, b) => Math.max(a, b), 1));
    counts.forEach((count, at) => {
      if (!count) return;
      const x = at % columns, y = Math.floor(at / columns);
      const wide = (east - west) / columns, tall = (north - south) / lines;
      const corner = [south + y * tall, west + x * wide];
      L.rectangle([corner, [corner[0] + tall, corner[1] + wide]], {
        stroke: false, fillColor: colour("--s0"), fillOpacity: 0.15 + (0.75 * Math.log1p(count)) / most,
      }).bindTooltip(`${thousands(count)} pairs`).addTo(this.tiles);
    });
  }
}

// Shows the box of a tile among its neighbours; gives the map.
async function placeMap(place, store, row) {
  await explorer.library("vendor/leaflet.js");
  const map = emptyMap(place, { keyboard: false });
  const own = L.latLngBounds(boxOf(store, row)), around = own.pad(4);
  map.fitBounds(own.pad(1.5));
  const { lon, lat } = store.numbers;
  let drawn = 0;
  for (let other = 0; other < store.rows && drawn < MOST_BOXES; other++) {
    if (other === row || !around.contains([lat[other], lon[other]])) continue;
    drawn++;
    L.rectangle(boxOf(store, other), { color: colour("--soft"), weight: 1, fillOpacity: 0.05 })
      .on("click", () => (location.hash = `image=${encodeURIComponent(store.names[other])}`))
      .addTo(map);
  }
  L.rectangle(own, { color: colour("--accent"), weight: 2, fillOpacity: 0.2, interactive: false }).addTo(map);
  return map;
}
