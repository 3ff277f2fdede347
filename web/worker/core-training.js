/**
 * One training in the wasm core. Everything goes through core.js, which alone touches the heap: here are names of bridge
 * functions, texts and numbers only.
 */
import { modelSource } from './file-bytes.js';

/**
 * @typedef {import('./core.js').Core} Core
 * @typedef {import('../shared/training.js').DataJson} DataJson
 * @typedef {import('../shared/training.js').Choices} Choices
 * @typedef {import('../shared/training.js').TrainingStatus} TrainingStatus
 * @typedef {import('../shared/training.js').Evaluation} Evaluation
 */

export class CoreTraining {
  /** @param {Core} core @param {number} handle */
  constructor(core, handle) {
    this.core = core;
    this.handle = handle;
  }

  /** @param {Core} core @param {object} data  as nsc_training_create takes it */
  static create(core, data) {
    core.withTexts([JSON.stringify(data)], (text) => core.call('bridge_training_create', text));
    return new CoreTraining(core, core.result());
  }

  /** @param {Core} core @param {Uint8Array} bytes  as saveData gave them */
  static restore(core, bytes) {
    core.withBytes(bytes, (address) => core.call('bridge_training_restore_data', address, bytes.length));
    return new CoreTraining(core, core.result());
  }

  free() {
    this.core.freeTraining(this.handle);
    this.handle = 0;
  }

  /**
   * @param {number} image
   * @param {{frame?: number, name: string, patient?: string | null, label: number, split: number}} sample
   */
  addImage(image, { frame = 0, name, patient = null, label, split }) {
    this.core.withTexts([name, patient], (nameAt, patientAt) =>
      this.core.call('bridge_training_add_image', this.handle, image, frame, nameAt, patientAt, label, split),
    );
  }

  /** @param {number} source  stays the caller's @param {string[] | null} labels */
  addNpz(source, labels) {
    this.core.withTexts([labels && JSON.stringify(labels)], (text) =>
      this.core.call('bridge_training_add_npz', this.handle, source, text),
    );
  }

  /** @param {object} how */
  split(how) {
    this.core.withTexts([JSON.stringify(how)], (text) => this.core.call('bridge_training_split', this.handle, text));
  }

  /** Times to an event: see nsc_training_set_outcomes. @param {object} outcomes */
  setOutcomes(outcomes) {
    this.core.withTexts([JSON.stringify(outcomes)], (text) => this.core.call('bridge_training_set_outcomes', this.handle, text));
  }

  /** @returns {DataJson} */
  data() {
    this.core.call('bridge_training_data', this.handle);
    return this.core.ownedJson();
  }

  /** Compares all pictures. @returns {import('../shared/training.js').Duplicate[]} */
  duplicates() {
    this.core.call('bridge_training_duplicates', this.handle);
    return this.core.ownedJson();
  }

  /** @param {number} sample @returns {string | null} */
  name(sample) {
    return this.core.trainingName(this.handle, sample);
  }

  /**
   * @param {number} sample
   * @param {object | string | null} augment  a preset's name or its fields
   * @param {number} draw
   * @param {{width: number, height: number}} size
   */
  picture(sample, augment, draw, { width, height }) {
    this.core.withTexts([augment && JSON.stringify({ augment })], (text) =>
      this.core.call('bridge_training_picture', this.handle, sample, text, draw, width, height),
    );
    return this.core.pixels(width, height);
  }

  /** @returns {Choices} */
  choices() {
    this.core.call('bridge_training_choices', this.handle);
    return this.core.ownedJson();
  }

  /** A model that a network may start from. @param {Blob} file */
  async setBase(file) {
    const { source, outside } = await modelSource(this.core, file);
    this.core.handOver(source, () => this.core.call('bridge_training_set_base', this.handle, source));
    for (const bytes of outside) bytes.beginPacking();
  }

  /** Where weights are put that memory need not hold, from the next begin on. @param {number} store  of Core.addStore; -1: nowhere */
  setStore(store) {
    this.core.call('bridge_training_set_store', this.handle, store);
  }

  /** @param {object} options  as of begin @param {number} threads @returns {import('../shared/training.js').Need} */
  need(options, threads) {
    this.core.withTexts([JSON.stringify(options)], (text) => this.core.call('bridge_training_need', this.handle, text, threads));
    return this.core.ownedJson();
  }

  /** The caller has waited for Core.threadsReady. @param {object} options @param {number} threads */
  begin(options, threads) {
    this.core.withTexts([JSON.stringify(options)], (text) =>
      this.core.call('bridge_training_begin', this.handle, text, threads),
    );
  }

  /** @param {number} milliseconds @returns {boolean} whether training has ended */
  run(milliseconds) {
    this.core.call('bridge_training_run', this.handle, milliseconds);
    return this.core.result() !== 0;
  }

  /** @returns {TrainingStatus} */
  status() {
    this.core.call('bridge_training_status', this.handle);
    return this.core.ownedJson();
  }

  /** @param {object} how @returns {Evaluation} */
  evaluate(how) {
    this.core.withTexts([JSON.stringify(how)], (text) => this.core.call('bridge_training_evaluate', this.handle, text));
    return this.core.ownedJson();
  }

  /** @param {number} image @param {number} frame @param {number} k @returns {import('../shared/training.js').Neighbours} */
  neighbours(image, frame, k) {
    this.core.call('bridge_training_neighbours', this.handle, image, frame, k);
    return this.core.ownedJson();
  }

  /**
   * The best weights so far as an ONNX file.
   * @param {object} facts
   * @param {boolean} [studied]  with what its pictures are like, so that it can tell which ones it may judge: takes seconds
   */
  model(facts, studied = false) {
    this.core.withTexts([JSON.stringify(facts)], (text) => this.core.call(studied ? 'bridge_training_model_studied' : 'bridge_training_model', this.handle, text));
    return this.core.ownedBytes();
  }

  /** A checkpoint in copies of its parts: the whole is several times as large as the network. */
  *checkpoint() {
    for (let part = 0; ; part++) {
      this.core.call('bridge_training_checkpoint', this.handle, part);
      if (!this.core.result()) return;
      yield this.core.borrowedBytes();
    }
  }

  /** Reads a checkpoint part by part. @param {import('./storage.js').Reading} file */
  resume(file) {
    const store = this.core.addStore(file);
    try {
      this.core.call('bridge_training_resume_from', this.handle, store, file.size);
    } finally {
      this.core.dropStore(store);
    }
  }

  saveData() {
    this.core.call('bridge_training_save_data', this.handle);
    return this.core.ownedBytes();
  }
}
