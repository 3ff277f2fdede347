/** Puts the page together: starts the core with the best build the browser runs, then connects the parts of the page. */
import { Client } from '../client/client.js';
import { KeptModels } from '../client/kept-models.js';
import { TriageStore } from '../client/triage-store.js';
import { prefer, preferences } from '../client/preferences.js';
import { chooseLanguage, LANGUAGES, currentLanguage, formatBytes, onLanguage, setLanguage, t, translatePage } from '../i18n/i18n.js';
import { CoreError, FAULT } from '../shared/protocol.js';
import { probeFeatures, runnableVariants, threadCount } from '../shared/variants.js';
import { About, showLessons } from './about.js';
import { Batch } from './batch.js';
import { Cine } from './cine.js';
import { Desk } from './desk.js';
import { Details } from './details.js';
import { byId, h, placeIcons } from './dom.js';
import { Explaining } from './explain/explaining.js';
import { describeError, FileList } from './filelist.js';
import { Filters } from './filters.js';
import { Measuring } from './measure/measuring.js';
import { Models } from './models.js';
import { Opening } from './opening.js';
import { Crosshair } from './panes/crosshair.js';
import { Links } from './panes/links.js';
import { PanesPanel } from './panes/panel.js';
import { Panes } from './panes/panes.js';
import { ReferenceLines } from './panes/reference-lines.js';
import { Reformatting } from './panes/reformatting.js';
import { connectPrivacy, nameOf, namesHidden } from './privacy.js';
import { Results } from './results.js';
import { Snapshot } from './snapshot.js';
import { speakPlaces } from './speaking.js';
import { Stacks } from './stacks.js';
import { Status } from './status.js';
import { Thumbs } from './thumbs.js';
import { Toolbar } from './toolbar.js';
import { connectTabs } from './tabs.js';
import { connectTools } from './tools/connect.js';
import { TrainingWorkspace } from './training/workspace.js';
import { Keeping } from './triage/keeping.js';
import { Tour } from './tour.js';
import { Triage } from './triage/triage.js';

/**
 * @typedef {import('../client/site.js').Parts} Parts
 * @typedef {typeof import('../client/offline.js')} Offline
 */

/**
 * The builds to try, the best first. ?variant= puts one in front and leaves the others out.
 * @param {Parts} parts
 * @param {URLSearchParams} query
 */
function candidates({ variants }, query) {
  const wish = query.get('variant');
  const offered = wish ? variants.filter((variant) => variant === wish) : variants;
  return runnableVariants(probeFeatures(), offered);
}

/**
 * Starts the core. A build that the browser refuses after all makes room for the next.
 * @param {Parts} parts
 * @param {URLSearchParams} query
 */
async function startCore(parts, query) {
  /** @type {unknown} */
  let reason = new CoreError(FAULT.LOAD, 'LOAD', t('start.noVariant'));
  for (const variant of candidates(parts, query)) {
    /** @type {Client | null} */
    let client = null;
    try {
      const threads = Number(query.get('threads')) || threadCount(variant);
      const [module, codec] = await Promise.all([parts.compile(variant), parts.codec()]);
      client = new Client(parts.createWorker, { variant, threads, module, codec }, { test: query.has('test') });
      return { client, ready: await client.start() };
    } catch (error) {
      client?.dispose();
      reason = error;
    }
  }
  throw reason;
}

/** The language switch and the texts of the static page. */
function connectLanguage() {
  const select = /** @type {HTMLSelectElement} */ (byId('language'));
  select.replaceChildren(...Object.entries(LANGUAGES).map(([code, texts]) => h('option', { value: code, lang: code }, texts['language.name'])));
  select.addEventListener('change', () => setLanguage(select.value));
  onLanguage(() => {
    select.value = currentLanguage();
    translatePage();
  });
}

