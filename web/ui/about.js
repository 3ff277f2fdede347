/** The dialog behind the lock at the foot of the page: what runs here, what was asked of the network, what this browser keeps, installing. */
import { currentLanguage, onLanguage, t } from '../i18n/i18n.js';
import { byId, h } from './dom.js';
import { Storage } from './storage.js';

/** Requests that are named. */
const MOST_NAMED = 8;

/** @typedef {{prompt: () => Promise<unknown>, userChoice: Promise<{outcome: string}>} & Event} InstallPrompt */

/**
 * Where lessons for a class are: a link where the page is served with them, else a sentence.
 * @param {HTMLElement} node
 * @param {(language: string) => string | null} lessons
 */
export function showLessons(node, lessons) {
  onLanguage(() => {
    const address = lessons(currentLanguage());
    node.replaceChildren(address ? h('a', { href: address, target: '_blank', rel: 'noopener' }, t('help.lessons')) : t('help.lessonsWhere'));
  });
}

export class About {
  /**
   * @param {object} parts
   * @param {import('../client/site.js').Parts} parts.parts
   * @param {import('./status.js').Status} parts.status
   * @param {ConstructorParameters<typeof Storage>[0]} parts.storage
   */
  constructor({ parts, status, storage }) {
    this.parts = parts;
    this.status = status;
    this.dialog = /** @type {HTMLDialogElement} */ (byId('about-dialog'));
    this.storage = new Storage(storage);
    /** What the browser gives a page that it would install. @type {InstallPrompt | null} */
    this.prompt = null;
    byId('about-open').addEventListener('click', () => this.open());
    // The way to the tour where the head of a narrow page has no room for it.
    byId('about-help').addEventListener('click', () => {
      this.dialog.close();
      /** @type {HTMLDialogElement} */ (byId('help-dialog')).showModal();
    });
    for (const id of ['install', 'about-install']) byId(id).addEventListener('click', () => void this.#install());
    parts.traffic.addEventListener('change', () => this.#showCount());
    addEventListener('beforeinstallprompt', (event) => {
      // Else some browsers put up a bar of their own.
      event.preventDefault();
      this.#offer(/** @type {InstallPrompt} */ (event));
    });
    addEventListener('appinstalled', () => this.#offer(null));
    onLanguage(() => this.#render());
  }

  open() {
    this.storage.asking = false;
    this.#render();
    this.dialog.showModal();
    void this.storage.refresh();
  }

  /** @param {InstallPrompt | null} prompt */
  #offer(prompt) {
    this.prompt = prompt;
    for (const id of ['install', 'about-install-line']) byId(id).hidden = !prompt;
  }

  async #install() {
    const { prompt } = this;
    // It can be asked once.
    this.#offer(null);
    await prompt?.prompt();
  }

  #showCount() {
    const { traffic } = this.parts;
    const count = traffic.sent.length;
    const button = byId('about-open');
    button.classList.toggle('some', count > 0);
    byId('request-count').textContent = t('requests.count', { count });
    if (this.dialog.open) this.#renderRequests();
  }

  #render() {
    this.#showCount();
    this.#renderFacts();
    this.#renderRequests();
    this.storage.render();
  }

  #renderFacts() {
    const { core } = this.status;
    const rows = [[t('about.page'), this.parts.version]];
    if (core) {
      const threads = t(core.threads === 1 ? 'status.oneThread' : 'status.threads', { threads: core.threads });
      rows.push([t('about.core'), `${core.version}, ${core.variant}, ${threads}`]);
      rows.push([t('about.digest'), this.parts.digest(core.variant).replace(/^sha256-/, '')]);
    }
    byId('about-facts').replaceChildren(...rows.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
    byId('about-checked').textContent = t('about.checked');
  }

  #renderRequests() {
    const { traffic } = this.parts;
    const { sent, kept } = traffic;
    byId('requests-sent').textContent = t('requests.count', { count: sent.length });
    byId('requests-sent').classList.toggle('some', sent.length > 0);
    byId('requests-kept').textContent = kept ? t('requests.kept', { count: kept }) : '';
    byId('requests-names').replaceChildren(...sent.slice(-MOST_NAMED).map(({ url }) => h('li', {}, url)));
    void traffic.ofServiceWorker().then((own) => {
      byId('requests-worker').textContent = own.length ? t('requests.worker', { count: own.length }) : '';
    });
  }
}
