/**
 * The result panel: what the model says of the picture that is up, beside what it must not be used for. Numbers and
 * verdicts are the core's; here they are only written down.
 */
import { isCancelled } from '../client/client.js';
import { CoreError, FAULT } from '../shared/protocol.js';
import { formatMs, formatNumber, formatPercent, onLanguage, t } from '../i18n/i18n.js';
import { appliesNote, isHidden, showAnyway } from './applies.js';
import { byId, h, icon, keepFocus } from './dom.js';
import { ExplainPanel } from './explain/panel.js';
import { OpinionsView } from './explain/opinions.js';
import { StabilityView } from './explain/stability.js';
import { describeError } from './filelist.js';
import { ProfileView } from './profile.js';
import { ReportMenu } from './report.js';
import { SmallModel } from './small-model.js';
import { SurvivalView } from './survival.js';

/**
 * @typedef {import('./desk.js').Item} Item
 * @typedef {import('./desk.js').Finding} Finding
 * @typedef {import('../shared/protocol.js').Result} Result
 */

/** Bars shown before the rest is folded away: a thousand ImageNet labels help nobody. */
const TOP = 8;

export class Results {
  /**
   * @param {import('./desk.js').Desk} desk
   * @param {import('../client/client.js').Client} client
   * @param {import('./explain/explaining.js').Explaining} explaining
   * @param {string[]} combines  ways of models to speak together
   */
  constructor(desk, client, explaining, combines) {
    this.desk = desk;
    this.client = client;
    this.explaining = explaining;
    this.explain = new ExplainPanel(explaining);
    this.stability = new StabilityView(desk, client);
    this.opinions = new OpinionsView(desk, client, combines);
    this.report = new ReportMenu(desk, client, explaining);
    this.panel = byId('result');
    this.live = byId('live');
    /** @type {AbortController | null} */
    this.running = null;
    /** @type {{finding: Finding, pixels: import('../shared/protocol.js').Pixels} | null} */
    this.seen = null;
    this.profile = new ProfileView(client);
    this.small = new SmallModel(desk, client);
    this.survival = new SurvivalView(desk, client, () => this.render());
    /** Stays as it was while results come in. */
    this.factsOpen = false;

    desk.on('select', (item) => {
      this.render();
      // Scrolling through a series must not wait for the model; there is a button.
      if (!desk.stepped || item?.finding?.model === desk.model) void this.classifyCurrent(item);
    });
    desk.on('model', () => {
      this.render();
      void this.classifyCurrent(desk.current);
    });
    desk.on('item', (item) => item === desk.current && this.render());
    desk.on('view', () => this.#markFrame());
    onLanguage(() => this.render());
  }

  /** After opening and after a change of model, without being asked. @param {Item | null} item */
  async classifyCurrent(item) {
    if (!item || !this.desk.model || item.synthetic || item.plane) return;
    if (item.finding?.model === this.desk.model) {
      void this.#showSeen(item);
      this.explaining.follow();
      return;
    }
    await this.classify(item);
  }

  /**
   * @param {Item} item
   * @param {AbortSignal} [signal]
   * @returns {Promise<boolean>} false when it was stopped
   */
  async classify(item, signal) {
    const model = this.desk.model;
    if (!model) return false;
    const frame = item.view?.frame ?? 0;
    const controller = new AbortController();
    signal?.addEventListener('abort', () => controller.abort(), { once: true });
    if (item === this.desk.current) {
      this.running = controller;
      this.render();
    }
    /** @type {Finding} */
    const finding = { frame, model, result: null, error: null };
    try {
      finding.result = await this.explaining.classify(item, frame, { signal: controller.signal });
    } catch (error) {
      if (isCancelled(error)) return false;
      finding.error = error instanceof CoreError ? error : new CoreError(FAULT.REQUEST, 'REQUEST', String(error));
    } finally {
      if (this.running === controller) this.running = null;
      if (item === this.desk.current) this.render();
    }
    if (model !== this.desk.model) return true;
    this.desk.update(item, { finding });
    if (item === this.desk.current) {
      this.#announce(finding);
      void this.#showSeen(item);
      this.explaining.follow();
    }
    return true;
  }

  /**
   * Many files, without what is shown of a single one.
   * @param {Item[]} items
   * @param {number} more  files that will follow
   * @param {AbortSignal} signal
   * @param {(done: number) => void} onProgress
   * @returns {Promise<() => Promise<number>>} resolved when the core is done with them; the call that is its result gives
   *   the files their findings, and says how many have one
   */
  async classifyMany(items, more, signal, onProgress) {
    const { model } = this.desk;
    const pictures = items.map(({ key, view }) => ({ key, frame: view?.frame ?? 0 }));
    try {
      /** @type {import('../shared/protocol.js').Classified[]} */
      const classified = await this.client.request('classifyMany', { pictures, more }, { signal, onProgress: ({ done }) => onProgress(done) });
      return async () => (model === this.desk.model ? this.#take(items, pictures, classified) : 0);
    } catch (error) {
      return async () => (isCancelled(error) || model !== this.desk.model ? 0 : this.#classifySingly(items, signal));
    }
  }

  /**
   * @param {Item[]} items
   * @param {import('../shared/protocol.js').Look[]} pictures
   * @param {import('../shared/protocol.js').Classified[]} classified  of the first of them
   */
  #take(items, pictures, classified) {
    const { model } = this.desk;
    const open = new Set(this.desk.items);
    for (const [index, { result, error, identity }] of classified.entries()) {
      const item = items[index];
      if (!model || !open.has(item)) continue;
      this.desk.update(item, { identity, finding: { frame: pictures[index].frame, model, result, error: error && CoreError.fromMessage(error) } });
      if (item === this.desk.current) void this.#showSeen(item);
    }
    return classified.length;
  }

  /** After one of them ended the core: which, is found out, and the others have their results. @param {Item[]} items @param {AbortSignal} signal */
  async #classifySingly(items, signal) {
    let done = 0;
    for (const item of items) {
      if (signal.aborted || !(await this.classify(item, signal))) break;
      done++;
    }
    return done;
  }

  /** Puts away what classifyMany set up. */
  async endMany() {
    await this.client.request('classifyMany', { pictures: [], more: 0 }).catch(() => {});
  }

  /** "What the model saw", for the finding that is on screen. @param {Item} item */
  async #showSeen(item) {
    const { finding } = item;
    if (!finding?.result || this.seen?.finding === finding) return;
    try {
      const { pixels } = await this.client.request('preview', { key: item.key, frame: finding.frame });
      this.seen = { finding, pixels };
      if (item === this.desk.current) this.render();
    } catch {
      // The picture is an extra; the result stands without it.
    }
  }

