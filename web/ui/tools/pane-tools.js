/** What lies over the picture of one pane: letters at its edges, overlay planes, the legend of colours, the magnifier. */
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
 */
export function connectPaneTools({ root, viewer, pane, client, constants }) {
  return {
    planes: new OverlayPlanes(viewer, pane, client),
    legend: new ColorLegend(root, viewer, pane, constants.colorMaps),
    edges: new EdgeLetters(root, viewer, pane),
    magnifier: new Magnifier(root, viewer, pane, client),
  };
}
