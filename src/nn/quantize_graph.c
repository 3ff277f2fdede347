/* What is quantised: decided backwards from the outputs. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/quantize.h"

/* ---- who computes and who reads ---- */

static nsc_status no_memory(const nsc_quantize_graph *g, nsc_error *err) {
  return nsc_fail_memory(err, g->model->value_count * sizeof *g->values, "quantisation");
}

static nsc_status make_tables(nsc_quantize_graph *g, nsc_error *err) {
  const nsc_model *m = g->model;
  size_t nodes = (size_t)m->node_count + 1, values = (size_t)m->value_count + 1;
  g->role = nsc_arena_alloc(&g->arena, nodes, sizeof *g->role);
  g->weights = nsc_arena_alloc(&g->arena, nodes, sizeof *g->weights);
  g->norm = nsc_arena_alloc(&g->arena, nodes, sizeof *g->norm);
  g->end = nsc_arena_alloc(&g->arena, nodes, sizeof *g->end);
  g->producer = nsc_arena_alloc(&g->arena, values, sizeof *g->producer);
  g->readers = nsc_arena_alloc(&g->arena, values, sizeof *g->readers);
  g->reader = nsc_arena_alloc(&g->arena, values, sizeof *g->reader);
  g->values = nsc_arena_alloc(&g->arena, values, sizeof *g->values);
  if (!g->role || !g->weights || !g->norm || !g->end || !g->producer || !g->readers || !g->reader || !g->values) {
    return no_memory(g, err);
  }
  for (uint32_t v = 0; v < m->value_count; v++) {
    g->producer[v] = g->reader[v] = NSC_NO_VALUE;
    g->values[v].like = v;
  }
  for (uint32_t n = 0; n < m->node_count; n++) {
    const nsc_node *node = &m->nodes[n];
    g->norm[n] = NSC_NO_VALUE;
    g->end[n] = node->output_count ? node->outputs[0] : NSC_NO_VALUE;
    for (uint32_t i = 0; i < node->output_count; i++) {
      if (node->outputs[i] != NSC_NO_VALUE) g->producer[node->outputs[i]] = n;
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
      if (node->inputs[i] == NSC_NO_VALUE) continue;
      g->readers[node->inputs[i]]++;
      g->reader[node->inputs[i]] = n;
    }
  }
  for (uint32_t i = 0; i < m->output_count; i++) g->readers[m->outputs[i].value] += 2;
  return NSC_OK;
}

/* The only node that reads `value`, or NSC_NO_VALUE. */
static uint32_t only_reader(const nsc_quantize_graph *g, uint32_t value) {
  return value != NSC_NO_VALUE && g->readers[value] == 1 ? g->reader[value] : NSC_NO_VALUE;
}

/* ---- roles ---- */

static const char *const products[] = {"Conv", "Gemm", "MatMul", NULL};
static const char *const elements[] = {"Add",  "Sub",       "Mul",       "Concat",      "Relu",
                                       "Clip", "LeakyRelu", "HardSwish", "HardSigmoid", "Sigmoid",
                                       "Elu",  "Tanh",      "Mish",      "Gelu",        NULL};
static const char *const norms[] = {"BatchNormalization", NULL};
static const char *const moves[] = {"MaxPool",  "Flatten", "Reshape",      "Squeeze",      "Unsqueeze", "Transpose",
                                    "Identity", "Dropout", "DepthToSpace", "SpaceToDepth", NULL};
static const char *const averages[] = {"GlobalAveragePool", "AveragePool", NULL};

static bool is_one_of(const nsc_node *node, const char *const *names) {
  if (node->domain[0] && strcmp(node->domain, "ai.onnx") != 0) return false;
  for (; *names; names++) {
    if (strcmp(node->op, *names) == 0) return true;
  }
  return false;
}

/* Whether `text` fits the pattern: * any characters, ? any one. */
static bool matches(const char *pattern, const char *text) {
  const char *star = NULL, *back = NULL;
  while (*text) {
    if (*pattern == '*') {
      star = pattern++;
      back = text;
    } else if (*pattern == '?' || *pattern == *text) {
      pattern++;
      text++;
    } else if (star) {
      pattern = star + 1;
      text = ++back;
    } else {
      return false;
    }
  }
  while (*pattern == '*') pattern++;
  return *pattern == 0;
}

static bool is_kept(const nsc_quantize_options *o, const nsc_node *node) {
  for (uint32_t i = 0; i < o->keep_count; i++) {
    if (matches(o->keep[i], node->name)) return true;
  }
  return false;
}

