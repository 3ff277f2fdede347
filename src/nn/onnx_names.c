/* Names of a graph become numbers: a hash table, scopes, and how much room all of them need. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/onnx_reader.h"

nsc_status nsc_onnx_broken(nsc_onnx_reader *r, const char *what) {
  return nsc_fail(r->err, NSC_ERROR_CORRUPT, "the model's %s is malformed", what);
}

nsc_status nsc_onnx_no_memory(nsc_onnx_reader *r) {
  return nsc_fail_memory(r->err, r->model->source->size, "the model's graph");
}

size_t nsc_onnx_count_fields(const uint8_t *bytes, size_t size, uint32_t field) {
  size_t count = 0;
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) count += w.field == field;
  return count;
}

nsc_status nsc_onnx_text(nsc_onnx_reader *r, const nsc_wire *w, const char **out) {
  *out = nsc_arena_text(&r->model->arena, (const char *)w->bytes, w->size);
  return *out ? NSC_OK : nsc_onnx_no_memory(r);
}

/* ---- the table ---- */

static uint64_t hash_on(uint64_t h, const uint8_t *chars, size_t size) {
  for (size_t i = 0; i < size; i++) h = (h ^ chars[i]) * 0x100000001B3u;
  return h;
}

/* The place in the table of prefix and name together, taken or free. */
static size_t slot_of(const nsc_onnx_reader *r, const char *prefix, const uint8_t *name, size_t size) {
  size_t length = strlen(prefix);
  uint64_t h = hash_on(0xCBF29CE484222325u, (const uint8_t *)prefix, length); /* FNV-1a */
  size_t slot = (size_t)hash_on(h, name, size) & (r->bucket_count - 1);
  for (; r->buckets[slot]; slot = (slot + 1) & (r->bucket_count - 1)) {
    const char *have = r->model->values[r->buckets[slot] - 1].name;
    if (strncmp(have, prefix, length) == 0 && strncmp(have + length, (const char *)name, size) == 0 &&
        have[length + size] == 0) {
      break;
    }
  }
  return slot;
}

nsc_status nsc_onnx_declare(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const uint8_t *name, size_t size,
                            uint32_t *out) {
  nsc_model *m = r->model;
  *out = NSC_NO_VALUE;
  if (size == 0) return NSC_OK;
  if (memchr(name, 0, size)) return nsc_onnx_broken(r, "list of names"); /* two names would read alike */
  size_t slot = slot_of(r, scope->prefix, name, size);
  if (r->buckets[slot]) {
    *out = r->buckets[slot] - 1;
    return NSC_OK;
  }
  if (m->value_count == r->value_capacity) return nsc_onnx_broken(r, "list of names");
  size_t length = strlen(scope->prefix);
  char *text = nsc_arena_alloc(&m->arena, length + size + 1, 1);
  if (!text) return nsc_onnx_no_memory(r);
  memcpy(text, scope->prefix, length);
  memcpy(text + length, name, size);
  m->values[m->value_count].name = text;
  *out = m->value_count++;
  r->buckets[slot] = m->value_count;
  return NSC_OK;
}

nsc_status nsc_onnx_value(nsc_onnx_reader *r, const nsc_onnx_scope *scope, const uint8_t *name, size_t size,
                          uint32_t *out) {
  *out = NSC_NO_VALUE;
  if (size == 0) return NSC_OK;
  for (;; scope = scope->outer) {
    for (uint32_t i = 0; i < scope->binding_count; i++) {
      const nsc_onnx_binding *b = &scope->bindings[i];
      if (b->size != size || memcmp(b->name, name, size) != 0) continue;
      *out = b->value;
      return NSC_OK;
    }
    if (!scope->outer) return nsc_onnx_declare(r, scope, name, size, out);
    uint32_t have = memchr(name, 0, size) ? 0 : r->buckets[slot_of(r, scope->prefix, name, size)];
    if (!have) continue;
    *out = have - 1;
    return NSC_OK;
  }
}

/* ---- what a node stands for ---- */

