/** The site's entry. */
import { siteParts } from './client/site.js';
import { startApp } from './ui/app.js';
import { keepOffline } from './client/offline.js';

const parts = siteParts();
void startApp(parts, { keepOffline: parts.offline ? keepOffline : null });
