/** Connects the tools over the pictures with the buttons and keys of the page. */
import { byId } from '../dom.js';
import { togglePrivacy } from '../privacy.js';
import { ColorChoice } from './colors.js';
import { connectPaneTools } from './pane-tools.js';

/**
 * @param {object} parts
 * @param {import('../toolbar.js').Toolbar} parts.toolbar
 * @param {import('../panes/panes.js').Panes} parts.panes
 * @param {import('../desk.js').Desk} parts.desk
 * @param {import('../../client/client.js').Client} parts.client
 * @param {import('../../shared/protocol.js').Constants} parts.constants
 * @param {import('../snapshot.js').Snapshot} parts.snapshot
 */
export function connectTools({ toolbar, panes, desk, client, constants, snapshot }) {
  const each = panes.views.map((view) => connectPaneTools(view, client, constants));
  const active = () => each[desk.active.number];
  const colors = new ColorChoice(/** @type {HTMLSelectElement} */ (byId('color-maps')), desk, constants.colorMaps);
  snapshot.decorations = () => ({ layers: [active().planes.layer], parts: [active().legend, active().edges] });
  /** @param {string} action */
  const button = (action) => /** @type {HTMLElement} */ (toolbar.bar.querySelector(`[data-do=${action}]`));
  const show = () => {
    const { planes, magnifier } = active();
    button('planes').hidden = !planes.available;
    button('planes').setAttribute('aria-pressed', String(planes.on));
    button('magnifier').setAttribute('aria-pressed', String(magnifier.power > 0));
  };
  panes.addEventListener('rendered', show);
  desk.on('active', show);
  Object.assign(toolbar.more, {
    planes: () => {
      for (const { planes } of each) planes.toggle();
      show();
    },
    magnifier: () => {
      for (const { magnifier } of each) magnifier.next();
      show();
    },
    'next-colors': () => colors.next(),
    privacy: togglePrivacy,
  });
}
