/** The list of everything that was opened: series and pictures with their thumbnails, refusals with their reasons. */
import { FAULT } from '../shared/protocol.js';
import { hasText, onLanguage, t } from '../i18n/i18n.js';
import { shownVerdict } from './applies.js';
import { byId, h, icon } from './dom.js';
import { canBeShown } from './panes/pane.js';
import { DRAGGED } from './panes/panes.js';
import { pileFacts, pileName, pileReports, studyTexts } from './pile-texts.js';
import { nameOf, onPrivacy, pathOf } from './privacy.js';

/**
 * @typedef {import('./desk.js').Item} Item
 * @typedef {import('./piles.js').Line} Line
 * @typedef {import('./piles.js').Pile} Pile
 */

/** Verdicts that are counted on the line of a series; the others are seen slice by slice. */
const MOST_VERDICTS = 3;

/** What an error means to a reader, and the core's own sentence. @param {import('../shared/protocol.js').CoreError} error */
export function describeError(error) {
  const key = `error.${error.name}`;
  const detail = `${key}.detail`;
  return { title: hasText(key) ? t(key) : error.name, detail: hasText(detail) ? t(detail) : error.message };
}

export class FileList {
  /**
   * @param {import('./desk.js').Desk} desk
   * @param {import('./thumbs.js').Thumbs} thumbs
   * @param {(items: Item[]) => void} onRemove
   */
  constructor(desk, thumbs, onRemove) {
    this.desk = desk;
    this.thumbs = thumbs;
    this.onRemove = onRemove;
    this.list = byId('file-list');
    this.count = byId('file-count');
    /** By the key of each item: those of a pile share a row. @type {Map<string, HTMLElement>} */
    this.rows = new Map();
    /** @type {WeakMap<HTMLElement, Line>} */
    this.lines = new WeakMap();
    this.redrawPending = false;
    /** Items whose rows are to be drawn anew: results come in by the dozen. @type {Set<Item>} */
    this.changed = new Set();
    /** @type {HTMLElement | null} */
    this.selected = null;
    this.sight = this.#watch();
    /** Whose picture a canvas shows. @type {WeakMap<HTMLCanvasElement, Item>} */
    this.pictures = new WeakMap();
    /** @type {Set<HTMLCanvasElement>} */
    this.inSight = new Set();
    thumbs.serve({
      inSight: () => [...this.inSight].map((canvas) => /** @type {Item} */ (this.pictures.get(canvas))),
      arrived: () => this.inSight.forEach((canvas) => canvas.width || this.#paintOne(canvas)),
    });

    desk.on('items', () => this.#redrawSoon());
    desk.on('model', () => desk.items.forEach((item) => this.#redrawRowSoon(item)));
    desk.on('item', (item) => this.#redrawRowSoon(item));
    desk.on('select', () => this.#showSelection());
    onLanguage(() => this.#redraw());
    onPrivacy(() => this.#redraw());
    this.list.addEventListener('keydown', (event) => this.#key(event));
  }

  /**
   * Canvases of thousands of rows would take hundreds of megabytes: only those near what is in sight are painted. The
   * browser tells which rows it renders (content-visibility); where it does not, an observer does, which takes
   * milliseconds of every frame with thousands of rows.
   */
  #watch() {
    if (!('oncontentvisibilityautostatechange' in this.list)) {
      return new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => this.#paint(/** @type {HTMLCanvasElement} */ (target), isIntersecting)), { root: this.list, rootMargin: '400px' });
    }
    const seen = (/** @type {Event} */ event) => {
      const canvas = /** @type {HTMLElement} */ (event.target).querySelector('canvas');
      if (canvas) this.#paint(canvas, !(/** @type {Event & {skipped: boolean}} */ (event).skipped));
    };
    this.list.addEventListener('contentvisibilityautostatechange', seen, true);
    return null;
  }

  #redrawSoon() {
    if (this.redrawPending) return;
    this.redrawPending = true;
    queueMicrotask(() => {
      this.redrawPending = false;
      this.#redraw();
    });
  }

  /** @param {Item} item */
  #redrawRowSoon(item) {
    const first = !this.changed.size;
    this.changed.add(item);
    if (!first) return;
    queueMicrotask(() => {
      const rows = new Set([...this.changed].map(({ key }) => this.rows.get(key)));
      this.changed.clear();
      for (const row of rows) if (row) this.#redrawRow(row);
      this.#showCount();
    });
  }

  #redraw() {
    this.rows.clear();
    this.sight?.disconnect();
    this.inSight.clear();
    /** @type {HTMLElement[]} */
    const nodes = [];
    for (const line of this.desk.lines) {
      if (line.items[0].state === 'new') continue;
      if (line.heading) nodes.push(this.#heading(line.heading));
      nodes.push(this.#addRow(line));
    }
    const held = this.list.contains(document.activeElement);
    this.list.replaceChildren(...nodes);
    byId('files-empty').hidden = this.desk.items.length > 0;
    this.#showCount();
    this.#showSelection();
    // After a file was closed by keyboard the next one is at hand.
    if (held) (this.selected ?? this.#all()[0])?.focus();
  }

  /** @param {Line} line */
  #addRow(line) {
    const row = this.#row(line);
    this.lines.set(row, line);
    for (const { key } of line.items) this.rows.set(key, row);
    return row;
  }

  /** @param {NonNullable<Line['heading']>} heading */
  #heading(heading) {
    const { title, detail } = heading === 'others' ? { title: t('series.others'), detail: '' } : studyTexts(heading);
    return h('li.study', { role: 'presentation' }, h('span.study-title', {}, title), detail && h('span.row-fact', {}, detail));
  }

  /** @param {HTMLElement} old */
  #redrawRow(old) {
    const line = this.lines.get(old);
    if (!line) return;
    if (this.#isLike(old, line)) {
      old.querySelector('.row-text')?.replaceChildren(...this.#text(line));
      const canvas = old.querySelector('canvas');
      if (canvas && this.inSight.has(canvas)) this.#paintOne(canvas);
      return;
    }
    const focused = old === document.activeElement;
    const row = this.#addRow(line);
    const before = old.querySelector('canvas');
    if (before) this.#leave(before);
    old.replaceWith(row);
    if (old === this.selected) {
      this.#mark(row, true);
      this.selected = row;
    }
    if (focused) row.focus();
  }

  /** Whether a row with a picture is, but for its text, as it would be drawn now. @param {HTMLElement} row @param {Line} line */
  #isLike(row, line) {
    const canvas = row.querySelector('canvas');
    const picture = pictureOf(line.items);
    return canvas !== null && this.pictures.get(canvas) === picture && canBeShown(picture) && row.classList.contains(stateOf(line));
  }

  #showCount() {
    // Verdicts in the list are results, too: the notice belongs beside them.
    byId('list-notice').hidden = !this.desk.items.some(({ finding }) => shownVerdict(finding, this.desk.model) !== null);
    const refused = this.desk.items.filter(({ state }) => state === 'refused').length;
    this.count.textContent = this.desk.items.length
      ? t(refused ? 'files.countRefused' : 'files.count', { shown: this.desk.shown.length, refused })
      : '';
  }

  /** @param {HTMLElement} row @param {boolean} selected */
  #mark(row, selected) {
    row.setAttribute('aria-selected', String(selected));
    row.tabIndex = selected ? 0 : -1;
  }

  #showSelection() {
    const row = this.desk.current && this.rows.get(this.desk.current.key);
    // Going through a series leaves the list as it is.
    if (row && row === this.selected) return;
    for (const each of this.#all()) this.#mark(each, each === row);
    this.selected = row ?? null;
    if (row) this.#bringIntoView(row);
    else if (this.#all()[0]) this.#all()[0].tabIndex = 0;
  }

  /** @returns {HTMLElement[]} */
  #all() {
    return [...this.list.querySelectorAll('.row')].map((row) => /** @type {HTMLElement} */ (row));
  }

  /** Scrolls the list only: on a narrow page it may stand in a sheet that is out of sight. @param {HTMLElement} row */
  #bringIntoView(row) {
    const { list } = this;
    const top = row.offsetTop - list.offsetTop;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + row.offsetHeight > list.scrollTop + list.clientHeight) {
      list.scrollTop = top + row.offsetHeight - list.clientHeight;
    }
  }

  /** @param {Line} line */
  #row(line) {
    const { pile, items } = line;
    const [item] = items;
    const name = pile ? pileName(pile) : nameOf(item);
    const remove = h(
      'button.row-remove',
      { type: 'button', tabIndex: -1, 'aria-label': t('files.remove', { name }), title: t('files.close') },
      icon('close'),
    );
    remove.addEventListener('click', (event) => {
      event.stopPropagation();
      this.onRemove(items);
    });
    const row = h(
      `li.row.${stateOf(line)}${pile ? '.series' : ''}`,
      { role: 'option', tabIndex: -1, 'aria-selected': 'false', 'data-key': item.key, title: pile ? name : pathOf(item), draggable: true },
      this.#picture(pictureOf(items)),
      h('span.row-text', {}, ...this.#text(line)),
      remove,
    );
    row.addEventListener('click', () => this.desk.select(pile?.last ?? item));
    row.addEventListener('dragstart', ({ dataTransfer }) => dataTransfer?.setData(DRAGGED, item.key));
    return row;
  }

  /** @param {Line} line */
  #text({ pile, items: [item] }) {
    return [h('span.row-name', {}, pile ? pileName(pile) : nameOf(item)), ...(pile ? this.#pileFacts(pile) : this.#facts(item))];
  }

  /** @param {Pile} pile @returns {HTMLElement[]} */
  #pileFacts(pile) {
    const facts = [h('span.row-fact', {}, pileFacts(pile)), ...pileReports(pile).map((text) => h('span.row-report', {}, text))];
    const refused = pile.items.filter(({ state }) => state === 'refused');
    if (refused.length) {
      const { title } = describeError(/** @type {import('../shared/protocol.js').CoreError} */ (refused[0].error));
      facts.push(h('span.row-reason', {}, t('series.refused', { count: refused.length, reason: title })));
    }
    /** @type {Map<string, number>} */
    const verdicts = new Map();
    for (const { finding } of pile.items) {
      const verdict = shownVerdict(finding, this.desk.model);
      if (verdict) verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    }
    const most = [...verdicts].sort((a, b) => b[1] - a[1]).slice(0, MOST_VERDICTS);
    if (most.length) facts.push(h('span.row-verdict', {}, most.map(([verdict, count]) => `${verdict} × ${count}`).join(' · ')));
    return facts;
  }

  /** @param {Item} item */
  #picture(item) {
    if (!canBeShown(item)) return h('span.row-picture', {}, item.state === 'refused' ? icon('warning') : '');
    const canvas = /** @type {HTMLCanvasElement} */ (h('canvas.row-picture', { width: 0, height: 0, 'aria-hidden': 'true' }));
    this.pictures.set(canvas, item);
    this.sight?.observe(canvas);
    return canvas;
  }

