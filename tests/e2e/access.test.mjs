/**
 * Every view in English and Chinese, wide and narrow: nothing for axe to find, nothing that runs over or cannot be reached, targets
 * that a pointer hits, larger ones for fingers, and in the Chinese page no English.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { axeFaults, latinWords, overflows, smallTargets, unreachable } from './checks.mjs';
import { newPage, screenshot, unavailable, useSite } from './harness.mjs';
import { WALKS, atSize } from './views.mjs';

/** The last: a page of 1440 × 900 at 200 % zoom. */
const SIZES = [[1440, 900], [1280, 720], [360, 740], [720, 450]].map(([width, height]) => ({ width, height }));
/** WCAG 2.2, 2.5.8; for fingers 2.5.5. */
const LEAST_TARGET = 24;
const LEAST_FOR_FINGERS = 44;
/** A phone and a tablet. */
const TOUCHED = [[360, 740], [820, 1180]].map(([width, height]) => ({ width, height }));

/** Names of methods, formats, people, keys and programs, columns of tables, and networks, which are the same in every language. */
const NAMES = new Set(`Negatoscope ONNX onnx Cobb Viridis Inferno Magma Lanczos Ctrl Shift Otsu CLAHE Sobel Canny MetaImage DICOM NIfTI NRRD TIFF JPEG
  SIMD relaxed threads simd imagenet torchxrayvision Logits MedMNIST GFLOP JSON HTML FHIR DiagnosticReport RISE Grad SmoothGrad Brier Kaplan Meier Harrell
  Antolini RMSprop Adam AdamW MONOCHROME small xray resnet alexnet googlenet densenet mobilenetv file label patient split train test time event Resource Timing`.split(/\s+/));
/** What the test itself put there: names of files and series, of models and their labels. */
const GIVEN = /[\w/-]+\.(png|dcm|onnx|csv|txt)|no-ending|(Tiny|Slow|Survival) test model|Chest X-ray of a child: normal or pneumonia|SYNTHETIC abdominal CT: liver lesion or not|Lung 3 mm|\b(absent|present|normal|lesion|left|right|months|Hostile|hostile)\b|Teleport "teleport_y": this operator is not supported/g;
/** Elements of a file and layers of a network have the names of their standards; digests are none. */
const OF_STANDARDS = '[lang]:not(html), #language, .tag, .profile-table, .about-facts dd';

const english = async (page) =>
  (await latinWords(page, OF_STANDARDS))
    .filter(({ word, text }) => !NAMES.has(word) && (text.replaceAll(GIVEN, '').match(/\p{Script=Latin}{4,}/gu) ?? []).some((left) => !NAMES.has(left)))
    .map(({ text, at }) => `English: ${at}: ${text.slice(0, 100)}`);

/** @param {Map<string, string[]>} faults  and where each was seen */
const listed = (faults) => [...faults].map(([fault, views]) => `${fault} (${views.slice(0, 4).join(', ')})`).join('\n');

describe('every view', { skip: unavailable }, () => {
  const shared = useSite({ shipped: true });

  for (const language of ['en', 'zh-CN']) {
    for (const [name, walk] of Object.entries(WALKS)) {
      test(`${name}, ${language}`, { timeout: 500_000 }, async (t) => {
        // axe is no part of the page, so its policy would not let it in.
        const { page, problems } = await newPage(t, shared.browser, { bypassCSP: true, locale: language });
        /** @type {Map<string, string[]>} */
        const faults = new Map();
        await walk(page, shared, { url: shared.site.url, query: `?test&lang=${language}` }, async (view, place) => {
          for (const size of SIZES) {
            await atSize(page, size, place);
            const found = [
              ...(await axeFaults(page)),
              ...(await overflows(page)),
              ...(await unreachable(page)),
              ...(size.width < 800 ? await smallTargets(page, LEAST_TARGET) : []),
              ...(language === 'zh-CN' ? await english(page) : []),
            ];
            for (const fault of found) faults.set(fault, [...(faults.get(fault) ?? []), `${view} at ${size.width}`]);
            if (size.width === 360) await screenshot(page, `view-${view}-${language}`);
          }
          await atSize(page, SIZES[0], place);
        });
        assert.equal(listed(faults), '');
        assert.deepEqual(problems, []);
      });
    }
  }

  for (const [name, walk] of Object.entries(WALKS)) {
    test(`${name}, by fingers`, { timeout: 500_000 }, async (t) => {
      const { page, problems } = await newPage(t, shared.browser, { hasTouch: true });
      /** @type {Map<string, string[]>} */
      const faults = new Map();
      await walk(page, shared, { url: shared.site.url, query: '?test' }, async (view, place) => {
        for (const size of TOUCHED) {
          await atSize(page, size, place);
          const found = [...(await overflows(page)), ...(await unreachable(page)), ...(await smallTargets(page, LEAST_FOR_FINGERS))];
          for (const fault of found) faults.set(fault, [...(faults.get(fault) ?? []), `${view} at ${size.width}`]);
          await screenshot(page, `touch-${size.width}-${view}`);
        }
        await atSize(page, SIZES[0], place);
      });
      assert.equal(listed(faults), '');
      assert.deepEqual(problems, []);
    });
  }
});
