#include "nn/decisions.h"

#include <stdatomic.h>

#include "negatoscope.h"

static atomic_uint assumed, decided;

/* Two answers to one question are none. */
static uint32_t only_one(uint32_t bits, uint32_t a, uint32_t b) {
  return (bits & a) && (bits & b) ? bits & ~(a | b) : bits;
}

uint32_t nsc_assumed(uint32_t mask) {
  return atomic_load(&assumed) & mask;
}

void nsc_decided(uint32_t bits) {
  atomic_fetch_or(&decided, bits);
}

uint32_t nsc_decisions(void) {
  return atomic_load(&decided);
}

void nsc_assume_decisions(uint32_t decisions) {
  uint32_t known =
      decisions & (NSC_ROWS_MASK | NSC_INTEGERS_MASK | NSC_INTEGERS_OWN | NSC_INTEGERS_WORDS | NSC_INTEGERS_TILES);
  known = only_one(only_one(known, NSC_ROWS_FOUR, NSC_ROWS_SIX), NSC_INTEGERS_PAY, NSC_INTEGERS_COST);
  atomic_store(&assumed, known);
}
