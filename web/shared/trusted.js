/**
 * Addresses of scripts, where the browser has Trusted Types (W3C): the policy of page and worker lets no text become a script's
 * address unless it passes here, so nothing that a file holds can end up as code. Other browsers get the text itself.
 */

/** @typedef {{createPolicy: (name: string, rules: {createScriptURL: (url: string) => string}) => {createScriptURL: (url: string) => any}}} Factory */

/**
 * May be called once for a name: a second policy of it would be refused.
 * @param {string} name  'default' is asked for every address that was handed to the browser as a text
 * @param {(url: string) => boolean} isOurs  of whole addresses
 * @returns {(url: string) => string} the address for `new Worker` and the like, relative or whole
 */
export function scriptAddresses(name, isOurs) {
  /** @param {string} url */
  const createScriptURL = (url) => {
    const { href } = new URL(url, globalThis.location.href);
    if (!isOurs(href)) throw new TypeError(`no script of this page: ${href}`);
    return href;
  };
  const { trustedTypes } = /** @type {{trustedTypes?: Factory}} */ (/** @type {unknown} */ (globalThis));
  const policy = trustedTypes?.createPolicy(name, { createScriptURL });
  return policy ? (url) => policy.createScriptURL(url) : createScriptURL;
}
