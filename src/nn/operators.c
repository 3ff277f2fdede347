#include "nn/operators.h"

#include <string.h>

static const nsc_operator *const families[] = {
    nsc_conv_operators,   nsc_pool_operators,   nsc_matmul_operators,  nsc_unary_operators,     nsc_binary_operators,
    nsc_norm_operators,   nsc_moment_operators, nsc_shape_operators,   nsc_move_operators,      nsc_reduce_operators,
    nsc_resize_operators, nsc_index_operators,  nsc_top_operators,     nsc_attention_operators, nsc_gate_operators,
    nsc_other_operators,  nsc_quant_operators,  nsc_integer_operators,
};

nsc_lower nsc_find_operator(const char *op) {
  for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
    for (const nsc_operator *o = families[f]; o->name; o++) {
      if (strcmp(o->name, op) == 0) return o->lower;
    }
  }
  return NULL;
}

const char *nsc_operator_name(size_t index) {
  for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
    for (const nsc_operator *o = families[f]; o->name; o++) {
      if (index-- == 0) return o->name;
    }
  }
  return NULL;
}
