#ifndef NSC_BASE_VERSION_H
#define NSC_BASE_VERSION_H

/* "native", or the wasm variant: "simd", "simd-threads", "relaxed", "relaxed-threads". */
const char *nsc_build_variant(void);
/* The compiler that built it, and the kind of processor that it runs on: two runs give the same digits where these are
 * the same. */
const char *nsc_build_compiler(void);
const char *nsc_processor(void);

#endif
