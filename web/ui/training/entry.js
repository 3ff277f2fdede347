/**
 * How data come in: the first sight of the workspace, the form over what was found, and progress while it is decoded.
 * Stands where the pictures will be.
 */
import { currentLanguage, formatBytes, formatNumber, onLanguage, t } from '../../i18n/i18n.js';
import { byId, h, icon, keepFocus } from '../dom.js';
import { veiled } from '../privacy.js';
import { StepsEditor } from '../steps.js';
import { BUDGET } from './lab.js';
import { button, checkField, choice, field, labelName, numberInput, warning } from './parts.js';
import { Made } from './made.js';
import { Preview } from './preview.js';
import { likelyFinding, planOf, withFinding, withPatients } from './plan.js';

/**
 * @typedef {import('./lab.js').Lab} Lab
 * @typedef {import('./plan.js').Found} Found
 * @typedef {import('./plan.js').Plan} Plan
 */

/** Reasons shown before the rest is only counted. */
const MOST_LEFT = 6;

/** MedMNIST's files carry the side of their pictures in their names, and those of the first edition, 28, do not. @param {string} name */
function archiveSide(name) {
  return Number(/_(\d{2,3})\.npz$/i.exec(name)?.[1] ?? 28);
}

/** Of the form. The window is the usual one for soft tissue in CT. */
const DEFAULTS = {
  size: 64,
  channels: 1,
  fit: 'stretch',
  range: 'voi',
  low: -110,
  high: 190,
  invert: false,
  validation: 15,
  test: 15,
  patient: '',
  finding: 1,
  unit: '',
  bins: 10,
  fields: '',
};
/** What the form's fields of these names hold. */
const NUMBERS = /** @type {const} */ (['size', 'channels', 'low', 'high', 'validation', 'test', 'bins']);
const TEXTS = /** @type {const} */ (['fit', 'range', 'patient', 'unit', 'fields']);
/** Columns that are taken unless the form says otherwise; what they do not say DICOM files may. */
const USUAL = ['age', 'sex'];

/** @param {string} text  names with commas between them */
const namesIn = (text) => text.split(',').map((name) => name.trim().toLowerCase()).filter(Boolean);

export class Entry {
  /**
   * @param {Lab} lab
   * @param {{peek: import('./made.js').Peek, open: () => import('./made.js').OpenPicture,
   *          channelsOf: (file: File) => Promise<number>, hold: import('./preview.js').Hold}} viewer  its looks at files,
   *   and what it shows
   * @param {import('../steps.js').Known} known
   */
  constructor(lab, { peek, open, channelsOf, hold }, known) {
    this.lab = lab;
    this.channelsOf = channelsOf;
    this.made = new Made({ peek, open, done: (plan, channels) => this.#useMade(plan, channels), leave: () => this.#make(false) });
    /** Classes are being made by hand. */
    this.making = false;
    this.page = byId('lab-pictures');
    /** What the form holds; it outlives a change of language. */
    this.settings = { ...DEFAULTS };
    this.editor = new StepsEditor(known, () => this.readForm());
    this.preview = new Preview(hold);
    /** Of the form that is shown. */
    this.readForm = () => {};
    /** What the page shows of loading, so that only numbers change. */
    this.shownPhase = '';
    this.#connectPickers();
    for (const type of ['entry', 'data']) lab.on(type, () => this.render());
    lab.on('keep', () => this.#showKept());
    onLanguage(() => this.render());
  }

  #connectPickers() {
    for (const id of ['pick-training-folder', 'pick-training-files']) {
      const input = /** @type {HTMLInputElement} */ (byId(id));
      input.addEventListener('change', () => {
        const files = [...(input.files ?? [])];
        input.value = '';
        if (files.length) void this.take(files.map((file) => ({ file, path: file.webkitRelativePath || file.name })));
      });
    }
  }

  /** @param {boolean} making */
  #make(making) {
    this.making = making;
    this.render();
  }

  /** @param {Plan} plan @param {number} channels */
  #useMade(plan, channels) {
    Object.assign(this.settings, { patient: '', finding: likelyFinding(plan), channels, validation: 20, test: 0 });
    this.lab.setPlan(plan);
  }