  /** @param {HTMLCanvasElement} canvas @param {boolean} seen */
  #paint(canvas, seen) {
    if (!canvas.isConnected) this.#leave(canvas);
    else if (seen) {
      this.inSight.add(canvas);
      this.#paintOne(canvas);
    } else {
      this.inSight.delete(canvas);
      canvas.width = 0;
      canvas.height = 0;
    }
  }

  /** @param {HTMLCanvasElement} canvas */
  #paintOne(canvas) {
    const picture = this.thumbs.of(/** @type {Item} */ (this.pictures.get(canvas)));
    canvas.width = picture?.width ?? 0;
    canvas.height = picture?.height ?? 0;
    if (picture) canvas.getContext('2d')?.drawImage(picture, 0, 0);
  }

  /** @param {HTMLCanvasElement} canvas */
  #leave(canvas) {
    this.sight?.unobserve(canvas);
    this.inSight.delete(canvas);
  }

  /** @param {Item} item @returns {HTMLElement[]} */
  #facts(item) {
    if (item.state === 'waiting' || item.state === 'indexed') return [h('span.row-fact', {}, t('files.waiting'))];
    if (item.state === 'reading') return [h('span.row-fact', {}, t('files.reading'))];
    if (item.error) {
      const { title, detail } = describeError(item.error);
      const ours = item.error.code === FAULT.TRAP || item.error.code === FAULT.LOAD;
      const text = ours ? t('files.trapDetail') : detail;
      return [h('span.row-reason', {}, title), h('span.row-fact', { title: text, lang: ours ? null : 'en' }, text)];
    }
    const { info } = item;
    if (!info) return [];
    const frames = info.frames > 1 ? ` · ${t('files.frames', { frames: info.frames })}` : '';
    const facts = [h('span.row-fact', {}, `${info.modality || (item.plane?.of.info ?? info).format} · ${info.width} × ${info.height}${frames}`)];
    const verdict = shownVerdict(item.finding, this.desk.model);
    if (verdict) facts.push(h('span.row-verdict', {}, verdict));
    return facts;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const row = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest('.row'));
    const line = row && this.lines.get(row);
    if (!row || !line) return;
    const rows = this.#all();
    const next = rows[rows.indexOf(row) + ({ ArrowDown: 1, ArrowUp: -1 }[event.key] ?? NaN)];
    if (next) {
      const target = this.lines.get(next);
      if (target) this.desk.select(target.pile?.last ?? target.items[0]);
      next.focus();
    } else if (event.key === 'Enter' || event.key === ' ') this.desk.select(line.pile?.last ?? line.items[0]);
    else if (event.key === 'Delete') this.onRemove(line.items);
    else return;
    event.preventDefault();
  }
}

/** How a row looks. @param {Line} line */
function stateOf({ pile, items: [{ state }] }) {
  return pile || state === 'indexed' ? 'shown' : state;
}

/** The middle slice shows most; until it was opened, any. @param {Item[]} items */
function pictureOf(items) {
  const middle = items[items.length >> 1];
  return middle.thumb ? middle : (items.find(({ thumb }) => thumb) ?? middle);
}
