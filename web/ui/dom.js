/** Small helpers over the DOM. Styles are set through classes and the CSSOM: the policy allows no style attributes. */
import { ICONS } from './icons.js';

/**
 * An element of the static page that must be there.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html lacks #${id}`);
  return /** @type {T} */ (found);
}

/**
 * Makes an element: `h('button.tool', {type: 'button', onclick: f}, 'text')`. Properties that exist on the element are
 * set, all others become attributes; null leaves one out.
 * @param {string} selector  tag and classes
 * @param {Record<string, any>} [props]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function h(selector, props = {}, ...children) {
  const [tag, ...classes] = selector.split('.');
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(' ');
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (name in node && !name.startsWith('aria')) /** @type {any} */ (node)[name] = value;
    else node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/**
 * Makes a part of the page anew without losing the keyboard's place in it: the element of the same id has the focus again, or the part
 * as a whole where there is none any more.
 * @param {HTMLElement} root
 * @param {() => void} make
 */
export function keepFocus(root, make) {
  const held = root.contains(document.activeElement) ? document.activeElement : null;
  make();
  if (!held || held.isConnected || !root.isConnected) return;
  const again = held.id ? document.getElementById(held.id) : null;
  if (!again) root.tabIndex = -1;
  (again ?? root).focus();
}

/** What the core says in its own words, which are English: readers of the screen are told so. @param {string} text */
export const coreWords = (text) => h('span', { lang: 'en' }, text);

const SVG = 'http://www.w3.org/2000/svg';

/** A line icon of 20 × 20, drawn with the text's colour. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 20 20');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  for (const d of ICONS[name] ?? []) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}

/** Puts the icons of the static page in place: data-icon names one. */
export function placeIcons(root = document.body) {
  for (const node of root.querySelectorAll('[data-icon]')) {
    node.prepend(icon(/** @type {HTMLElement} */ (node).dataset.icon ?? ''));
  }
}

/** Offers a text or bytes as a file to save. @param {string} name @param {string} type @param {BlobPart} content */
export function download(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = h('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
