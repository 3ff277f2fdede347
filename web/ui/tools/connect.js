/** Connects the tools over the picture with the buttons and keys of the page. */
import { byId } from '../dom.js';
import { togglePrivacy } from '../privacy.js';
import { ColorChoice } from './colors.js';
import { connectPaneTools } from './pane-tools.js';

/**
 * @param {object} parts
 * @param {import('../toolbar.js').Toolbar} parts.toolbar
 * @param {import('../viewer.js').Viewer} parts.viewer
 * @param {import('../desk.js').Desk} parts.desk
 * @param {import('../../client/client.js').Client} parts.client
 * @param {import('../../shared/protocol.js').Constants} parts.constants
 * @param {import('../snapshot.js').Snapshot} parts.snapshot
 */
export function connectTools({ toolbar, viewer, desk, client, constants, snapshot }) {
  const root = /** @type {HTMLElement} */ (viewer.canvas.parentElement);
  const { planes, magnifier, legend, edges } = connectPaneTools({ root, viewer, desk, client, constants });
  const colors = new ColorChoice(/** @type {HTMLSelectElement} */ (byId('color-maps')), desk, constants.colorMaps);
  snapshot.layers.push(planes.layer);
  snapshot.parts.push(legend, edges);
  /** @param {string} action */
  const button = (action) => /** @type {HTMLElement} */ (toolbar.bar.querySelector(`[data-do=${action}]`));
  const show = () => {
    button('planes').hidden = !planes.available;
    button('planes').setAttribute('aria-pressed', String(planes.on));
    button('magnifier').setAttribute('aria-pressed', String(magnifier.power > 0));
  };
  viewer.addEventListener('rendered', show);
  Object.assign(toolbar.more, {
    planes: () => {
      planes.toggle();
      show();
    },
    magnifier: () => {
      magnifier.next();
      show();
    },
    'next-colors': () => colors.next(),
    privacy: togglePrivacy,
  });
}
