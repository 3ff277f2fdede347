/** The core's part for reports. Sees addresses only. */

/**
 * @typedef {import('./core.js').Core} Core
 * @typedef {import('../shared/protocol.js').ReportForm} ReportForm
 */

/** In the order of nsc_record_object. @type {ReportForm[]} */
const OBJECTS = ['sr', 'sc', 'seg'];

/** SHA-256 of a file. @param {Core} core @param {Blob} file @param {(done: number, total: number) => void} onProgress @returns {Promise<string>} */
export async function digestOf(core, file, onProgress) {
  const source = await core.source(file, { onProgress });
  core.call('bridge_source_sha256', source);
  const digest = core.ownedText();
  core.freeSource(source);
  return digest;
}

export class CoreRecord {
  /**
   * @param {Core} core
   * @param {number} classifier
   * @param {number} image
   * @param {number} frame
   * @param {{explanation: number, stability: number, threshold: number, nameless: boolean, time: string, name: string | null, sha256: string | null,
   *          marks: string, model: import('../shared/protocol.js').ModelOptions}} options  explanation, stability: 0 for none
   */
  constructor(core, classifier, image, frame, { explanation, stability, threshold, nameless, time, name, sha256, marks, model }) {
    this.core = core;
    core.withTexts([time, name, sha256, marks, model.recipe, model.labels, model.output], (...texts) =>
      core.call('bridge_record_create', classifier, image, frame, explanation, stability, threshold, nameless ? 1 : 0, ...texts),
    );
    this.handle = core.result();
  }

  /** @param {ReportForm} form @param {string} language @param {readonly number[]} key  four numbers of 32 bits @returns {string | Uint8Array<ArrayBuffer>} */
  write(form, language, key) {
    const { core, handle } = this;
    if (form === 'json') {
      core.call('bridge_record_json', handle);
      return core.ownedText();
    }
    if (form === 'html' || form === 'fhir') {
      core.withTexts([language], (text) => core.call(`bridge_record_${form}`, handle, text));
      return core.ownedText();
    }
    core.call('bridge_record_dicom', handle, OBJECTS.indexOf(form), ...key);
    return core.ownedBytes();
  }

  free() {
    this.core.freeRecord(this.handle);
  }
}
