/** The single file's entry. */
import { singleParts } from './client/single.js';
import { startApp } from './ui/app.js';

void singleParts().then((parts) => startApp(parts, { offline: null }));
