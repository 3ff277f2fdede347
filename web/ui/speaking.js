/**
 * What readers of the screen hear while the picture has the keyboard: the slice that one came to and the value under the pointer,
 * once things stand still. The slider says its own place.
 */
import { t } from '../i18n/i18n.js';
import { byId } from './dom.js';

/** Somebody who goes through slices hears the last one only. */
const PAUSE_MS = 500;

/** @param {import('./desk.js').Desk} desk @param {import('./panes/panes.js').Panes} panes */
export function speakPlaces(desk, panes) {
  const live = byId('live');
  let timer = 0;
  let said = '';
  const say = (/** @type {() => string} */ text) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const now = text();
      if (!now || now === said || document.activeElement !== panes.canvas) return;
      said = now;
      live.textContent = now;
    }, PAUSE_MS);
  };
  const place = () => {
    const { at, count } = desk.place;
    return count > 1 ? t('viewer.slice', { at: at + 1, count }) : '';
  };
  let before = '';
  const moved = () => {
    const now = place();
    if (now !== before && document.activeElement === panes.canvas) say(place);
    before = now;
  };
  desk.on('select', moved);
  desk.on('view', moved);
  document.addEventListener('keydown', ({ target, shiftKey, key }) => {
    if (target !== panes.canvas || !shiftKey || !key.startsWith('Arrow')) return;
    say(() => panes.active.node.querySelector('.corner-bottom-right')?.textContent?.replaceAll('\n', ', ') ?? '');
  }, { capture: true });
}
