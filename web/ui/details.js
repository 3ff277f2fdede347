/** Facts of the file and, for DICOM, its elements with a search over them. */
import { onLanguage, t } from '../i18n/i18n.js';
import { byId, download, h } from './dom.js';
import { namesHidden, onPrivacy, pathOf } from './privacy.js';

/**
 * @typedef {import('../shared/protocol.js').Tag} Tag
 * @typedef {{depth: number, tag: Tag, head: string, text: string}} Row  head: the text without its value
 */

/** New UIDs follow from the old ones and this: files saved in one visit still belong together. */
const SECRET = [...crypto.getRandomValues(new Uint32Array(2))];

/** Rows put into the page at most; a search finds the others. */
const MAX_ROWS = 600;

/** @param {unknown} value */
function valueText(value) {
  if (value === null || value === undefined) return '';
  return Array.isArray(value) ? value.join(' \\ ') : String(value);
}

/** @param {Tag} tag */
const isVeiled = ({ personal }) => Boolean(personal) && namesHidden();

/** Sequences become rows below their element. @param {Tag[]} tags @param {number} [depth] @returns {Row[]} */
function flatten(tags, depth = 0) {
  return tags.flatMap((tag) => {
    const value = valueText(tag.value);
    const head = `${tag.tag} ${tag.vr} ${tag.name}`.toLowerCase();
    const row = { depth, tag, head, text: `${head} ${value}`.toLowerCase() };
    const items = (tag.items ?? []).flatMap((item) => flatten(item, depth + 1));
    return [row, ...items];
  });
}

/** Nothing when stored values are the modality's already. @param {import('../shared/protocol.js').ImageInfo['rescale']} rescale */
function rescaleText(rescale) {
  if (!rescale || (rescale.slope === 1 && rescale.intercept === 0)) return rescale?.unit || null;
  const { slope, intercept, unit } = rescale;
  return `× ${slope} ${intercept < 0 ? '−' : '+'} ${Math.abs(intercept)} ${unit ?? ''}`;
}

/** Where columns, rows and slices lead: as in the file, and as shown. @param {import('../shared/protocol.js').ImageInfo['orientation']} orientation */
function orientationText(orientation) {
  return orientation ? `${orientation.stored} → ${orientation.shown} (${orientation.from})` : null;
}

export class Details {
  /**
   * @param {import('./desk.js').Desk} desk
   * @param {import('../client/client.js').Client} client
   */
  constructor(desk, client) {
    this.desk = desk;
    this.client = client;
    this.facts = byId('facts');
    this.table = byId('tags');
    this.search = /** @type {HTMLInputElement} */ (byId('tag-search'));
    /** @type {Row[]} */
    this.rows = [];
    /** @type {string | null} */
    this.loadedKey = null;
    this.visible = false;
    desk.on('select', () => this.update());
    this.search.addEventListener('input', () => this.#showTags());
    onLanguage(() => this.update());
    onPrivacy(() => this.update());
  }

  /** Tags are asked for only while somebody looks. @param {boolean} visible */
  setVisible(visible) {
    this.visible = visible;
    this.update();
  }

  update() {
    this.#showFacts();
    if (this.visible) void this.#loadTags();
  }

  #showFacts() {
    const item = this.desk.current;
    const info = item?.info;
    if (!item || !info) {
      this.facts.replaceChildren(h('p.note-text', {}, t('details.none')));
      return;
    }
    const spacing = info.spacing ? `${info.spacing.map((mm) => Number(mm.toPrecision(5))).join(' × ')} mm` : t('details.unknown');
    const rows = [
      [t('details.file'), pathOf(item)],
      [t('details.format'), item.plane ? t('details.plane') : info.format],
      [t('details.modality'), info.modality],
      [t('details.size'), t('overlay.size', { width: info.width, height: info.height })],
      [t('details.frames'), info.frames],
      [t('details.bits'), info.bits],
      [t('details.photometric'), info.photometric],
      [t('details.spacing'), spacing],
      [t('details.orientation'), orientationText(info.orientation)],
      [t('details.rescale'), rescaleText(info.rescale)],
      [t('details.transferSyntax'), info.transferSyntax],
    ].filter(([, value]) => value !== null && value !== undefined && value !== '');
    this.facts.replaceChildren(
      h('dl.facts', {}, ...rows.flatMap(([name, value]) => [h('dt', {}, String(name)), h('dd', {}, String(value))])),
      info.format === 'DICOM' ? this.#withoutNames(item) : '',
    );
  }

  /** @param {import('./desk.js').Item} item */
  #withoutNames(item) {
    const save = async () => {
      try {
        const bytes = await this.client.request('deidentify', { key: item.key, secret: SECRET });
        download('without-names.dcm', 'application/dicom', bytes);
      } catch (error) {
        note.textContent = String(/** @type {Error} */ (error).message);
      }
    };
    const note = h('span.quiet', {}, t('details.withoutNamesNote'));
    return h('div.without-names', {}, h('button.button.small', { type: 'button', id: 'save-without-names', onclick: () => void save() }, t('details.withoutNames')), note);
  }

  async #loadTags() {
    const item = this.desk.current;
    const key = item?.key ?? null;
    if (key === this.loadedKey) return this.#showTags();
    this.loadedKey = key;
    this.rows = [];
    this.#showTags();
    if (!item) return;
    try {
      const tags = await this.client.request('tags', { key: item.key });
      if (this.loadedKey !== key) return;
      this.rows = flatten(tags);
      this.#showTags();
    } catch {
      this.loadedKey = null;
    }
  }

  #showTags() {
    const wish = this.search.value.trim().toLowerCase();
    // What is hidden is not found either.
    const found = wish ? this.rows.filter(({ tag, text, head }) => (isVeiled(tag) ? head : text).includes(wish)) : this.rows;
    this.search.hidden = this.rows.length === 0;
    this.table.replaceChildren(
      ...found.slice(0, MAX_ROWS).map(({ depth, tag }) => {
        const row = h(
          'li.tag',
          {},
          h('span.tag-id', {}, `${tag.tag} ${tag.vr}`),
          h('span.tag-name', {}, tag.name || t('details.private')),
          h('span.tag-value', {}, isVeiled(tag) && valueText(tag.value) ? t('privacy.value') : valueText(tag.value)),
        );
        row.style.setProperty('--depth', String(depth));
        return row;
      }),
    );
    const hidden = found.length - MAX_ROWS;
    if (hidden > 0) this.table.append(h('li.tag', {}, t('details.moreTags', { count: hidden })));
    if (wish && !found.length) this.table.append(h('li.tag', {}, t('details.notFound')));
  }
}