/** Panels are tabs on both sides of a wide page and sheets of a narrow one. @param {(name: string) => void} onShow */
function connectPanels(onShow) {
  /** @param {string} name */
  const show = (name) => {
    document.body.dataset.sheet = document.body.dataset.sheet === name && narrow() ? '' : name;
    if (name === 'result') document.body.classList.remove('news');
    if (name !== 'files') document.body.dataset.side = name;
    for (const tab of document.querySelectorAll('[data-panel]')) {
      const panel = /** @type {HTMLElement} */ (tab).dataset.panel;
      if (tab.closest('#sheet-tabs')) tab.setAttribute('aria-expanded', String(panel === document.body.dataset.sheet));
      else tab.setAttribute('aria-selected', String(panel === document.body.dataset.side));
    }
    onShow(document.body.dataset.side ?? '');
  };
  const narrow = () => matchMedia('(max-width: 820px)').matches;
  for (const tab of document.querySelectorAll('[data-panel]')) {
    tab.addEventListener('click', () => show(/** @type {HTMLElement} */ (tab).dataset.panel ?? ''));
  }
  // Escape puts a sheet away; the keyboard is then where it came from.
  for (const panel of document.querySelectorAll('#desk > .panel')) {
    panel.addEventListener('keydown', (event) => {
      const { key, defaultPrevented } = /** @type {KeyboardEvent} */ (event);
      const { sheet } = document.body.dataset;
      if (key !== 'Escape' || defaultPrevented || !sheet || !narrow()) return;
      show(sheet);
      /** @type {HTMLElement | null} */ (document.querySelector(`#sheet-tabs [data-panel=${sheet}]`))?.focus();
    });
  }
  document.body.dataset.sheet = '';
  document.body.dataset.side = 'result';
  connectTabs();
}

/** @param {Client} client @param {Desk} desk @param {Status} status */
function connectRecovery(client, desk, status) {
  client.addEventListener('restart', (event) => {
    const { reason } = /** @type {CustomEvent} */ (event).detail;
    if (reason === 'trap') status.notify(t('restart.trap'), t('restart.kept', { count: desk.shown.length }));
  });
  client.addEventListener('dead', (event) => {
    const { message } = /** @type {CustomEvent} */ (event).detail;
    status.set({ core: null, starting: false });
    status.notify(t('restart.dead'), message, { action: { text: t('restart.reload'), run: () => location.reload() } });
  });
}

/**
 * @param {Parts} parts
 * @param {{offline: Offline | null}} options  null: no service worker can keep the page
 */
