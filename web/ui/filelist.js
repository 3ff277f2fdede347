/** The list of everything that was opened: pictures with their thumbnails, refusals with their reasons. */
import { FAULT } from '../shared/protocol.js';
import { hasText, onLanguage, t } from '../i18n/i18n.js';
import { byId, h, icon } from './dom.js';

/**
 * @typedef {import('./desk.js').Item} Item
 */

/** What an error means to a reader, and the core's own sentence. @param {import('../shared/protocol.js').CoreError} error */
export function describeError(error) {
  const key = `error.${error.name}`;
  return { title: hasText(key) ? t(key) : error.name, detail: error.message };
}

export class FileList {
  /**
   * @param {import('./desk.js').Desk} desk
   * @param {(item: Item) => void} onRemove
   */
  constructor(desk, onRemove) {
    this.desk = desk;
    this.onRemove = onRemove;
    this.list = byId('file-list');
    this.count = byId('file-count');
    /** @type {Map<string, HTMLElement>} */
    this.rows = new Map();
    this.redrawPending = false;

    desk.on('items', () => this.#redrawSoon());
    desk.on('item', (item) => {
      this.#redrawRow(item);
      this.#showCount();
    });
    desk.on('select', () => this.#showSelection());
    onLanguage(() => this.#redraw());
    this.list.addEventListener('keydown', (event) => this.#key(event));
  }

  #redrawSoon() {
    if (this.redrawPending) return;
    this.redrawPending = true;
    queueMicrotask(() => {
      this.redrawPending = false;
      this.#redraw();
    });
  }

  #redraw() {
    this.rows.clear();
    for (const item of this.desk.items) this.rows.set(item.key, this.#row(item));
    this.list.replaceChildren(...this.rows.values());
    byId('files-empty').hidden = this.desk.items.length > 0;
    this.#showCount();
    this.#showSelection();
  }

  /** @param {Item} item */
  #redrawRow(item) {
    const old = this.rows.get(item.key);
    if (!old) return;
    const row = this.#row(item);
    const focused = old === document.activeElement;
    this.rows.set(item.key, row);
    old.replaceWith(row);
    if (item === this.desk.current) this.#mark(row, true);
    if (focused) row.focus();
  }

  #showCount() {
    // Verdicts in the list are results, too: the notice belongs beside them.
    byId('list-notice').hidden = !this.desk.items.some(({ finding }) => finding?.result);
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
    for (const [key, row] of this.rows) this.#mark(row, key === this.desk.current?.key);
    const row = this.desk.current && this.rows.get(this.desk.current.key);
    if (row) this.#bringIntoView(row);
    else if (this.list.firstElementChild) /** @type {HTMLElement} */ (this.list.firstElementChild).tabIndex = 0;
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

  /** @param {Item} item */
  #row(item) {
    const remove = h(
      'button.row-remove',
      { type: 'button', tabIndex: -1, 'aria-label': t('files.remove', { name: item.name }), title: t('files.close') },
      icon('close'),
    );
    remove.addEventListener('click', (event) => {
      event.stopPropagation();
      this.onRemove(item);
    });
    const row = h(
      `li.row.${item.state}`,
      { role: 'option', tabIndex: -1, 'aria-selected': 'false', 'data-key': item.key, title: item.path },
      this.#picture(item),
      h('span.row-text', {}, h('span.row-name', {}, item.name), ...this.#facts(item)),
      remove,
    );
    row.addEventListener('click', () => this.desk.select(item));
    return row;
  }

  /** @param {Item} item */
  #picture(item) {
    if (!item.thumb) return h('span.row-picture', {}, item.state === 'refused' ? icon('warning') : '');
    const canvas = /** @type {HTMLCanvasElement} */ (
      h('canvas.row-picture', { width: item.thumb.width, height: item.thumb.height, 'aria-hidden': 'true' })
    );
    canvas.getContext('2d')?.drawImage(item.thumb, 0, 0);
    return canvas;
  }

  /** @param {Item} item @returns {HTMLElement[]} */
  #facts(item) {
    if (item.state === 'waiting') return [h('span.row-fact', {}, t('files.waiting'))];
    if (item.state === 'reading') return [h('span.row-fact', {}, t('files.reading'))];
    if (item.error) {
      const { title, detail } = describeError(item.error);
      const ours = item.error.code === FAULT.TRAP || item.error.code === FAULT.LOAD;
      const text = ours ? t('files.trapDetail') : detail;
      return [h('span.row-reason', {}, title), h('span.row-fact', { title: text }, text)];
    }
    const { info } = item;
    if (!info) return [];
    const frames = info.frames > 1 ? ` · ${t('files.frames', { frames: info.frames })}` : '';
    const facts = [h('span.row-fact', {}, `${info.modality || info.format} · ${info.width} × ${info.height}${frames}`)];
    const verdict = item.finding?.result?.verdict;
    if (verdict) facts.push(h('span.row-verdict', {}, verdict));
    return facts;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const row = /** @type {HTMLElement} */ (event.target).closest('.row');
    const item = this.desk.items.find(({ key }) => key === /** @type {HTMLElement | null} */ (row)?.dataset.key);
    if (!row || !item) return;
    const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
    if (next) {
      const key = /** @type {HTMLElement} */ (next).dataset.key ?? '';
      this.desk.select(this.desk.items.find((each) => each.key === key) ?? null);
      this.rows.get(key)?.focus();
    } else if (event.key === 'Enter' || event.key === ' ') this.desk.select(item);
    else if (event.key === 'Delete') this.onRemove(item);
    else return;
    event.preventDefault();
  }
}
