/** Put in by the build: the texts of each language by its code (scripts/languages.mjs). */
declare const __LANGUAGES__: Record<string, Record<string, string>>;
