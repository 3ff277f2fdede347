/** Classes made by hand: a card for each, to which pictures are added from files or from the viewer. */
import { formatNumber, t } from '../../i18n/i18n.js';
import { byId, h, icon } from '../dom.js';
import { veiled } from '../privacy.js';
import { button, countPictures, thumbnail } from './parts.js';
import { planOfMade } from './plan.js';

/**
 * @typedef {{file: File, frame: number, name: string, thumb: ImageBitmap | null, channels: number}} MadePicture
 * @typedef {{name: string, pictures: MadePicture[]}} MadeClass
 * @typedef {(file: File, name: string) => Promise<{thumb: ImageBitmap | null, channels: number} | null>} Peek
 * @typedef {{file: File, name: string, frame: number} | null} OpenPicture  what the viewer shows
 */

/** Thumbnails of a class before the rest is only counted. */
const MOST_THUMBS = 40;

export class Made {
  /**
   * @param {object} actions
   * @param {Peek} actions.peek  null when a file cannot be read, which was said then
   * @param {() => OpenPicture} actions.open
   * @param {(plan: import('./plan.js').Plan, channels: number) => void} actions.done
   * @param {() => void} actions.leave
   */
  constructor({ peek, open, done, leave }) {
    this.actions = { peek, open, done, leave };
    this.node = h('div.plan.made', { id: 'train-made' });
    /** @type {MadeClass[]} */
    this.classes = [];
    this.active = 0;
    this.busy = 0;
    this.picker = /** @type {HTMLInputElement} */ (byId('pick-class'));
    this.picker.addEventListener('change', () => {
      const files = [...(this.picker.files ?? [])];
      this.picker.value = '';
      void this.add(files.map((file) => ({ file, name: file.name, frame: 0 })));
    });
  }

  /** Adds pictures to the class that was last used. @param {Array<{file: File, name: string, frame: number}>} given */
  async add(given) {
    const to = this.classes[this.active];
    this.busy += given.length;
    for (const { file, name, frame } of given) {
      this.render();
      const seen = await this.actions.peek(file, name);
      if (seen) to.pictures.push({ file, frame, name, ...seen });
      this.busy--;
    }
    this.render();
  }

  render() {
    while (this.classes.length < 2) this.#addClass();
    const total = this.classes.reduce((sum, { pictures }) => sum + pictures.length, 0);
    const ready = this.classes.filter(({ pictures }) => pictures.length).length >= 2 && !this.busy;
    const go = button(t('train.made.go'), 'play', () => this.#finish(), { kind: 'primary', id: 'made-go' });
    go.disabled = !ready;
    const more = button(t('train.made.addClass'), 'zoomIn', () => this.#another(), { id: 'made-add-class' });
    const count = this.busy ? t('train.made.reading', { count: formatNumber(this.busy) }) : countPictures(total);
    this.node.replaceChildren(
      h('h2', {}, t('train.made.title')),
      h('p.note-text', {}, t('train.made.text')),
      h('div.made-classes', {}, ...this.classes.map((each, index) => this.#card(each, index))),
      h('div.made-more', {}, more, h('span.quiet', { role: 'status' }, count)),
      h('div.form-actions', {}, button(t('form.cancel'), null, this.actions.leave), go),
    );
  }

  #addClass() {
    this.classes.push({ name: t('train.made.class', { number: this.classes.length + 1 }), pictures: [] });
  }

  #another() {
    this.#addClass();
    this.active = this.classes.length - 1;
    this.render();
    const name = /** @type {HTMLInputElement | null} */ (this.node.querySelector('.made-class:last-child input'));
    name?.select();
  }

  /** @param {MadeClass} made @param {number} index */
  #card(made, index) {
    const name = /** @type {HTMLInputElement} */ (h('input', { type: 'text', value: made.name, 'aria-label': t('train.made.name'), autocomplete: 'off' }));
    name.addEventListener('input', () => (made.name = name.value));
    const remove = h('button.icon-button', { type: 'button', 'aria-label': t('train.made.remove', { name: made.name }) }, icon('trash'));
    remove.addEventListener('click', () => this.#removeClass(index));
    const shown = this.actions.open();
    const add = button(t('train.made.add'), 'file', () => this.picker.click(), { kind: 'small' });
    const open = button(t('train.made.addOpen'), 'film', () => shown && void this.add([shown]), { kind: 'small' });
    open.disabled = !shown;
    const card = h(
      'section.made-class',
      { 'aria-label': made.name },
      h('div.made-head', {}, name, h('b', {}, formatNumber(made.pictures.length)), this.classes.length > 2 ? remove : ''),
      this.#thumbs(made),
      h('div.made-actions', {}, add, open),
    );
    card.classList.toggle('active', index === this.active);
    // Before the click of a button in it, which then means this class; what is dropped goes here, too.
    const activate = () => this.#activate(index);
    card.addEventListener('pointerdown', activate);
    card.addEventListener('focusin', activate);
    return card;
  }

  /** @param {MadeClass} made */
  #thumbs({ pictures }) {
    const shown = pictures.slice(0, MOST_THUMBS).map((each) => {
      const one = h('button.thumb', { type: 'button', title: veiled(each.name, ''), 'aria-label': t('train.made.drop', { name: veiled(each.name, '') }) }, each.thumb ? thumbnail(each.thumb) : icon('file'));
      one.addEventListener('click', () => {
        pictures.splice(pictures.indexOf(each), 1);
        each.thumb?.close();
        this.render();
      });
      return one;
    });
    const rest = pictures.length - shown.length;
    const empty = pictures.length ? '' : h('p.quiet', {}, t('train.made.empty'));
    return h('div.thumbs', {}, empty, ...shown, rest > 0 ? h('span.quiet', {}, t('train.left.more', { count: rest })) : '');
  }

  /** @param {number} index */
  #activate(index) {
    this.active = index;
    for (const [at, card] of [...this.node.querySelectorAll('.made-class')].entries()) card.classList.toggle('active', at === index);
  }

  /** @param {number} index */
  #removeClass(index) {
    for (const { thumb } of this.classes[index].pictures) thumb?.close();
    this.classes.splice(index, 1);
    this.active = Math.min(this.active, this.classes.length - 1);
    this.render();
  }

  #finish() {
    const used = this.classes.filter(({ pictures }) => pictures.length);
    const channels = Math.max(...used.flatMap(({ pictures }) => pictures.map((each) => each.channels)));
    this.actions.done(planOfMade(used), channels);
  }
}
