/* Models, and sessions that run them on numbers. Part of negatoscope.h, which has the conventions. */
#ifndef NEGATOSCOPE_MODEL_H
#define NEGATOSCOPE_MODEL_H

#include "negatoscope/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- models ----------------------------------------------------------------------------------------------------- */

typedef enum nsc_type {
  NSC_TYPE_F32 = 0,
  NSC_TYPE_I64 = 1,
  NSC_TYPE_I32 = 2,
  NSC_TYPE_BOOL = 3,
  NSC_TYPE_U8 = 4,
  NSC_TYPE_I8 = 5,
  NSC_TYPE_F16 = 6,
  NSC_TYPE_F64 = 7
} nsc_type;

enum { NSC_MAX_RANK = 8 };

/* A shape and type, as ONNX counts them (a picture is N, C, H, W). */
typedef struct nsc_tensor_info {
  const char *name; /* points into the session */
  nsc_type type;
  uint32_t rank;
  int64_t dims[NSC_MAX_RANK];
} nsc_tensor_info;

/* An ONNX model, parsed; it owns the file's bytes and points into them. */
typedef struct nsc_model nsc_model;

/* Parses. Takes `source` over on success. Errors: UNKNOWN_FORMAT, TRUNCATED, CORRUPT, UNSUPPORTED, LIMIT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_model_open(nsc_source *source, nsc_model **out, nsc_error *err);

void nsc_model_free(nsc_model *model);

/*
 * Weights may be in files beside the model (ONNX's external data). nsc_model_open names them: paths with '/' that stay
 * inside of the model's folder, the same as long as the model. Each must be added before a session can be made; the
 * source is taken over on success. Errors: ARGUMENT (a name that the model does not have, or twice), TRUNCATED (the
 * file is shorter than the model says). NULL for an index without a file.
 */
uint32_t nsc_model_file_count(const nsc_model *model);
const char *nsc_model_file_name(const nsc_model *model, uint32_t index);
NSC_WARN_UNUSED nsc_status nsc_model_add_file(nsc_model *model, const char *name, nsc_source *source, nsc_error *err);

/* A value of metadata_props, or NULL. Points into the model. */
const char *nsc_model_metadata(const nsc_model *model, const char *key, size_t *size);

/* Inputs that the caller must give, as the file declares them: -1 stands for an open dimension, rank 0 for no shape. */
/* Bytes of its file. */
size_t nsc_model_bytes(const nsc_model *model);
uint32_t nsc_model_input_count(const nsc_model *model);
NSC_WARN_UNUSED nsc_status nsc_model_input_info(const nsc_model *model, uint32_t index, nsc_tensor_info *out,
                                                nsc_error *err);

/*
 * {"name","title","producer","opset","nodes","parameters","weightBytes","files":[{"name","there"}],
 *  "inputs":[{"name","type","shape"}],
 *  "outputs":[..],"labels":[..] | null,"task","survival":{as nsc.survival} | null,"recipe":{..} |
 * null,"threshold","temperature","advice","limits","license", "operators":{"Conv":20,...}}. Dimensions that the file
 * leaves open are strings. Ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_model_json(const nsc_model *model, char **out, nsc_error *err);

/* ---- sessions: a model made ready to run on fixed shapes --------------------------------------------------------- */

/*
 * The same network with other words about itself: `facts` is a JSON object of "name", "title", "limits", "license",
 * "task", "output", "labels", "threshold", "temperature", "advice", "input" as in the metadata `nsc.*`
 * (docs/MODEL-FORMAT.md); null removes one, what is not named stays. *bytes is ended by nsc_text_free. Errors: ARGUMENT
 * (an unknown name), RECIPE (the words contradict each other), and those of nsc_model_open.
 */
NSC_WARN_UNUSED nsc_status nsc_model_describe(const uint8_t *file, size_t file_size, const char *facts, char **bytes,
                                              size_t *size, nsc_error *err);

/* Whether quantised models are computed with integers. */
typedef enum nsc_integers {
  NSC_INTEGERS_WHERE_FASTER = 0, /* as a short measurement says, made once for the program */
  NSC_INTEGERS_ALWAYS = 1,
  NSC_INTEGERS_NEVER = 2 /* in float32, cut to the same ranges but not rounded */
} nsc_integers;

