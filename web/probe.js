/*
 * Runs before anything else is loaded, in JavaScript that every browser understands: says plainly why the page will not work where it
 * will not, and keeps the page's English texts unseen where another language is going to replace them. The little module holds one function with f32x4.mul, as in shared/variants.js.
 */
(function () {
  'use strict';
  var simd = [
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 0x0a, 15, 1, 13, 0, 0x41, 0, 0xfd, 0x11, 0x41, 0, 0xfd, 0x11, 0xfd,
    0xe6, 0x01, 0x0b,
  ];

  function hasSimd() {
    try {
      return WebAssembly.validate(new Uint8Array(simd));
    } catch (error) {
      return false;
    }
  }

  /** @param {string} id */
  function show(id) {
    function reveal() {
      var box = document.getElementById('too-old');
      var text = document.getElementById(id);
      if (!box || !text || box.getAttribute('hidden') === null) return;
      text.removeAttribute('hidden');
      box.removeAttribute('hidden');
      document.documentElement.setAttribute('data-unable', '');
    }
    if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', reveal);
    else reveal();
  }

  /** The first wish of web/i18n/i18n.js, whether or not the page has that language. */
  function isEnglishWanted() {
    var asked = /[?&]lang=([^&]*)/.exec(location.search);
    var stored = null;
    try {
      stored = localStorage.getItem('negatoscope-language');
    } catch (error) {
      // Storage may be forbidden.
    }
    return /^en\b/i.test((asked && asked[1]) || stored || navigator.language || 'en');
  }

  if (!isEnglishWanted()) document.documentElement.setAttribute('data-untranslated', '');
  if (!hasSimd()) show('too-old-simd');
  else {
    // A part that did not come, or has not the digest that it should have, or is newer than this browser's JavaScript.
    window.addEventListener(
      'error',
      function (event) {
        var target = /** @type {Node | null} */ (event.target);
        var part = target && (target.nodeName === 'SCRIPT' || target.nodeName === 'LINK');
        if (!document.body || (!document.body.getAttribute('data-started') && (part || event.error instanceof SyntaxError))) show('too-old-part');
      },
      true,
    );
  }
})();
