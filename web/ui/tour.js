/**
 * The guided tour: six steps on a computed picture, each at the real control, which is ringed. The tour is a strip under the head of the page, so it
 * covers neither picture nor controls; it can be left at any time with Escape. That it was seen is kept with the preferences.
 */
import { prefer, preferences } from '../client/preferences.js';
import { onLanguage, t } from '../i18n/i18n.js';
import { byId, h, icon } from './dom.js';

/** How often the ring looks where its control is: panels are made anew while one works. */
const LOOK_MS = 250;

/**
 * Places to point at, the best first: the first that can be seen is ringed. On a narrow page panels wait behind the tabs at its foot.
 * @typedef {{name: string, at: string[], workspace: 'view' | 'train' | null}} Step
 * @type {Step[]}
 */
const STEPS = [
  { name: 'open', at: ['#try-example', '.top-actions [data-opens=open-files]'], workspace: 'view' },
  { name: 'window', at: ['#presets'], workspace: 'view' },
  { name: 'result', at: ['#show-score', '#result .note .button', '#result .verdict', '#result', '#sheet-tabs [data-panel=result]'], workspace: 'view' },
  { name: 'explain', at: ['#explain-toggle', '#show-score', '#result .note .button', '#result', '#sheet-tabs [data-panel=result]'], workspace: 'view' },
  { name: 'measure', at: ['#tools [data-tool=length]'], workspace: 'view' },
  { name: 'train', at: ['#train-start', '#train-example', '#lab-tabs [data-lab=settings]', 'button[data-workspace=train]'], workspace: null },
];

/** By what every browser knows that runs the page; checkVisibility is younger. @param {Element} node */
const isSeen = (node) => node.getClientRects().length > 0 && getComputedStyle(node).visibility === 'visible' && !node.closest('[inert]');

export class Tour {
  /**
   * @param {import('./desk.js').Desk} desk
   * @param {(name: 'view' | 'train') => void} show  a workspace
   */
  constructor(desk, show) {
    this.desk = desk;
    this.show = show;
    this.node = byId('tour');
    /** -1: no tour is under way. */
    this.at = -1;
    /** @type {HTMLElement | null} */
    this.ringed = null;
    /** What had the focus before. @type {HTMLElement | null} */
    this.before = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    for (const id of ['tour-start', 'help-tour']) byId(id).addEventListener('click', () => this.start());
    addEventListener('keydown', (event) => {
      // What a control or an open dialog makes of the key goes before.
      if (event.key !== 'Escape' || event.defaultPrevented || this.at < 0 || document.querySelector('dialog[open]')) return;
      event.preventDefault();
      this.end();
    });
    desk.on('select', (item) => item && this.at === 0 && this.#go(1));
    onLanguage(() => this.#render());
    this.#renderOffer();
  }

  start() {
    /** @type {HTMLDialogElement} */ (byId('help-dialog')).close();
    this.before = /** @type {HTMLElement | null} */ (document.activeElement);
    clearInterval(this.timer);
    this.timer = setInterval(() => this.#ring(), LOOK_MS);
    this.#go(this.desk.current ? 1 : 0);
  }

  /** Done or left: it is not offered again by itself. */
  end() {
    clearInterval(this.timer);
    this.at = -1;
    prefer({ tour: 'seen' });
    this.#render();
    this.#ring();
    this.#renderOffer();
    if (this.before?.isConnected && isSeen(this.before)) this.before.focus();
  }

  /** The first visit's words on the empty light box; the buttons beside them stay. */
  #renderOffer() {
    byId('welcome-new').hidden = preferences().tour === 'seen';
  }

  /** @param {number} at */
  #go(at) {
    if (at >= STEPS.length) return this.end();
    this.at = at;
    const { workspace } = STEPS[at];
    if (workspace) this.show(workspace);
    this.#render();
    this.#ring();
    byId('tour-next').focus({ preventScroll: true });
  }

  #render() {
    this.node.hidden = this.at < 0;
    document.body.classList.toggle('touring', this.at >= 0);
    if (this.at < 0) return this.node.replaceChildren();
    const { name } = STEPS[this.at];
    const last = this.at === STEPS.length - 1;
    /** @param {string} id @param {string} text @param {() => void} act @param {string} [kind] */
    const button = (id, text, act, kind = '') => h(`button.button.small${kind}`, { type: 'button', id, onclick: act }, text);
    this.node.replaceChildren(
      h(
        'div.tour-text',
        { role: 'status' },
        h('strong', {}, h('span.quiet', {}, t('tour.step', { step: this.at + 1, steps: STEPS.length })), ' ', t(`tour.${name}.title`)),
        h('p', {}, t(`tour.${name}.text`)),
      ),
      h(
        'div.tour-actions',
        {},
        button('tour-to', t('tour.to'), () => this.#focusControl()),
        this.at > 0 ? button('tour-back', t('tour.back'), () => this.#go(this.at - 1)) : '',
        button('tour-next', t(last ? 'tour.done' : 'tour.next'), () => this.#go(this.at + 1), '.primary'),
        h('button.icon-button', { type: 'button', id: 'tour-end', title: t('tour.end'), 'aria-label': t('tour.end'), onclick: () => this.end() }, icon('close')),
      ),
    );
  }

  /** @returns {HTMLElement | null} the control of this step, or the nearest on the way to it */
  #control() {
    for (const place of STEPS[this.at]?.at ?? []) {
      for (const node of document.querySelectorAll(place)) if (isSeen(node)) return /** @type {HTMLElement} */ (node);
    }
    return null;
  }

  #ring() {
    const control = this.#control();
    if (control === this.ringed) return;
    this.ringed?.classList.remove('tour-ring');
    control?.classList.add('tour-ring');
    // Within its own bar or panel; a page that is laid out by sheets must not be scrolled as a whole.
    const scroller = control?.closest('.tools, .tab-panel, .welcome, .lab-page, .lab-scroll');
    if (control && scroller) scrollTo(scroller, control);
    this.ringed = control;
  }

  /** For the keyboard and for screen readers: from the words to what they are about. */
  #focusControl() {
    const control = this.#control();
    if (!control) return;
    if (control.tabIndex < 0 && !control.matches('button, select, input')) control.tabIndex = -1;
    control.focus();
  }
}

/** Brings a control into sight of the bar or panel that scrolls it. @param {Element} scroller @param {HTMLElement} control */
function scrollTo(scroller, control) {
  const [outer, inner] = [scroller.getBoundingClientRect(), control.getBoundingClientRect()];
  if (inner.left < outer.left || inner.right > outer.right) scroller.scrollLeft += inner.left - outer.left - 20;
  if (inner.top < outer.top || inner.bottom > outer.bottom) scroller.scrollTop += inner.top - outer.top - 20;
}