  /** @param {Finding} finding */
  #announce({ result, error }) {
    const verdict = isHidden({ result }) ? t('applies.out') : result && this.#verdictText(result).join('. ');
    const text = result ? `${verdict}. ${t('result.notice')}` : '';
    this.live.textContent = error ? describeError(error).title : text;
  }

  render() {
    keepFocus(this.panel, () => this.#render());
  }

  #render() {
    const item = this.desk.current;
    const { model, survival } = this.desk;
    if (!model && !survival) return this.#note(t('result.noModel'), t('result.noModelHint'));
    if (!item) return this.#note(t('result.noImage'), t('result.noImageHint'));
    if (item.plane) return this.#note(t('result.plane'), t('result.planeHint'));
    if (survival) return this.survival.show(this.panel, item, survival, this.#modelFacts());
    if (this.running) return this.#showRunning(this.running);
    const { finding } = item;
    if (!finding || finding.model !== model) {
      const why = item.synthetic ? t('result.syntheticHint') : t('result.notYetHint');
      return this.#note(t('result.notYet'), why, this.#classifyButton(item, t('result.classify')));
    }
    if (finding.error) {
      const { title, detail } = describeError(finding.error);
      return this.#note(title, detail, this.#classifyButton(item, t('result.again')));
    }
    if (finding.result) this.#showResult(item, finding, finding.result);
  }

  /** @param {string} title @param {string} text @param {...HTMLElement} more */
  #note(title, text, ...more) {
    this.panel.replaceChildren(
      h('div.note', {}, h('p.note-title', {}, title), h('p.note-text', {}, text), ...more),
    );
  }

  /** @param {Item} item @param {string} text */
  #classifyButton(item, text) {
    const button = h('button.button', { type: 'button' }, icon('classify'), text);
    button.addEventListener('click', () => void this.classify(item));
    return button;
  }

  /** @param {AbortController} controller */
  #showRunning(controller) {
    const stop = h('button.button', { type: 'button', id: 'stop-classify' }, icon('stop'), t('result.stop'));
    stop.addEventListener('click', () => controller.abort());
    this.panel.replaceChildren(
      h('div.note', { role: 'status' }, h('span.spinner'), h('p.note-title', {}, t('result.running')), stop),
    );
  }

  /** The verdict and what it rests on. @param {Result} result @returns {[string, string]} */
  #verdictText(result) {
    const { verdict, task, scores, relation } = result;
    const labels = Object.keys(scores);
    if (relation === 'borderline') return [task === 'binary' ? labels[labels.length - 1] : (verdict ?? t('result.none')), t(task === 'single' ? 'result.borderlineSingle' : 'result.borderline')];
    if (task === 'binary') return [labels[labels.length - 1], t(`result.${relation}`)];
    if (verdict === null) return [t('result.none'), t('result.noneAbove')];
    return [verdict, t(task === 'multi' ? 'result.above' : 'result.highest')];
  }

  /** @param {Item} item @param {Finding} finding @param {Result} result */
  #showResult(item, finding, result) {
    // A model's own words: whatever language they are in.
    const title = h('p.model-title', { lang: '' }, this.desk.model?.title || result.model);
    const rest = [this.#frameNote(item, finding), this.#sawBlock(finding), this.#timings(result), this.profile.node(), this.#modelFacts()];
    if (isHidden(finding)) {
      this.panel.replaceChildren(title, appliesNote(result.applies, showAnyway(() => this.#showAnyway(finding))), ...rest);
    } else {
      this.panel.replaceChildren(
        title,
        this.#verdict(result),
        appliesNote(result.applies),
        h('p.notice', { id: 'notice' }, icon('warning'), h('span', {}, t('result.notice'))),
        this.#bars(result),
        ...(result.advice ? [h('p.advice', { lang: '' }, result.advice)] : []),
        this.explain.render(item),
        this.stability.render(finding),
        this.opinions.render(finding),
        this.report.render(item, finding),
        ...rest,
      );
    }
    this.#markFrame();
  }

  /** @param {Result} result */
  #verdict(result) {
    const [shown, relation] = this.#verdictText(result);
    const verdict = result.task === 'binary' ? (Object.keys(result.scores).at(-1) ?? shown) : shown;
    const score = result.scores[verdict];
    return h(
      'div.verdict',
      { 'data-state': result.task === 'single' && result.relation === 'above' ? 'below' : result.relation },
      h('div.verdict-line', {}, h('span.verdict-label', {}, verdict), score === undefined ? '' : h('span.verdict-score', {}, formatPercent(score))),
      h('p.verdict-relation', {}, relation),
    );
  }

  /** A score that means nothing is shown to those who ask for it. @param {Finding} finding */
  #showAnyway(finding) {
    finding.asked = true;
    const { current } = this.desk;
    if (current) this.desk.update(current, { finding });
    this.explaining.follow();
  }

  /** @param {Result} result */
  #bars(result) {
    const entries = Object.entries(result.scores);
    // Two labels keep their order; of many, the highest come first.
    if (entries.length > 3) entries.sort(([, a], [, b]) => b - a);
    const bars = entries.map(([label, score], index) => this.#bar(result, label, score, index === entries.length - 1));
    const list = h('div.bars', { role: 'list', 'aria-label': t('result.probabilities') }, ...bars.slice(0, TOP));
    if (bars.length > TOP) {
      list.append(
        h('details.more', {}, h('summary', {}, t('result.more', { count: bars.length - TOP })), ...bars.slice(TOP)),
      );
    }
    return list;
  }

  /** @param {Result} result @param {string} label @param {number} score @param {boolean} last */
  #bar({ task, threshold, raw: raws }, label, score, last) {
    const raw = raws?.[label];
    const marked = typeof threshold === 'number' ? (task === 'binary' && last ? threshold : null) : threshold?.[label];
    const fill = h('span.bar-fill');
    fill.style.width = `${Math.max(0, Math.min(1, score)) * 100}%`;
    const track = h('span.bar-track', {}, fill);
    if (typeof marked === 'number') {
      const mark = h('span.bar-mark', { title: t('result.threshold', { value: formatPercent(marked) }) });
      mark.style.left = `${marked * 100}%`;
      track.append(mark);
    }
    const calibrated = raw !== undefined && Math.abs(raw - score) >= 0.0005 ? t('result.raw', { value: formatPercent(raw) }) : '';
    const limit = typeof marked === 'number' ? t('result.threshold', { value: formatPercent(marked) }) : '';
    const words = [limit, calibrated].filter(Boolean).join(' · ');
    const note = words ? h('span.bar-note', { title: calibrated ? t('result.rawHint') : '' }, words) : '';
    return h(
      'div.bar',
      { role: 'listitem' },
      h('span.bar-label', {}, label),
      h('span.bar-score', {}, formatPercent(score)),
      track,
      note,
    );
  }

  /** A stack's result is of one frame; the note says which, and offers the one that is up. @param {Item} item @param {Finding} finding */
  #frameNote(item, finding) {
    if ((item.info?.frames ?? 1) < 2) return '';
    const button = this.#classifyButton(item, t('result.classifyFrame'));
    button.dataset.frame = String(finding.frame);
    return h('div.frame-note', {}, h('span', {}, t('result.ofFrame', { frame: finding.frame + 1 })), button);
  }

  #markFrame() {
    const button = /** @type {HTMLElement | null} */ (this.panel.querySelector('[data-frame]'));
    if (button) button.hidden = button.dataset.frame === String(this.desk.current?.view?.frame);
  }

  /** @param {Finding} finding */
  #sawBlock(finding) {
    if (this.seen?.finding !== finding) return '';
    const { rgba, width, height } = this.seen.pixels;
    const canvas = /** @type {HTMLCanvasElement} */ (
      h('canvas', { id: 'saw', width, height, role: 'img', 'aria-label': t('result.saw') })
    );
    canvas.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
    const size = t('overlay.size', { width, height });
    return h(
      'figure.saw',
      {},
      canvas,
      h('figcaption', {}, h('strong', {}, t('result.saw')), h('span', {}, size), h('span', {}, t('result.sawHint'))),
    );
  }

  /** @param {Result} result */
  #timings({ ms, totalMs }) {
    const rows = [
      [t('time.decode'), ms.decode],
      [t('time.preprocess'), ms.preprocess],
      [t('time.inference'), ms.inference],
      [t('time.total'), totalMs],
    ];
    return h(
      'dl.timings',
      { id: 'timings' },
      ...rows.map(([name, value]) => h('div', {}, h('dt', {}, String(name)), h('dd', {}, formatMs(Number(value))))),
    );
  }

  #modelFacts() {
    const model = this.desk.model ?? this.desk.survival;
    if (!model) return '';
    const rows = [
      [t('model.limits'), model.limits],
      [t('model.parameters'), formatNumber(model.parameters)],
      [t('model.memory'), model.memory && t('model.memoryMB', { mb: Math.ceil(model.memory.peakMB) })],
      [t('model.license'), model.license],
      [t('model.producer'), model.producer],
    ].filter(([, value]) => value);
    return h(
      'details.model-facts',
      { open: this.factsOpen, ontoggle: (/** @type {Event} */ event) => (this.factsOpen = /** @type {HTMLDetailsElement} */ (event.currentTarget).open) },
      h('summary', {}, t('model.about')),
      h('dl', {}, ...rows.flatMap(([name, value]) => [h('dt', {}, String(name)), h('dd', { lang: value === model.limits || value === model.producer || value === model.license ? '' : null }, String(value))])),
      this.desk.model ? this.small.render() : '',
    );
  }
}
