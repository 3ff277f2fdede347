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