typedef struct nsc_session_options {
  uint32_t threads;              /* 0 or 1: the calling thread alone */
  uint32_t input_count;          /* shapes given below, in the order of the model's inputs; 0: as the model says */
  const nsc_tensor_info *inputs; /* rank and dims for inputs whose shape the model leaves open */
  const void *const *constants;  /* NULL, or for each of the model's inputs its fixed elements or NULL: shapes and axes
                                    that some models take as inputs, weights in tests. Copied */
  uint64_t max_bytes;            /* weights and activations together; default 2 GiB. LIMIT when the plan needs more */
  bool stock;                    /* XNNPACK's own operators in the place of faster ones: to compare */
  nsc_integers integers;
} nsc_session_options;

typedef struct nsc_session nsc_session;

/*
 * Lowers the model to a plan of XNNPACK operators: constants folded, batch norm and activations fused, buffers shared
 * by lifetime. `options` may be NULL. The model must outlive the session. Errors: OPERATOR (names node and operator),
 * SHAPE, LIMIT, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_session_create(const nsc_model *model, const nsc_session_options *options,
                                              nsc_session **out, nsc_error *err);

void nsc_session_free(nsc_session *session);

/*
 * Which of several kernels are faster is measured once for the program, in some tens of milliseconds before the first
 * session (in wasm; natively nothing is). What came of it so far is a number, 0 for nothing, that may be given to a
 * later start of the same build on the same processor, before its first session: it then measures nothing. Numbers of
 * other builds are harmless: kernels that are not there are not used.
 */
uint32_t nsc_decisions(void);
void nsc_assume_decisions(uint32_t decisions);

/* Bytes that a model takes while it can run. Together without `peak`: what stays. */
typedef struct nsc_memory {
  uint64_t file;        /* the model as it is in its files, which stays in memory */
  uint64_t weights;     /* packed or transformed as kernels want them */
  uint64_t activations; /* what flows between layers, and room to work in: grows with batch and threads */
  uint64_t other;       /* the plan, its constants, tables of addresses */
  uint64_t peak;        /* the most at one time, mostly while weights are packed */
} nsc_memory;

/*
 * What a session with these options would take, without making one: the model is planned, but no weights are packed and
 * no activations allocated. Errors: as nsc_session_create, but LIMIT only for single constants.
 */
NSC_WARN_UNUSED nsc_status nsc_model_memory(const nsc_model *model, const nsc_session_options *options, nsc_memory *out,
                                            nsc_error *err);
/* The same of one that there is, as it was counted while it was made. */
void nsc_session_memory(const nsc_session *session, nsc_memory *out);

uint32_t nsc_session_input_count(const nsc_session *session);
uint32_t nsc_session_output_count(const nsc_session *session);
void nsc_session_input_info(const nsc_session *session, uint32_t index, nsc_tensor_info *out);
void nsc_session_output_info(const nsc_session *session, uint32_t index, nsc_tensor_info *out);

/*
 * Where an input goes and an output stands, in ONNX's order (N, C, H, W), with the type of its info; `size` is in
 * bytes. Writing an input and reading an output copy once.
 */
NSC_WARN_UNUSED nsc_status nsc_session_set_input(nsc_session *session, uint32_t index, const void *data, size_t size,
                                                 nsc_error *err);
/* The same for a 4-D float input given as N, H, W, C: no transpose anywhere. */
NSC_WARN_UNUSED nsc_status nsc_session_set_input_nhwc(nsc_session *session, uint32_t index, const float *data,
                                                      size_t count, nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_session_get_output(nsc_session *session, uint32_t index, void *data, size_t size,
                                                  nsc_error *err);

/* Runs once. `cancel`, when not NULL, is looked at between operators: non-zero stops with CANCELLED. */
NSC_WARN_UNUSED nsc_status nsc_session_run(nsc_session *session, const volatile int32_t *cancel, nsc_error *err);

/*
 * The last run, step by step: {"threads","ms","arenaBytes","packedBytes","steps":[{"name": of the node,"kind": how it
 * is computed,"output":[dims],"ms","macs": multiply-adds of a plain computation,"bytes": of weights, inputs and
 * outputs}]}. A node may be several steps.
 */
NSC_WARN_UNUSED nsc_status nsc_session_json(const nsc_session *session, char **out, nsc_error *err);

#ifdef __cplusplus
}
#endif

#endif