  /** @param {Found[]} found */
  async take(found) {
    if (this.lab.loading) return;
    const { loaded, plan: shown } = this.lab;
    if (this.making && !loaded && !shown) return void this.made.add(found.map(({ file }) => ({ file, name: file.name, frame: 0 })));
    this.making = false;
    if (this.lab.loaded) await this.lab.clear();
    const plan = await planOf(found);
    this.settings.patient = '';
    this.settings.finding = likelyFinding(plan);
    if (plan.fields) this.settings.fields = plan.fields.filter((name) => USUAL.includes(name)).join(', ');
    if (plan.archive) this.settings.size = archiveSide(plan.archive.name);
    if (plan.samples.length) this.settings.channels = await this.channelsOf(plan.samples[0].file).catch(() => 1);
    this.lab.setPlan(plan);
  }

  render() {
    const { loading, loaded, plan } = this.lab;
    if (loading) return this.#showLoading(loading);
    if (loaded || !plan) this.preview.end();
    if (loaded) return;
    this.shownPhase = '';
    if (this.making && !plan) this.made.render();
    this.page.replaceChildren(plan ? this.#planForm(plan) : this.making ? this.made.node : this.#welcome());
  }

  // ---- first sight --------------------------------------------------------------------------------------------------

  #welcome() {
    const actions = h(
      'div.welcome-actions',
      {},
      button(t('train.pick.folder'), 'folder', () => byId('pick-training-folder').click(), { kind: 'primary' }),
      button(t('train.pick.files'), 'file', () => byId('pick-training-files').click()),
      button(t('train.pick.made'), 'tags', () => this.#make(true), { id: 'train-make' }),
      button(t('train.pick.example'), 'sample', () => this.#loadExample(), { kind: 'ghost', id: 'train-example' }),
    );
    const ways = ['folders', 'table', 'npz'].map((way) =>
      h('li', {}, h('strong', {}, t(`train.way.${way}`)), h('span', {}, t(`train.way.${way}Hint`))),
    );
    return h(
      'div.lab-welcome',
      {},
      this.#keptOffer(),
      this.#picture(),
      h('p.welcome-title', {}, t('train.welcome.title')),
      h('p.welcome-text', {}, t('train.welcome.text')),
      actions,
      h('ul.ways', {}, ...ways),
      h('p.welcome-private', {}, icon('lock'), h('span', {}, t('train.welcome.private'))),
      h('p.welcome-private', {}, icon('warning'), h('span', {}, t('result.notice'))),
    );
  }

  #picture() {
    return /** @type {HTMLTemplateElement} */ (byId('lab-picture')).content.cloneNode(true);
  }

  #loadExample() {
    const labels = [t('train.example.normal'), t('train.example.lesion')];
    void this.lab.loadExample(t('train.example.title'), t('train.example.slice'), labels);
  }

