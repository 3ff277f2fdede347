/** What lies over the picture of one pane: letters at its edges, overlay planes, the legend of colours, the magnifier. */
import { ColorLegend } from './colors.js';
import { EdgeLetters } from './edges.js';
import { Magnifier } from './magnifier.js';
import { OverlayPlanes } from './planes.js';

/**
 * @param {import('../panes/panes.js').PaneView} view
 * @param {import('../../client/client.js').Client} client
 * @param {import('../../shared/protocol.js').Constants} constants
 */
export function connectPaneTools({ node, pane, viewer }, client, constants) {
  return {
    planes: new OverlayPlanes(viewer, pane, client),
    legend: new ColorLegend(node, viewer, pane, constants.colorMaps),
    edges: new EdgeLetters(node, viewer, pane),
    magnifier: new Magnifier(node, viewer, pane, client),
  };
}
