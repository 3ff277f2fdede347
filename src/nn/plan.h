/*
 * Lowering a graph to a plan: a list of steps on fixed shapes, each an XNNPACK operator or a loop of ours.
 *
 * An operator's `lower` function (op_*.c, listed in operators.c) reads the node's inputs, checks them, and adds steps
 * that compute its outputs. It may look ahead and take following nodes with it (batch norm, activations). When every
 * input of a node is constant, the steps are run at once and the outputs become constants: so constant folding needs no
 * code of its own.
 *
 * Values keep ONNX's logical shape (N, C, H, W). `channels_last` says that the memory holds N, H, W, C; operators ask
 * for the layout they want with nsc_plan_layout, which adds a transpose only where one is needed.
 */
#ifndef NSC_NN_PLAN_H
#define NSC_NN_PLAN_H

#include <pthreadpool.h>
#include <xnnpack.h>

#include "base/error.h"
#include "nn/model.h"

enum { NSC_PLAN_ALIGN = 64 };

typedef struct nsc_quant nsc_quant; /* quant.h */

typedef struct nsc_value {
  const char *name;
  bool known;
  bool channels_last;
  nsc_type type; /* never F16: half floats are computed as float32 */
  nsc_shape shape;
  /* Constants: `proto` until somebody needs the elements, then `data` (physical layout, padded for XNNPACK). */
  const nsc_tensor_proto *proto;
  const void *data;
  const nsc_quant *quant; /* the integers that stand for it, or NULL */
  void *owned;            /* what to free for `data`; NULL when shared with another value */
  bool read_by_step;      /* the constant must outlive planning */
  uint32_t twin;          /* the same in the other layout, or NSC_NO_VALUE */
  uint32_t root;          /* the value whose buffer this one shares; itself when it has its own */
  uint32_t first, last;   /* steps between which the buffer lives; of roots */
  size_t offset;          /* in the arena of activations; of roots */
} nsc_value;

typedef struct nsc_step nsc_step;

struct nsc_step {
  const char *name; /* of the node */
  const char *kind; /* what is shown in profiles: "Conv+Relu" */
  uint32_t input_count, output_count;
  uint32_t *inputs, *outputs; /* values */
  const void **in;            /* [input_count], set once the buffers are placed */
  void **out;
  xnn_operator_t op;                                         /* NULL for our own loops */
  size_t workspace;                                          /* bytes; shared by all steps */
  enum xnn_status (*setup)(nsc_step *step, void *workspace); /* NULL: none. Hands op in[] and out[] */
  void (*run)(nsc_step *step, pthreadpool_t pool);           /* for our own loops */
  void *params;                                              /* of run; in the plan's memory */
  double ms;                                                 /* of the last run */
  double macs;           /* multiply-adds of a plain computation, however it is done; 0 where none are counted */
  uint64_t weight_bytes; /* that it reads in a run, as they were packed */
  uint64_t held_bytes;   /* inside of `op` */
};

typedef struct nsc_plan {
  const nsc_model *model;
  nsc_error *err; /* while planning */
  nsc_arena arena;
  pthreadpool_t pool;
  nsc_value *values; /* the graph's values first, with their numbers, then temporaries */
  uint32_t value_count, value_capacity;
  nsc_step **steps;
  uint32_t step_count, step_capacity;
  uint32_t *consumer_count; /* of graph values; a graph output counts as one more */
  uint32_t *consumer;       /* a node that reads it */
  uint8_t *node_done;       /* taken along by an earlier node */
  const uint32_t *taps;     /* graph values that are read after a run, as outputs are */
  uint32_t tap_count;
  nsc_integers integers; /* WHERE_FASTER until somebody asks */
  uint32_t node;         /* being lowered */
  void **scratch;        /* freed when the node is lowered */
  uint32_t scratch_count, scratch_capacity;
  uint8_t *outside; /* room for elements that are outside of memory, one tensor at a time (footprint.h) */
  size_t outside_bytes;
  bool outside_taken, outside_full; /* until the node is lowered: by something, to its end */
  void **packed;                    /* weights of steps of ours, as malloc gave them */
  uint32_t packed_count, packed_capacity;
  uint64_t packed_bytes;                          /* weights copied into operators */
  uint64_t held_bytes, passing_bytes, peak_bytes; /* footprint.h: memory now, until the node is lowered, and at most */
  bool counts;                                    /* only what it would take is counted: it cannot run */
  uint32_t threads;                               /* of pool, also where there is none yet */
  uint8_t *buffer;                                /* activations and workspace; NULL in a plan that only counts */
  size_t buffer_bytes, workspace_offset;
  uint64_t max_bytes;
  bool stock; /* as nsc_session_options has it */
} nsc_plan;

/* ---- for operators ---- */

typedef nsc_status (*nsc_lower)(nsc_plan *plan, const nsc_node *node);

/* NULL when the operator is not implemented. */
nsc_lower nsc_find_operator(const char *op);

/* Fails with a text that begins with the node: `Conv "layer1.0": ...`. */
nsc_status nsc_node_fail(nsc_plan *plan, const nsc_node *node, nsc_status status, const char *format, ...)
    NSC_PRINTF(4, 5);

int64_t nsc_node_int(const nsc_node *node, const char *name, int64_t otherwise);
float nsc_node_float(const nsc_node *node, const char *name, float otherwise);
const char *nsc_node_string(const nsc_node *node, const char *name, const char *otherwise);
const nsc_attribute *nsc_node_attribute(const nsc_node *node, const char *name); /* NULL when absent */

