/** The status line at the foot of the page, and notices that come up over it. */
import { formatMs, onLanguage, t } from '../i18n/i18n.js';
import { byId, h, icon } from './dom.js';

export class Status {
  constructor() {
    /** @type {{version: string, variant: string, threads: number} | null} */
    this.core = null;
    /** @type {number | null} */
    this.renderMs = null;
    /** @type {number | null} */
    this.classifyMs = null;
    this.offline = false;
    this.starting = true;
    this.pending = false;
    onLanguage(() => this.render());
  }

  /** @param {Partial<Pick<Status, 'core' | 'renderMs' | 'classifyMs' | 'offline' | 'starting'>>} changes */
  set(changes) {
    Object.assign(this, changes);
    if (this.pending) return;
    this.pending = true; // results come in by the dozen
    queueMicrotask(() => {
      this.pending = false;
      this.render();
    });
  }

  render() {
    const { core } = this;
    const parts = core
      ? [
          t('status.core', { version: core.version }),
          t(core.variant.startsWith('relaxed') ? 'status.relaxed' : 'status.simd'),
          t(core.threads === 1 ? 'status.oneThread' : 'status.threads', { threads: core.threads }),
        ]
      : [t(this.starting ? 'status.starting' : 'status.noCore')];
    byId('status-core').textContent = parts.join(' · ');
    if (core) byId('status-core').dataset.variant = core.variant;
    const times = [
      this.renderMs === null ? '' : t('status.render', { ms: formatMs(this.renderMs) }),
      this.classifyMs === null ? '' : t('status.classify', { ms: formatMs(this.classifyMs) }),
    ];
    byId('status-time').textContent = times.filter(Boolean).join(' · ');
    byId('status-offline').textContent = this.offline ? t('status.offline') : '';
  }

  /**
   * A notice that stays until it is closed, unless it is one of passing news.
   * @param {string} title
   * @param {string} [detail]
   * @param {{action?: {text: string, run: () => void}, kind?: 'news' | 'problem'}} [options]
   * @returns {HTMLElement}
   */
  notify(title, detail = '', { action, kind = 'problem' } = {}) {
    const close = h('button.icon-button', { type: 'button', 'aria-label': t('notice.close') }, icon('close'));
    const notice = h(
      `div.toast.${kind}`,
      { role: kind === 'problem' ? 'alert' : 'status' },
      h('div.toast-text', {}, h('strong', {}, title), detail && h('span', {}, detail)),
    );
    if (action) {
      const button = h('button.button', { type: 'button' }, action.text);
      button.addEventListener('click', () => {
        notice.remove();
        action.run();
      });
      notice.append(button);
    }
    notice.append(close);
    close.addEventListener('click', () => notice.remove());
    byId('toasts').append(notice);
    if (kind === 'news' && !action) setTimeout(() => notice.remove(), 8000);
    return notice;
  }
}
