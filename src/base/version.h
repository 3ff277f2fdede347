#ifndef NSC_BASE_VERSION_H
#define NSC_BASE_VERSION_H

/* "native", or the wasm variant: "simd", "simd-threads", "relaxed", "relaxed-threads". */
const char *nsc_build_variant(void);

#endif
