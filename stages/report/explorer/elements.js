// Makes elements and texts of the pages.
"use strict";

const SVG = "http://www.w3.org/2000/svg";

// Makes an element. Strings become text, never markup; null children are left out.
function make(tag, attributes = {}, ...children) {
  const made = ["svg", "path", "rect", "g", "title"].includes(tag)
    ? document.createElementNS(SVG, tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

const thousands = (number) => number.toLocaleString("en");
