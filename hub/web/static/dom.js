/**
 * Elements from values. Text always becomes a text node: what a bar code held can never become markup.
 *
 * @example element('p', { class: 'note' }, 'Seen ', element('b', {}, count), ' times')
 */
const SVG = 'http://www.w3.org/2000/svg';

/** @param {string} tag @param {Record<string, unknown>} attributes @param {...unknown} children */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** A name and its value, for a <dl>. */
export function fact(name, ...value) {
  return element('div', {}, element('dt', {}, name), element('dd', {}, ...value));
}

/** `element` for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** The element of the page with this id. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** Replaces the content only when it differs, so that a reader's selection and focus survive an update. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.flat().filter((child) => child !== undefined && child !== false && child !== null));
  return node;
}
