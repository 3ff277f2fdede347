#include "base/version.h"

#include "negatoscope.h"

#ifndef NSC_VERSION
#error "NSC_VERSION and NSC_VARIANT come from the build"
#endif

const char *nsc_version(void) {
  return NSC_VERSION;
}

const char *nsc_build_variant(void) {
  return NSC_VARIANT[0] ? NSC_VARIANT : "native";
}

const char *nsc_build_compiler(void) {
  return __VERSION__;
}

/* XNNPACK chooses its kernels by these; other kernels add in another order. */
const char *nsc_processor(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vnni")) return "x86-64 avx512vnni";
  if (__builtin_cpu_supports("avx512f")) return "x86-64 avx512";
  if (__builtin_cpu_supports("fma")) return "x86-64 fma";
  return __builtin_cpu_supports("avx") ? "x86-64 avx" : "x86-64";
#elif defined(__wasm__)
  return "wasm";
#else
  return "other";
#endif
}
