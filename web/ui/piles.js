/**
 * The lines of the list: files of one series are a pile, every other file is a line of its own. What belongs together,
 * and in which order, the core has said; here items are only laid out.
 */

/**
 * @typedef {import('./desk.js').Item} Item
 * @typedef {import('../shared/protocol.js').Study} Study
 * @typedef {import('../shared/protocol.js').Stack} Stack
 *
 * @typedef {{stack: Stack, items: Item[], places: number[], last: Item | null}} Pile  places: mm along the normal, of each
 *   item, if they are known; last: the one that was looked at
 * @typedef {{pile: Pile | null, items: Item[], heading: Study | 'others' | null}} Line
 */

/** What of a pile outlives a new order. @param {Item[]} items @returns {Item | null} */
function lastOf(items) {
  const old = items.find(({ pile }) => pile)?.pile?.last ?? null;
  return old && items.includes(old) ? old : null;
}

/** @param {Stack} stack @param {Item[]} items @param {number[]} places @returns {Pile} */
function makePile(stack, items, places) {
  const pile = { stack, items, places, last: lastOf(items) };
  items.forEach((item, at) => Object.assign(item, { pile, at }));
  return pile;
}

/**
 * Series first, by study, then all other files as they came.
 * @param {Item[]} items
 * @param {Study[]} studies
 */
export function arrange(items, studies) {
  const byKey = new Map(items.flatMap((item) => (item.plane ? [] : [[item.key, item]])));
  // A study that names itself can have a heading; the others only hold files that stand alone.
  const headed = studies.filter(({ uid }) => uid).length > 1;
  /** @type {Line[]} */
  const lines = [];
  for (const study of studies) {
    let heading = headed && study.uid ? study : null;
    for (const stack of study.series) {
      const here = stack.keys.map((key) => byKey.get(key));
      const members = /** @type {Item[]} */ (here.filter(Boolean));
      const alone = members.length < 2;
      if (!members.length || (alone && !heading && !headed)) continue;
      for (const { key } of members) byKey.delete(key);
      if (alone) members[0].pile = null;
      lines.push({ pile: alone ? null : makePile(stack, members, stack.positions?.filter((_, i) => here[i]) ?? []), items: members, heading });
      heading = null;
    }
  }
  /** @type {Line['heading']} */
  let heading = headed ? 'others' : null;
  for (const item of byKey.values()) {
    item.pile = null;
    lines.push({ pile: null, items: [item], heading });
    heading = null;
  }
  // Planes stand behind what they were made of.
  for (const item of items.filter(({ plane }) => plane).reverse()) {
    const at = lines.findIndex((line) => item.plane && line.items.includes(item.plane.of));
    lines.splice(at < 0 ? lines.length : at + 1, 0, { pile: null, items: [item], heading: null });
  }
  return { items: lines.flatMap((line) => line.items), lines };
}
