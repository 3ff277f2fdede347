/** Reports of the result that is up: the page to print in a tab of its own, and every form as a file. */
import { isCancelled } from '../client/client.js';
import { languageAmong, t } from '../i18n/i18n.js';
import { CoreError, FAULT } from '../shared/protocol.js';
import { download, h, icon } from './dom.js';
import { describeError } from './filelist.js';
import { namesHidden } from './privacy.js';

/**
 * @typedef {import('./desk.js').Item} Item
 * @typedef {import('./desk.js').Finding} Finding
 * @typedef {import('../shared/protocol.js').ReportForm} ReportForm
 * @typedef {import('./measure/marks.js').Mark} Mark
 */

/** Name and type of the file of each form. @type {Record<ReportForm, [string, string]>} */
const FILES = {
  html: ['report.html', 'text/html'],
  json: ['report.json', 'application/json'],
  fhir: ['report.fhir.json', 'application/fhir+json'],
  sr: ['report-sr.dcm', 'application/dicom'],
  sc: ['report-sc.dcm', 'application/dicom'],
  seg: ['report-seg.dcm', 'application/dicom'],
};
/** @type {ReportForm[]} */
const TEXTS = ['html', 'json', 'fhir'];
/** @type {ReportForm[]} */
const OBJECTS = ['sr', 'sc', 'seg'];
/** A tab has read its page long before. */
const KEPT_MS = 60_000;

export class ReportMenu {
  /**
   * @param {import('./desk.js').Desk} desk
   * @param {import('../client/client.js').Client} client
   * @param {import('./explain/explaining.js').Explaining} explaining
   */
  constructor(desk, client, explaining) {
    this.desk = desk;
    this.client = client;
    this.explaining = explaining;
    /** What is drawn on a frame of a picture. @type {(key: string, frame: number) => readonly Mark[]} */
    this.marksOf = () => [];
    this.node = h('section.report', { id: 'report' });
    /** @type {Finding | null} */
    this.finding = null;
    /** @type {{controller: AbortController, done: number, total: number} | null} */
    this.running = null;
    /** @type {CoreError | null} */
    this.error = null;
  }

  /** @param {Item} item @param {Finding} finding  of the picture that is up */
  render(item, finding) {
    if (finding !== this.finding) {
      this.running?.controller.abort();
      this.error = null;
      this.finding = finding;
    }
    this.node.replaceChildren(h('div.explain-head', {}, h('strong', {}, t('report.title')), this.#button(item)));
    if (this.running) {
      const { done, total } = this.running;
      this.node.append(h('p.quiet', {}, t('report.making')), h('progress', { value: done, max: total || 1, 'aria-label': t('report.title') }));
      return this.node;
    }
    if (this.error) {
      const { title, detail } = describeError(this.error);
      this.node.append(h('p.explain-problem', { role: 'alert' }, h('strong', {}, title), ' ', detail));
    }
    this.node.append(this.#forms(item));
    return this.node;
  }

  /** @param {Item} item */
  #button(item) {
    if (this.running) return h('button.button.small', { type: 'button', id: 'report-stop', onclick: () => this.running?.controller.abort() }, t('result.stop'));
    return h('button.button.small', { type: 'button', id: 'report-open', title: t('report.hint'), onclick: () => void this.#open(item) }, icon('file'), t('report.open'));
  }

  /** DICOM objects are of DICOM files. @param {Item} item */
  #forms(item) {
    const forms = item.info?.format === 'DICOM' ? [...TEXTS, ...OBJECTS] : TEXTS;
    const buttons = forms.map((form) => h('button.button.small', { type: 'button', 'data-form': form, onclick: () => void this.#save(item, form) }, t(`report.${form}`)));
    return h('details', { id: 'report-forms' }, h('summary', {}, t('report.save')), h('div.report-forms', {}, ...buttons));
  }

  /** @param {Item} item */
  async #open(item) {
    // While the click still counts: a tab that opens seconds later would be blocked.
    const tab = window.open('', '_blank');
    const html = await this.#make(item, 'html');
    if (html === null) return void tab?.close();
    if (!tab) return download(...FILES.html, html);
    const url = URL.createObjectURL(new Blob([html], { type: 'text/html' }));
    tab.location.replace(url);
    setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
  }

  /** @param {Item} item @param {ReportForm} form */
  async #save(item, form) {
    const content = await this.#make(item, form);
    if (content !== null) download(...FILES[form], content);
  }

  /** @param {Item} item @param {ReportForm} form @returns {import('../shared/protocol.js').ReportWish | null} */
  #wish(item, form) {
    const { explaining, finding } = this;
    if (!finding) return null;
    const { frame } = finding;
    const methods = [explaining.method, 'grad-cam', 'occlusion'].map((name) => explaining.methods.indexOf(name));
    const nameless = namesHidden();
    return {
      key: item.key,
      frame,
      form,
      language: languageAmong(['en', 'zh-CN']),
      time: new Date().toISOString().replace(/\.\d+/, ''),
      name: nameless ? null : item.name,
      nameless,
      methods: [...new Set(methods)],
      label: explaining.label,
      threshold: explaining.threshold,
      draws: 0,
      marks: this.marksOf(item.key, frame).map(({ kind, points, text }) => ({ kind, points, text })),
      secret: [...crypto.getRandomValues(new Uint32Array(4))],
    };
  }

  /** Text or bytes of a form, or null. @param {Item} item @param {ReportForm} form @returns {Promise<any>} */
  async #make(item, form) {
    const wish = this.#wish(item, form);
    if (!wish) return null;
    const running = { controller: new AbortController(), done: 0, total: 0 };
    const show = () => this.finding && this.desk.current === item && this.render(item, this.finding);
    this.running?.controller.abort();
    this.running = running;
    this.error = null;
    show();
    try {
      return await this.client.request('record', wish, {
        signal: running.controller.signal,
        onProgress: ({ done, total }) => {
          Object.assign(running, { done, total });
          show();
        },
      });
    } catch (error) {
      if (!isCancelled(error)) this.error = error instanceof CoreError ? error : new CoreError(FAULT.REQUEST, 'REQUEST', String(error));
      return null;
    } finally {
      if (this.running === running) this.running = null;
      show();
    }
  }
}
