/** What lies over the picture of one pane: letters at its edges, overlay planes, maps of influence, the legend of colours, the magnifier. */
import { Heat } from '../explain/heat.js';
import { ColorLegend } from './colors.js';
import { EdgeLetters } from './edges.js';
import { Magnifier } from './magnifier.js';
import { OverlayPlanes } from './planes.js';

/**
 * @param {object} parts
 * @param {HTMLElement} parts.root  what the viewer's canvas fills
 * @param {import('../viewer.js').Viewer} parts.viewer
 * @param {import('../panes/pane.js').Pane} parts.pane
 * @param {import('../../client/client.js').Client} parts.client
 * @param {import('../../shared/protocol.js').Constants} parts.constants
 * @param {import('../explain/explaining.js').Explaining} parts.explaining
 */
export function connectPaneTools({ root, viewer, pane, client, constants, explaining }) {
  return {
    planes: new OverlayPlanes(viewer, pane, client),
    legend: new ColorLegend(root, viewer, pane, constants.colorMaps),
    edges: new EdgeLetters(root, viewer, pane),
    heat: new Heat(viewer, pane, explaining),
    magnifier: new Magnifier(root, viewer, pane, client),
  };
}