static bool same(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
  return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

/* Both ways of writing the domain that ONNX's own operators are in. */
static bool is_default(const uint8_t *domain, size_t size) {
  return size == 0 || same(domain, size, (const uint8_t *)"ai.onnx", 7);
}

static void find_name(const uint8_t *node, size_t size, nsc_wire *op, nsc_wire *domain) {
  nsc_wire w = nsc_wire_of(node, size);
  *op = *domain = nsc_wire_of(NULL, 0);
  while (nsc_wire_next(&w)) {
    if (w.field == 4 && w.type == NSC_WIRE_BYTES) *op = w;
    if (w.field == 7 && w.type == NSC_WIRE_BYTES) *domain = w;
  }
}

const nsc_onnx_function *nsc_onnx_called(const nsc_onnx_reader *r, const uint8_t *node, size_t size) {
  nsc_wire op, domain;
  if (r->function_count == 0) return NULL;
  find_name(node, size, &op, &domain);
  for (uint32_t i = 0; i < r->function_count; i++) {
    const nsc_onnx_function *f = &r->functions[i];
    bool both_default = is_default(f->domain, f->domain_size) && is_default(domain.bytes, domain.size);
    if (!same(f->name, f->name_size, op.bytes, op.size)) continue;
    if (both_default || same(f->domain, f->domain_size, domain.bytes, domain.size)) return f;
  }
  return NULL;
}

bool nsc_onnx_branches(const uint8_t *node, size_t size, const uint8_t *branches[2], size_t sizes[2]) {
  nsc_wire op, domain;
  find_name(node, size, &op, &domain);
  if (!is_default(domain.bytes, domain.size) || !same(op.bytes, op.size, (const uint8_t *)"If", 2)) return false;
  branches[0] = branches[1] = NULL;
  nsc_wire w = nsc_wire_of(node, size);
  while (nsc_wire_next(&w)) {
    if (w.field != 5) continue;
    nsc_wire a = nsc_wire_of(w.bytes, w.size), name = nsc_wire_of(NULL, 0), graph = nsc_wire_of(NULL, 0);
    while (nsc_wire_next(&a)) {
      if (a.field == 1) name = a;
      if (a.field == 6 && a.type == NSC_WIRE_BYTES) graph = a;
    }
    bool then = same(name.bytes, name.size, (const uint8_t *)"then_branch", 11);
    if (!then && !same(name.bytes, name.size, (const uint8_t *)"else_branch", 11)) continue;
    branches[!then] = graph.bytes;
    sizes[!then] = graph.size;
  }
  return branches[0] && branches[1];
}

/* ---- room ---- */

typedef struct totals {
  size_t names, nodes;
} totals;

static nsc_status count_body(nsc_onnx_reader *r, const uint8_t *bytes, size_t size, bool function, uint32_t depth,
                             totals *t);

static nsc_status count_node(nsc_onnx_reader *r, const uint8_t *bytes, size_t size, uint32_t depth, totals *t) {
  const uint8_t *branches[2];
  size_t sizes[2];
  if (++t->nodes > NSC_MAX_NODES) {
    return nsc_fail(r->err, NSC_ERROR_LIMIT, "the model has more than %d nodes", NSC_MAX_NODES);
  }
  t->names += nsc_onnx_count_fields(bytes, size, 1) + nsc_onnx_count_fields(bytes, size, 2);
  if (t->names > (size_t)NSC_MAX_NODES * 64) {
    return nsc_fail(r->err, NSC_ERROR_LIMIT, "the model's nodes have more than %d inputs and outputs",
                    NSC_MAX_NODES * 64);
  }
  const nsc_onnx_function *f = nsc_onnx_called(r, bytes, size);
  if (f) return count_body(r, f->bytes, f->size, true, depth + 1, t);
  if (!nsc_onnx_branches(bytes, size, branches, sizes)) return NSC_OK;
  for (int i = 0; i < 2; i++) NSC_TRY(count_body(r, branches[i], sizes[i], false, depth + 1, t));
  return NSC_OK;
}

/* A GraphProto or a FunctionProto, with all that its nodes stand for. */
static nsc_status count_body(nsc_onnx_reader *r, const uint8_t *bytes, size_t size, bool function, uint32_t depth,
                             totals *t) {
  uint32_t node_field = function ? 7 : 1;
  if (depth > NSC_MAX_NESTING) {
    return nsc_fail(r->err, NSC_ERROR_LIMIT, "functions and branches of the model are nested more than %d deep",
                    NSC_MAX_NESTING);
  }
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    if (w.field == node_field) {
      NSC_TRY(count_node(r, w.bytes, w.size, depth, t));
    } else if (function ? w.field == 4 || w.field == 5 : w.field == 5 || w.field == 11 || w.field == 12) {
      t->names++;
    }
  }
  return w.broken ? nsc_onnx_broken(r, "graph") : NSC_OK;
}

nsc_status nsc_onnx_make_tables(nsc_onnx_reader *r, const uint8_t *graph, size_t size) {
  totals t = {0, 0};
  NSC_TRY(count_body(r, graph, size, false, 0, &t));
  r->value_capacity = (uint32_t)t.names;
  r->node_capacity = (uint32_t)t.nodes;
  r->model->values = nsc_arena_alloc(&r->model->arena, t.names + 1, sizeof *r->model->values);
  r->model->nodes = nsc_arena_alloc(&r->model->arena, t.nodes + 1, sizeof *r->model->nodes);
  r->bucket_count = 16;
  while (r->bucket_count < t.names * 2) r->bucket_count *= 2;
  r->buckets = calloc(r->bucket_count, sizeof *r->buckets);
  return r->model->values && r->model->nodes && r->buckets ? NSC_OK : nsc_onnx_no_memory(r);
}