static float float_attribute(const nsc_node *node, const char *name, float otherwise) {
  for (uint32_t i = 0; i < node->attribute_count; i++) {
    const nsc_attribute *a = &node->attributes[i];
    if (strcmp(a->name, name) == 0 && a->kind == NSC_ATTRIBUTE_FLOAT) return a->f;
  }
  return otherwise;
}

static bool is_product(const nsc_quantize_graph *g, const nsc_node *node) {
  if (!is_one_of(node, products) || node->input_count < 2 || node->inputs[1] == NSC_NO_VALUE) return false;
  if (nsc_quantize_is_constant(g, node->inputs[0]) || !nsc_quantize_is_constant(g, node->inputs[1])) return false;
  bool biased = node->input_count > 2 && node->inputs[2] != NSC_NO_VALUE;
  if (biased && !nsc_quantize_is_constant(g, node->inputs[2])) return false;
  return node->op[0] != 'G' || (float_attribute(node, "alpha", 1) == 1 && float_attribute(node, "beta", 1) == 1);
}

/* Sums, products and concatenations of activations, and functions of one. */
static bool is_element(const nsc_quantize_graph *g, const nsc_node *node) {
  if (!is_one_of(node, elements)) return false;
  bool several = node->op[0] == 'A' || node->op[0] == 'S' || node->op[0] == 'M' || strcmp(node->op, "Concat") == 0;
  if (strcmp(node->op, "Sigmoid") == 0 || strcmp(node->op, "Mish") == 0) several = false;
  for (uint32_t i = 0; several && i < node->input_count; i++) {
    if (node->inputs[i] == NSC_NO_VALUE || nsc_quantize_is_constant(g, node->inputs[i])) return false;
  }
  return node->input_count > 0;
}

static bool is_frozen_norm(const nsc_quantize_graph *g, const nsc_node *node, uint32_t input) {
  if (!is_one_of(node, norms) || node->input_count < 5 || node->inputs[0] != input || node->output_count < 1) {
    return false;
  }
  for (uint32_t i = 1; i < 5; i++) {
    if (node->inputs[i] == NSC_NO_VALUE || !nsc_quantize_is_constant(g, node->inputs[i])) return false;
  }
  return node->outputs[0] != NSC_NO_VALUE;
}

static nsc_quantize_role role_of(const nsc_quantize_graph *g, const nsc_quantize_options *o, const nsc_node *node) {
  if (is_kept(o, node) || node->output_count == 0 || node->outputs[0] == NSC_NO_VALUE || node->input_count == 0 ||
      node->inputs[0] == NSC_NO_VALUE) {
    return NSC_ROLE_FLOAT;
  }
  if (is_product(g, node)) return NSC_ROLE_PRODUCT;
  if (nsc_quantize_is_constant(g, node->inputs[0])) return NSC_ROLE_FLOAT;
  if (is_one_of(node, averages)) return NSC_ROLE_AVERAGE;
  bool one_output = node->output_count == 1 || node->outputs[1] == NSC_NO_VALUE;
  if (is_one_of(node, moves)) return one_output ? NSC_ROLE_MOVE : NSC_ROLE_FLOAT;
  return is_element(g, node) || is_frozen_norm(g, node, node->inputs[0]) ? NSC_ROLE_ELEMENT : NSC_ROLE_FLOAT;
}

/* Batch norm and clamp behind node `n` become part of it. */
static void take_along(nsc_quantize_graph *g, const nsc_quantize_options *o, uint32_t n) {
  const nsc_node *nodes = g->model->nodes;
  static const char *const clamps[] = {"Relu", "Clip", NULL}, *const clamped[] = {"Conv", "Gemm", "MatMul", "Add",
                                                                                  NULL};
  uint32_t next = only_reader(g, g->end[n]);
  if (next != NSC_NO_VALUE && strcmp(nodes[n].op, "Conv") == 0 && is_frozen_norm(g, &nodes[next], g->end[n])) {
    g->norm[n] = next;
    g->role[next] = NSC_ROLE_TAKEN;
    g->end[n] = nodes[next].outputs[0];
    next = only_reader(g, g->end[n]);
  }
  if (next == NSC_NO_VALUE || !is_one_of(&nodes[n], clamped) || !is_one_of(&nodes[next], clamps) ||
      nodes[next].inputs[0] != g->end[n] || is_kept(o, &nodes[next])) {
    return;
  }
  for (uint32_t i = 1; i < nodes[next].input_count; i++) {
    if (nodes[next].inputs[i] != NSC_NO_VALUE && !nsc_quantize_is_constant(g, nodes[next].inputs[i])) return;
  }
  g->role[next] = NSC_ROLE_TAKEN;
  g->end[n] = nodes[next].outputs[0];
}

