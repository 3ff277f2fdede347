/** The site's entry. */
import { siteParts } from './client/site.js';
import { startApp } from './ui/app.js';
import * as offline from './client/offline.js';

const parts = siteParts();
void startApp(parts, { offline: parts.offline ? offline : null });
