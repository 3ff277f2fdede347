/** What tests look for in any view of the page: faults that axe finds, what runs over its edge, small targets, texts in another language. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** @typedef {import('playwright-core').Page} Page */

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Brings axe into a page whose context bypasses the policy. @param {Page} page */
export async function addAxe(page) {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.addScriptTag({ content: await readFile(AXE, 'utf8') });
}

/** All rules of axe but the experimental ones, with target sizes (WCAG 2.2). Each fault with its element. @param {Page} page @returns {Promise<string[]>} */
export async function axeFaults(page) {
  await addAxe(page);
  const violations = await page.evaluate(async () => {
    const { axe } = /** @type {any} */ (globalThis);
    const found = await axe.run(document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } });
    return found.violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ target, any, all, none }) => `${target.join(' ')}: ${[...any, ...all, ...none].map(({ message }) => message).join('; ')}`) }));
  });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node}`));
}

/** What sticks out of the page sideways, or is cut off at the side without a way to reach it. @param {Page} page @returns {Promise<string[]>} */
export function overflows(page) {
  return page.evaluate(() => {
    const name = (/** @type {Element} */ node) => `${node.tagName.toLowerCase()}${node.id ? `#${node.id}` : ''}${[...node.classList].map((each) => `.${each}`).join('')}`;
    const faults = [];
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth > clientWidth) faults.push(`the page: ${scrollWidth} of ${clientWidth} px`);
    const dialog = [...document.querySelectorAll('dialog[open]')].at(-1);
    for (const node of (dialog ?? document.body).querySelectorAll('*')) {
      if (!(node instanceof HTMLElement) || !node.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      if (node.closest('.for-readers, .layer, #toasts')) continue;
      const box = node.getBoundingClientRect();
      if (!box.width || !box.height) continue;
      /** Whether somebody can push it into sight, or it may end in an ellipsis. */
      let reachable = false;
      for (let at = /** @type {HTMLElement | null} */ (node); at; at = at.parentElement) {
        const { overflowX, textOverflow } = getComputedStyle(at);
        if (overflowX === 'auto' || overflowX === 'scroll' || textOverflow === 'ellipsis') reachable = true;
      }
      if (!reachable && (box.right > clientWidth + 1 || box.left < -1)) faults.push(`${name(node)}: from ${Math.round(box.left)} to ${Math.round(box.right)} of ${clientWidth} px`);
      const style = getComputedStyle(node);
      const cut = ['hidden', 'clip'].includes(style.overflowX) && style.textOverflow !== 'ellipsis' && !node.matches('.row, .row-picture, .card, .viewport, canvas, .desk, .lab, body, .uplot *, .bar-track, .split-bar, .vote-bar');
      const text = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent?.trim());
      if ((cut || (text && style.overflowX === 'visible' && style.display !== 'inline' && style.display !== 'contents')) && node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 1) {
        faults.push(`${name(node)}: ${node.scrollWidth} px of content in ${node.clientWidth}: ${node.textContent?.trim().slice(0, 40)}`);
      }
    }
    return faults;
  });
}

/** Controls smaller than so many pixels, those within a line of text excepted. @param {Page} page @param {number} least @returns {Promise<string[]>} */
export function smallTargets(page, least) {
  return page.evaluate((wanted) => {
    const faults = [];
    const dialog = [...document.querySelectorAll('dialog[open]')].at(-1);
    for (const node of (dialog ?? document.body).querySelectorAll('button, select, input, textarea, summary, a[href], [role=button], [role=option][tabindex]')) {
      if (!(node instanceof HTMLElement) || !node.checkVisibility({ visibilityProperty: true }) || node.closest('[inert]')) continue;
      // A box in a label is as large as the label.
      const target = node.matches('[type=checkbox], [type=radio]') ? (node.closest('label') ?? node) : node;
      const { width, height } = target.getBoundingClientRect();
      if (width && height && (width < wanted - 0.5 || height < wanted - 0.5)) faults.push(`${node.tagName.toLowerCase()}#${node.id}.${node.className}: ${width.toFixed(0)} × ${height.toFixed(0)}`);
    }
    return faults;
  }, least);
}

/** Controls that are out of sight and cannot be scrolled into it: beyond the page, or cut off by something around them. @param {Page} page @returns {Promise<string[]>} */
export function unreachable(page) {
  return page.evaluate(() => {
    const faults = [];
    const dialog = [...document.querySelectorAll('dialog[open]')].at(-1);
    for (const node of (dialog ?? document.body).querySelectorAll('button, select, input, textarea, summary')) {
      if (!(node instanceof HTMLElement) || !node.checkVisibility({ visibilityProperty: true }) || node.closest('[inert]')) continue;
      const box = node.getBoundingClientRect();
      const outside = (/** @type {{left: number, top: number, right: number, bottom: number}} */ { left, top, right, bottom }) =>
        box.left < left - 2 || box.top < top - 2 || box.right > right + 2 || box.bottom > bottom + 2;
      let around = /** @type {HTMLElement | null} */ (node.parentElement);
      let cut = null;
      for (; around && !cut; around = around.parentElement) {
        const { overflowX, overflowY, position } = getComputedStyle(around);
        if ([overflowX, overflowY].some((each) => each === 'auto' || each === 'scroll')) break;
        if ([overflowX, overflowY].some((each) => each === 'hidden' || each === 'clip') && outside(around.getBoundingClientRect())) cut = around;
        if (position === 'fixed') around = document.body;
      }
      if (!around && outside({ left: 0, top: 0, right: innerWidth, bottom: innerHeight })) cut = document.documentElement;
      if (cut) faults.push(`${node.tagName.toLowerCase()}#${node.id}.${node.className} at ${Math.round(box.left)}, ${Math.round(box.top)}: cut off by ${cut.tagName.toLowerCase()}#${cut.id}.${cut.className}`);
    }
    return faults;
  });
}

/**
 * Latin words of more than three letters in what can be read or heard, with the element they stand in.
 * @param {Page} page
 * @param {string} skip  selector of what has a language of its own
 * @returns {Promise<Array<{word: string, text: string, at: string}>>}
 */
export function latinWords(page, skip = '[lang]:not(html)') {
  return page.evaluate((without) => {
    const found = [];
    const name = (/** @type {Element} */ node) => `${node.tagName.toLowerCase()}${node.id ? `#${node.id}` : ''}${[...node.classList].map((each) => `.${each}`).join('')}`;
    const look = (/** @type {string | null} */ text, /** @type {Element} */ at) => {
      for (const [word] of (text ?? '').matchAll(/\p{Script=Latin}{4,}/gu)) found.push({ word, text: (text ?? '').trim(), at: name(at) });
    };
    for (const node of document.body.querySelectorAll('*')) {
      if (!node.checkVisibility({ visibilityProperty: true }) && !node.matches('option, optgroup')) continue;
      if (node.matches('script, style, kbd') || node.closest(without)) continue;
      for (const child of node.childNodes) if (child.nodeType === Node.TEXT_NODE) look(child.textContent, node);
      for (const attribute of ['aria-label', 'title', 'placeholder', 'alt', 'aria-description', 'aria-valuetext', 'label']) if (node.hasAttribute(attribute)) look(node.getAttribute(attribute), node);
    }
    look(document.title, document.documentElement);
    return found;
  }, skip);
}