/* Input `index` of the node, or NSC_NO_VALUE when it is left out. */
uint32_t nsc_node_input(const nsc_node *node, uint32_t index);
static inline nsc_value *nsc_plan_value(nsc_plan *plan, uint32_t value) {
  return &plan->values[value];
}
bool nsc_plan_is_constant(const nsc_plan *plan, uint32_t value);
/* Checks that inputs [0, required) are there and input 0 is known. */
nsc_status nsc_plan_need_inputs(nsc_plan *plan, const nsc_node *node, uint32_t required);
/* A constant's elements, in ONNX order; valid until the node is lowered. NULL `what` in no error. */
nsc_status nsc_plan_floats(nsc_plan *plan, const nsc_node *node, uint32_t value, const char *what, const float **out);
/* A constant with exactly one float, such as a bound. */
nsc_status nsc_plan_scalar(nsc_plan *plan, const nsc_node *node, uint32_t value, const char *what, float *out);
/* A constant list of int64 or int32, such as axes or a shape. */
nsc_status nsc_plan_ints(nsc_plan *plan, const nsc_node *node, uint32_t value, const char *what, int64_t *out,
                         uint32_t capacity, uint32_t *count);
/* A constant's elements as they are: exactly `count` of `type`, valid as long as the plan. */
nsc_status nsc_plan_elements(nsc_plan *plan, const nsc_node *node, uint32_t value, const char *what, nsc_type type,
                             size_t count, const void **out);
/* The same value in the wanted layout. Ranks below 3 have only one. */
nsc_status nsc_plan_layout(nsc_plan *plan, uint32_t value, bool channels_last, uint32_t *out);
/* Memory of the plan, zeroed, that lives as long as it; NULL never (fails the plan). */
nsc_status nsc_plan_alloc(nsc_plan *plan, size_t count, size_t size, void *out);
/* Zeroed memory until the node is lowered. */
nsc_status nsc_plan_scratch(nsc_plan *plan, size_t count, size_t size, void *out);
/* The same, not zeroed: for weights, which are written as a whole. */
nsc_status nsc_plan_room(nsc_plan *plan, size_t count, size_t size, void *out);

/* Says what a value of the graph is. Then a step must write it. */
nsc_status nsc_plan_define(nsc_plan *plan, uint32_t value, nsc_type type, const nsc_shape *shape, bool channels_last);
/* A new value of that kind. */
nsc_status nsc_plan_temporary(nsc_plan *plan, nsc_type type, const nsc_shape *shape, bool channels_last, uint32_t *out);
/* `value` is the elements of `source` under another shape: no step. */
nsc_status nsc_plan_alias(nsc_plan *plan, uint32_t value, uint32_t source, const nsc_shape *shape, bool channels_last);
/* `value` is a constant; `data` is copied. */
nsc_status nsc_plan_define_constant(nsc_plan *plan, uint32_t value, nsc_type type, const nsc_shape *shape,
                                    const void *data);

/* A new step of `node`; inputs and outputs are filled in by the caller. */
nsc_status nsc_plan_add_step(nsc_plan *plan, const nsc_node *node, const char *kind, uint32_t input_count,
                             uint32_t output_count, nsc_step **out);
/* One input, one output, our own loop. */
nsc_status nsc_plan_add_loop(nsc_plan *plan, const nsc_node *node, const char *kind, uint32_t input, uint32_t output,
                             void (*run)(nsc_step *, pthreadpool_t), void *params);
/* A step that turns the memory of `from`: its dimension i becomes dimension perm[i] of what `from` has in memory. */
nsc_status nsc_plan_add_transpose(nsc_plan *plan, const nsc_node *node, const char *kind, uint32_t from, uint32_t to,
                                  const uint32_t *perm);
/* Runs the steps from `first` on, whose inputs are constants, makes their outputs constants and removes the steps. */
nsc_status nsc_plan_fold(nsc_plan *plan, const nsc_node *node, uint32_t first);
/* What a step multiplies in a run, and the weights that it does it with. */
void nsc_plan_count(nsc_plan *plan, nsc_step *step, double macs, uint64_t weight_bytes);
/* Turns an XNNPACK status into an error that names the node. */
nsc_status nsc_plan_check(nsc_plan *plan, const nsc_node *node, enum xnn_status status);

/* Bounds of a Relu or of a Clip with constant bounds; false for everything else. */
bool nsc_plan_clamp_bounds(nsc_plan *plan, const nsc_node *node, uint32_t input, float *min, float *max);
/* The only node that reads `value`, or NULL when there are several, or it is an output of the graph. */
const nsc_node *nsc_plan_next(const nsc_plan *plan, uint32_t value);
/* That node is taken along by the one being lowered. */
void nsc_plan_take(nsc_plan *plan, const nsc_node *next);
/*
 * If what follows `*value` is Relu or a Clip with constant bounds: takes it along, moves *value to its output, sets the
 * bounds. Otherwise *min and *max become -/+infinity.
 */
nsc_status nsc_plan_take_clamp(nsc_plan *plan, uint32_t *value, float *min, float *max);

/* Physical dimensions of a value, as its memory has them. */
nsc_shape nsc_value_physical(const nsc_value *value);

/* setup functions for common signatures */
#define NSC_SETUP_1(name, function)                              \
  static enum xnn_status name(nsc_step *step, void *workspace) { \
    (void)workspace;                                             \
    return function(step->op, step->in[0], step->out[0]);        \
  }

/* ---- building ---- */

/* `inputs` as in nsc_session_options. On failure the plan can be freed. */
nsc_status nsc_plan_build(nsc_plan *plan, const nsc_tensor_info *inputs, uint32_t input_count,
                          const void *const *constants);
void nsc_plan_free(nsc_plan *plan);
/* memory.c: gives every value its place and every step its pointers. */
nsc_status nsc_plan_place(nsc_plan *plan);
/* Runs one step. */
enum xnn_status nsc_step_run(nsc_step *step, pthreadpool_t pool);

#endif
