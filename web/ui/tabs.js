/**
 * Rows of tabs by keyboard, as readers of the screen expect them (WAI-ARIA Authoring Practices, tabs): one stop for the Tab key,
 * arrows, Home and End go from tab to tab and show what is under it. Which one is shown, `aria-selected` says.
 */

/** @param {HTMLElement} list  with role tablist */
function connect(list) {
  const tabs = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll('[role=tab]')]).filter((tab) => !tab.hidden);
  const mark = () => {
    const all = tabs();
    const shown = all.find((tab) => tab.getAttribute('aria-selected') === 'true') ?? all[0];
    for (const tab of all) {
      const wanted = tab === shown ? 0 : -1;
      if (tab.tabIndex !== wanted) tab.tabIndex = wanted;
    }
  };
  list.addEventListener('keydown', (event) => {
    const all = tabs();
    const at = all.findIndex((tab) => tab === event.target);
    const next = { ArrowRight: all[(at + 1) % all.length], ArrowLeft: all[(at - 1 + all.length) % all.length], Home: all[0], End: all[all.length - 1] }[event.key];
    if (at < 0 || !next) return;
    // The same keys go through slices elsewhere.
    event.preventDefault();
    event.stopPropagation();
    next.focus();
    next.click();
  });
  new MutationObserver(mark).observe(list, { subtree: true, attributeFilter: ['aria-selected', 'hidden'] });
  mark();
}

export function connectTabs() {
  for (const list of document.querySelectorAll('[role=tablist]')) connect(/** @type {HTMLElement} */ (list));
}