/* The batch norm behind a convolution that stays in float is folded into it when the model is opened. */
static void keep_norm(nsc_quantize_graph *g, uint32_t n) {
  uint32_t next = only_reader(g, g->end[n]);
  if (next != NSC_NO_VALUE && strcmp(g->model->nodes[n].op, "Conv") == 0 &&
      is_frozen_norm(g, &g->model->nodes[next], g->end[n])) {
    g->role[next] = NSC_ROLE_KEPT;
  }
}

/* ---- what is wanted, backwards ---- */

static void want(nsc_quantize_graph *g, uint32_t value) {
  g->values[value].wanted = true;
}

/* Whether `value` is a mean over a picture, whatever moved it since: what the last dense layer reads. */
static bool is_mean(const nsc_quantize_graph *g, uint32_t value) {
  uint32_t n = g->producer[value];
  while (n != NSC_NO_VALUE && g->role[n] == NSC_ROLE_MOVE) n = g->producer[g->model->nodes[n].inputs[0]];
  if (n == NSC_NO_VALUE) return true; /* an input of the model */
  const char *op = g->model->nodes[n].op;
  return g->role[n] == NSC_ROLE_AVERAGE || strcmp(op, "ReduceMean") == 0;
}

static void decide(nsc_quantize_graph *g, uint32_t n) {
  const nsc_node *node = &g->model->nodes[n];
  bool read = g->end[n] != NSC_NO_VALUE && g->values[g->end[n]].wanted;
  switch (g->role[n]) {
    case NSC_ROLE_PRODUCT:
      g->weights[n] = true;
      if (read || !is_mean(g, node->inputs[0])) want(g, node->inputs[0]);
      break;
    case NSC_ROLE_AVERAGE:
      want(g, node->inputs[0]);
      break;
    case NSC_ROLE_ELEMENT: {
      bool several = strcmp(node->op, "Clip") != 0 && strcmp(node->op, "BatchNormalization") != 0;
      for (uint32_t i = 0; read && i < (several ? node->input_count : 1); i++) want(g, node->inputs[i]);
      break;
    }
    case NSC_ROLE_MOVE:
      if (read) want(g, node->inputs[0]);
      break;
    default:
      break;
  }
}

/* The outputs of moves have the scale of their inputs. */
static void share_scales(nsc_quantize_graph *g) {
  for (uint32_t n = 0; n < g->model->node_count; n++) {
    const nsc_node *node = &g->model->nodes[n];
    if (g->role[n] == NSC_ROLE_MOVE && g->values[node->outputs[0]].wanted) {
      g->values[node->outputs[0]].like = g->values[node->inputs[0]].like;
    }
  }
}

nsc_status nsc_quantize_plan(const nsc_model *model, const nsc_quantize_options *options, nsc_quantize_graph *out,
                             nsc_error *err) {
  nsc_quantize_graph g = {.model = model};
  nsc_status status = make_tables(&g, err);
  if (status != NSC_OK) {
    nsc_quantize_graph_drop(&g);
    return status;
  }
  bool first = options->float_first;
  for (uint32_t n = 0; n < model->node_count; n++) {
    if (g.role[n] == NSC_ROLE_TAKEN || g.role[n] == NSC_ROLE_KEPT) continue;
    g.role[n] = role_of(&g, options, &model->nodes[n]);
    if (g.role[n] == NSC_ROLE_PRODUCT && first) {
      first = false;
      g.role[n] = NSC_ROLE_FLOAT;
    }
    if (g.role[n] == NSC_ROLE_FLOAT) keep_norm(&g, n);
    if (g.role[n] == NSC_ROLE_PRODUCT || g.role[n] == NSC_ROLE_ELEMENT) take_along(&g, options, n);
  }
  for (uint32_t n = model->node_count; n-- > 0;) decide(&g, n);
  share_scales(&g);
  *out = g;
  return NSC_OK;
}

void nsc_quantize_graph_drop(nsc_quantize_graph *g) {
  nsc_arena_free(&g->arena);
  nsc_arena_free(&g->scratch);
  *g = (nsc_quantize_graph){0};
}