  #keptOffer() {
    const { kept } = this.lab;
    if (!kept) return '';
    const goesOn = kept.more || kept.epoch < kept.epochs;
    const date = new Intl.DateTimeFormat(currentLanguage(), { dateStyle: 'long', timeStyle: 'short' }).format(new Date(kept.date));
    const values = { date, epoch: kept.epoch, epochs: kept.epochs };
    return h(
      'div.kept-offer',
      { id: 'kept-offer' },
      h('div', {}, h('strong', {}, t(goesOn ? 'train.kept.offer' : 'train.kept.finished', values)), h('span', {}, `${kept.about.title} · ${formatBytes(kept.bytes)}`)),
      h(
        'div.kept-actions',
        {},
        button(t(goesOn ? 'train.kept.continue' : 'train.kept.open'), 'play', () => void this.lab.restore(), { kind: 'primary', id: 'kept-continue' }),
        button(t('train.kept.forget'), 'trash', () => void this.lab.forget(), { id: 'kept-forget' }),
      ),
    );
  }

  /** The offer comes and goes alone: it may come late, and who goes through the page by keyboard then stays where he is. */
  #showKept() {
    const welcome = this.page.querySelector('.lab-welcome');
    if (!welcome) return;
    keepFocus(this.page, () => {
      welcome.querySelector('#kept-offer')?.remove();
      const offer = this.#keptOffer();
      if (offer) welcome.prepend(offer);
    });
  }

  // ---- what was found, and how it is to be read ---------------------------------------------------------------------

  /** @param {Plan} plan */
  #planForm(plan) {
    const back = button(t('form.cancel'), null, () => this.lab.setPlan(null));
    const head = [h('h2', {}, plan.title), this.#findings(plan)];
    if (plan.problem) {
      return h('div.plan', {}, ...head, warning(t(plan.problem)), this.#leftList(plan), h('div.form-actions', {}, back));
    }
    const load = /** @type {HTMLButtonElement} */ (
      h('button.button.primary', { type: 'submit', id: 'train-load' }, icon('play'), h('span', {}, t('train.plan.load')))
    );
    const estimate = h('p.note-text', { role: 'status' });
    const form = /** @type {HTMLFormElement} */ (
      h('form.plan', { id: 'train-plan' }, ...head, this.#planFields(plan), estimate, this.#leftList(plan), h('div.form-actions', {}, back, load))
    );
    this.readForm = () => this.#readForm(form, plan, estimate, load);
    form.addEventListener('input', () => this.readForm());
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#load(plan);
    });
    this.readForm();
    return form;
  }

  /** @param {Plan} plan */
  #findings(plan) {
    if (plan.kind === 'npz') return h('p.note-text', {}, t('train.plan.npz'));
    const counts = plan.labels.map((_, label) => plan.samples.filter((sample) => sample.label === label).length);
    const rows = plan.labels.map((name, label) => h('li', {}, h('span', {}, labelName(plan.fields, name, label)), h('b', {}, formatNumber(counts[label]))));
    const split = plan.samples.some((sample) => sample.split >= 0) ? t('train.plan.ownSplits') : '';
    const values = { classes: plan.labels.length, pictures: formatNumber(plan.samples.length) };
    const found = t(plan.fields ? 'train.survival.found' : 'train.plan.found', values);
    return h('div', {}, h('p.note-text', {}, `${found} ${split}`), h('ul.plan-classes', {}, ...rows));
  }

  /** @param {Plan} plan */
  #planFields(plan) {
    const { size, channels, fit, validation, test } = this.settings;
    const share = { min: 0, max: 80, step: 1 };
    const fields = [
      field(t('train.plan.size'), numberInput('size', size, { min: 28, max: 512, step: 1 }), t('train.plan.sizeHint')),
      field(t('form.channels'), choice('channels', String(channels), [
        { value: '1', text: t('train.plan.grey') },
        { value: '3', text: t('train.plan.colour') },
      ])),
      field(t('form.fit'), choice('fit', fit, [
        { value: 'stretch', text: t('form.fitStretch') },
        { value: 'crop', text: t('form.fitCrop') },
        { value: 'pad', text: t('form.fitPad') },
      ])),
      field(t('train.plan.validation'), numberInput('validation', validation, share), t('train.plan.validationHint')),
      field(t('train.plan.test'), numberInput('test', test, share), t('train.plan.testHint')),
    ];
    if (plan.fields) fields.push(...this.#survivalFields(plan.fields));
    else if (plan.labels.length === 2) {
      const options = plan.labels.map((name, label) => ({ value: String(label), text: name }));
      fields.push(field(t('train.plan.finding'), choice('finding', String(this.settings.finding), options), t('train.plan.findingHint')));
    }
    if (plan.kind !== 'npz') fields.push(this.#rangeFields(), this.#patientField());
    fields.push(this.#stepsField(plan));
    return h('div.form-grid', {}, ...fields);
  }

  /** Of a table of times and events. @param {string[]} columns */
  #survivalFields(columns) {
    const { unit, bins, fields } = this.settings;
    const text = (/** @type {string} */ name, /** @type {string} */ value) => h('input', { type: 'text', name, value, spellcheck: false, autocomplete: 'off' });
    const hint = `${columns.length ? t('train.survival.fieldsHint', { names: columns.join(', ') }) : t('train.survival.noFields')} ${t('train.survival.fileFields')}`;
    return [
      field(t('train.survival.unit'), text('unit', unit), t('train.survival.unitHint')),
      field(t('train.survival.bins'), numberInput('bins', bins, { min: 1, max: 64, step: 1 }), t('train.survival.binsHint')),
      field(t('train.survival.fields'), text('fields', fields), hint),
    ];
  }

  #patientField() {
    const pattern = h('input', { type: 'text', name: 'patient', value: this.settings.patient, spellcheck: false, autocomplete: 'off', placeholder: '^(\\d+)_' });
    const hint = h('small', { id: 'patient-hint' }, t('train.plan.patientHint'));
    return h('label.field.form-wide', {}, h('span', {}, t('train.plan.patient')), pattern, hint);
  }

  /** Filters on every picture, and what they make of one. @param {Plan} plan */
  #stepsField(plan) {
    this.editor.render();
    this.preview.use(plan.samples);
    this.preview.render();
    const hint = h('small', {}, t('steps.hint'));
    return h('div.steps-field.form-wide', { id: 'plan-steps' }, h('h3', {}, t('steps.title')), this.editor.node, this.preview.node, hint);
  }

  /** How a picture is read, as the form says. */
  #reading() {
    const { size, channels, fit, invert, low, high } = this.settings;
    const range = this.settings.range === 'window' ? { kind: /** @type {const} */ ('window'), low, high } : { kind: /** @type {const} */ ('voi') };
    return { size, channels, fit, range, invert, steps: structuredClone(this.editor.steps) };
  }

  /** Which values become black and white. */
  #rangeFields() {
    const { range, low, high, invert } = this.settings;
    const box = /** @type {HTMLInputElement} */ (h('input', { type: 'checkbox', name: 'invert', checked: invert }));
    const limits = h(
      'div.limits',
      { id: 'plan-window', hidden: range !== 'window' },
      field(t('form.low'), numberInput('low', low)),
      field(t('form.high'), numberInput('high', high)),
    );
    const kinds = choice('range', range, [
      { value: 'voi', text: t('form.rangeVoi') },
      { value: 'window', text: t('form.rangeWindow') },
    ]);
    const more = h('div.range-more', {}, limits, checkField(t('train.plan.invert'), box));
    return h('div.range-fields.form-wide', {}, field(t('form.range'), kinds, t('train.plan.rangeHint')), more);
  }

  /** @param {HTMLFormElement} form @param {Plan} plan @param {HTMLElement} estimate @param {HTMLButtonElement} load */
  #readForm(form, plan, estimate, load) {
    const get = (/** @type {string} */ name) => /** @type {HTMLInputElement | null} */ (form.elements.namedItem(name))?.value ?? '';
    const has = (/** @type {string} */ name) => form.elements.namedItem(name) !== null;
    const { settings } = this;
    for (const name of NUMBERS) if (has(name)) settings[name] = Number(get(name));
    for (const name of TEXTS) if (has(name)) settings[name] = get(name);
    if (has('invert')) settings.invert = /** @type {HTMLInputElement} */ (form.elements.namedItem('invert')).checked;
    if (has('finding')) settings.finding = Number(get('finding'));
    const limits = form.querySelector('#plan-window');
    if (limits) /** @type {HTMLElement} */ (limits).hidden = settings.range !== 'window';
    const bytes = plan.samples.length * settings.size * settings.size * settings.channels;
    const fits = bytes <= BUDGET;
    const memory = { bytes: formatBytes(bytes), budget: formatBytes(BUDGET) };
    estimate.textContent = plan.kind === 'npz' ? '' : t(fits ? 'train.plan.memory' : 'train.plan.tooMuch', memory);
    estimate.classList.toggle('bad', !fits);
    const goodPattern = this.#tryPattern(form, plan);
    const goodRange = settings.range !== 'window' || settings.low < settings.high;
    const readable = goodRange && this.editor.valid;
    const goodFields = !plan.fields || namesIn(settings.fields).every((name) => plan.fields?.includes(name) || USUAL.includes(name));
    load.disabled = !goodFields || !fits || !goodPattern || !readable || settings.validation + settings.test > 90;
    const goodSize = /** @type {HTMLInputElement} */ (form.elements.namedItem('size')).checkValidity();
    if (!readable || !goodSize) return;
    const { size, ...reading } = this.#reading();
    this.preview.show({ width: size, height: size, ...reading });
  }

  /** Says what a pattern finds while it is typed. @param {HTMLFormElement} form @param {Plan} plan */
  #tryPattern(form, plan) {
    const hint = form.querySelector('#patient-hint');
    if (!hint) return true;
    const { patient } = this.settings;
    try {
      const { matched, patients } = withPatients(plan.samples, patient);
      const values = { patients: formatNumber(patients), matched: formatNumber(matched), all: formatNumber(plan.samples.length) };
      hint.textContent = patient ? t('train.plan.patients', values) : t('train.plan.patientHint');
      return true;
    } catch (error) {
      hint.textContent = error instanceof Error ? error.message : String(error);
      return false;
    }
  }

  /** @param {Plan} plan */
  #leftList({ left }) {
    if (!left.length) return '';
    const rows = left.slice(0, MOST_LEFT).map(({ name, reason, values }) => h('li', {}, h('b', {}, veiled(name, t('privacy.value'))), ` ${t(reason, values)}`));
    if (left.length > MOST_LEFT) rows.push(h('li', {}, t('train.left.more', { count: left.length - MOST_LEFT })));
    return h('div', {}, h('p.note-text', {}, t('train.left.title', { count: left.length })), h('ul.left-list', {}, ...rows));
  }

  /** @param {Plan} plan */
  async #load(plan) {
    const { validation, test, patient, finding, unit, bins, fields } = this.settings;
    const reading = this.#reading();
    const survival = plan.fields ? { unit: unit.trim(), bins, fields: namesIn(fields) } : null;
    const ordered = plan.fields ? plan : withFinding(plan, finding);
    const { samples } = withPatients(ordered.samples, patient);
    this.lab.setPlan(ordered);
    await this.lab.load({ ...reading, validation: validation / 100, test: test / 100, survival }, samples);
  }

  // ---- while it is decoded ------------------------------------------------------------------------------------------

  /** @param {import('./lab.js').Loading} loading */
  #showLoading({ done, total, phase }) {
    if (this.shownPhase !== phase) {
      this.shownPhase = phase;
      const bar = h('progress', { id: 'load-progress', 'aria-label': t('train.load.title') });
      const stop = button(t('batch.stop'), 'stop', () => this.lab.stopLoading());
      stop.hidden = phase !== 'decode';
      this.page.replaceChildren(
        h('div.lab-loading', {}, h('p.welcome-title', {}, t('train.load.title')), bar, h('p.note-text', { id: 'load-count' }), stop),
      );
    }
    const bar = /** @type {HTMLProgressElement} */ (byId('load-progress'));
    if (total > 0) {
      bar.max = total;
      bar.value = done;
    }
    byId('load-count').textContent = phase === 'decode' ? t('batch.progress', { done: formatNumber(done), total: formatNumber(total) }) : '';
  }
}
