/** Connects the tools over the pictures with the buttons and keys of the page: colours for the active pane, planes and magnifier for all. */
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
 * @param {import('../explain/explaining.js').Explaining} parts.explaining
 */
export function connectTools({ toolbar, panes, desk, client, constants, snapshot, explaining }) {
  const all = panes.views.map(({ node, viewer, pane }) => connectPaneTools({ root: node, viewer, pane, client, constants, explaining }));
  const active = () => all[desk.active.number];
  const colors = new ColorChoice(/** @type {HTMLSelectElement} */ (byId('color-maps')), desk, constants.colorMaps);
  snapshot.over = () => {
    const { heat, planes, legend, edges } = active();
    return { layers: [heat.layer, planes.layer], parts: [legend, edges] };
  };
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
      for (const { planes } of all) planes.toggle();
      show();
    },
    magnifier: () => {
      for (const { magnifier } of all) magnifier.next();
      show();
    },
    'next-colors': () => colors.next(),
    privacy: togglePrivacy,
  });
}