export async function startApp(parts, { offline }) {
  document.body.dataset.started = 'true';
  const query = new URLSearchParams(location.search);
  chooseLanguage(query);
  connectLanguage();
  placeIcons();
  const status = new Status();
  connectPrivacy(byId('privacy'), byId('privacy-sign'));
  const help = /** @type {HTMLDialogElement} */ (byId('help-dialog'));
  showLessons(byId('help-lessons'), parts.lessons);
  byId('help').addEventListener('click', () => help.showModal());
  const letters = /** @type {HTMLInputElement} */ (byId('letter-keys'));
  letters.checked = preferences().letters !== false;
  letters.addEventListener('change', () => prefer({ letters: letters.checked }));

  // The core is on its way while the page is put together; without SIMD nothing is loaded at all, and probe.js has said why.
  if (!probeFeatures().simd) return status.set({ starting: false });
  const starting = startCore(parts, query);
  const first = parts.models.find(({ name }) => preferences().model === `shipped:${name}`) ?? parts.models[0];
  if (!preferences().model?.startsWith('kept:')) first?.blob().catch(() => {});
  const store = new KeptModels();
  const kept = store.list();

  let started;
  try {
    started = await starting;
  } catch (error) {
    status.set({ starting: false });
    const { title, detail } = error instanceof CoreError ? describeError(error) : { title: t('error.LOAD'), detail: String(error) };
    byId('start-problem').textContent = `${title}. ${detail}`;
    byId('start-problem').hidden = false;
    return;
  }
  const { client, ready } = started;
  const { constants, variant, threads } = ready;
  status.set({ core: { version: constants.version, variant, threads } });

  const desk = new Desk();
  /** @type {Toolbar} */
  let toolbar;
  const measuring = new Measuring({ desk, client, constants, showPanel: () => byId('tab-measure').click() });
  const panes = new Panes({ desk, client, measuring, onStep: (step) => toolbar.step(step) });
  const links = new Links(desk, panes);
  const lines = new ReferenceLines(desk, panes, client);
  const crosshair = new Crosshair(desk, panes, client);
  const reformatting = new Reformatting({ desk, panes, crosshair, measuring, client, constants, status });
  const filters = new Filters({ viewer: panes, desk, constants });
  speakPlaces(desk, panes);
  const cine = new Cine(desk, panes);
  const snapshot = new Snapshot(panes, measuring, status);
  toolbar = new Toolbar({
    desk,
    panes,
    panesPanel: new PanesPanel({ panes, links, lines, crosshair }),
    reformatting,
    client,
    constants,
    filters,
    measuring,
    snapshot,
    cine,
    onHelp: () => help.showModal(),
  });
  const explaining = new Explaining(desk, client, constants);
  connectTools({ toolbar, panes, desk, client, constants, snapshot, explaining });
  const details = new Details(desk, client);
  connectPanels((name) => details.setVisible(name === 'details'));
  connectRecovery(client, desk, status);

  const results = new Results(desk, client, explaining, constants.combines);
  results.report.marksOf = (key, frame) => measuring.marks.of(key, frame);
  const keeping = new Keeping(desk, client, new TriageStore(), constants.version);
  new Batch(desk, results, keeping);
  const stacks = new Stacks(desk, client);
  const thumbs = new Thumbs(client, desk);
  new FileList(desk, thumbs, (items) => {
    desk.remove(items);
    for (const { key } of items) void client.close(key).catch(() => {});
  });
  /** @type {HTMLElement | null} */
  let offered = null;
  const models = new Models({
    desk,
    client,
    store,
    shipped: parts.models,
    presets: constants.recipePresets,
    complain: (title, detail) => status.notify(title, detail),
    offer: (choice, bytes) => {
      const action = { text: t('kept.keep'), run: () => void models.keep(choice) };
      // One question at a time: the last model is meant.
      offered?.remove();
      offered = status.notify(t('kept.offer', { name: choice.title }), t('kept.offerHint', { bytes: formatBytes(bytes) }), { kind: 'news', action });
    },
  });
  results.opinions.alike = () => models.alike();
  const training = new TrainingWorkspace({ client, desk, status, constants, shipped: parts.models, useModel: (file) => models.openFile(file) });
  const triage = new Triage(desk, thumbs, keeping, (found) => {
    training.show('train');
    training.take(found);
  });
  results.opinions.reviewed = () => triage.labelled();
  const opening = new Opening(desk, client, stacks, {
    divert: (found) => training.take(found),
    models,
    complain: (name, reason) =>
      status.notify(t('open.unreadable', { name: namesHidden() ? t('privacy.value') : name }), namesHidden() ? '' : reason),
  });

  desk.on('pane', () => document.body.classList.toggle('looking', desk.panes.some(({ current }) => current)));
  desk.on('item', ({ finding }) => {
    if (!finding?.result) return;
    status.set({ classifyMs: finding.result.totalMs });
    document.body.classList.toggle('news', document.body.dataset.sheet !== 'result');
  });
  panes.addEventListener('rendered', (event) => status.set({ renderMs: /** @type {CustomEvent} */ (event).detail.ms }));
  panes.addEventListener('failed', (event) => {
    const { item, error } = /** @type {CustomEvent} */ (event).detail;
    if (!desk.items.includes(item)) return;
    const { title, detail } = describeError(error);
    status.notify(t('viewer.failed', { name: nameOf(item) }), `${title}. ${detail}`);
  });

  new Tour(desk, (name) => training.show(name));

  if (query.has('test')) Object.assign(globalThis, { negatoscope: { client, desk, panes, links, crosshair, reformatting, training, measuring, triage, get viewer() { return panes.viewer; } } });
  document.body.dataset.ready = 'true';
  new About({ parts, status, storage: { models, endWorkers: () => [client, training.lab.client].forEach((each) => each.dispose()) } });
  await models.start(await kept);
  document.body.dataset.model = desk.model ? 'loaded' : 'none';

  parts.traffic.begin();
  if (offline) await goOffline(parts, offline, { variant, status, opening, isEmpty: () => desk.items.length === 0 && !training.visited });
  parts.traffic.settle();
}

/**
 * Files from outside, then the service worker.
 * @param {Parts} parts
 * @param {Offline} offline
 * @param {{variant: string, status: Status, opening: Opening, isEmpty: () => boolean}} page
 */
async function goOffline(parts, offline, { variant, status, opening, isEmpty }) {
  const open = (/** @type {File[]} */ files) => opening.take(files.map((file) => ({ file, path: file.name })));
  offline.openLaunched(open);
  const shared = await offline.takeShared();
  if (shared?.length) open(shared);
  else if (shared) status.notify(t('share.lost'), t('share.again'));
  if (!parts.offline) return;
  await offline.keepOffline({
    address: parts.offline(),
    variant,
    isEmpty,
    onReady: () => status.set({ offline: true }),
    onUpdate: (apply) =>
      status.notify(t('update.ready'), t('update.hint'), { kind: 'news', action: { text: t('update.apply'), run: apply } }),
  });
}
