/* Opening a model and describing it. */
#include "nn/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "nn/describe.h"

nsc_status nsc_model_open(nsc_source *source, nsc_model **out, nsc_error *err) {
  if (!source) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no source");
  nsc_model *m = calloc(1, sizeof *m);
  if (!m) return nsc_fail_memory(err, sizeof *m, "a model");
  m->source = source;
  nsc_status status = NSC_OK;
  if (nsc_source_is_outside(source)) status = nsc_onnx_outline(source, &m->outline, err);
  if (status == NSC_OK && !m->outline) status = nsc_source_load(source, err);
  if (status == NSC_OK) status = nsc_onnx_read(m, err);
  if (status == NSC_OK) status = nsc_model_list_files(m, err);
  if (status != NSC_OK) {
    nsc_arena_free(&m->arena);
    nsc_source_free(m->outline);
    free(m);
    return status;
  }
  *out = m;
  return NSC_OK;
}

void nsc_model_free(nsc_model *model) {
  if (!model) return;
  for (uint32_t i = 0; i < model->file_count; i++) nsc_source_free(model->files[i].source);
  nsc_arena_free(&model->arena);
  nsc_source_free(model->outline);
  nsc_source_free(model->source);
  free(model);
}

const char *nsc_model_metadata(const nsc_model *model, const char *key, size_t *size) {
  for (uint32_t i = 0; i < model->metadata_count; i++) {
    if (strcmp(model->metadata[i].key, key) != 0) continue;
    if (size) *size = model->metadata[i].value_size;
    return model->metadata[i].value;
  }
  return NULL;
}

size_t nsc_model_bytes(const nsc_model *model) {
  return model->source->size;
}

uint32_t nsc_model_input_count(const nsc_model *model) {
  return model->input_count;
}

nsc_status nsc_model_input_info(const nsc_model *model, uint32_t index, nsc_tensor_info *out, nsc_error *err) {
  if (index >= model->input_count) return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no input %u", index);
  const nsc_port *port = &model->inputs[index];
  const char *name = model->values[port->value].name;
  *out = (nsc_tensor_info){.name = name, .rank = port->rank};
  if (!nsc_type_from_onnx(port->onnx_type, &out->type)) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "input \"%.60s\" is %s, which is not supported", name,
                    nsc_onnx_type_name(port->onnx_type));
  }
  memcpy(out->dims, port->dims, sizeof out->dims);
  return NSC_OK;
}

static void write_ports(nsc_text *t, const nsc_model *m, const nsc_port *ports, uint32_t count) {
  nsc_json_array(t);
  for (uint32_t i = 0; i < count; i++) {
    nsc_json_object(t);
    nsc_json_key(t, "name"), nsc_json_string(t, m->values[ports[i].value].name);
    nsc_json_key(t, "type"), nsc_json_string(t, nsc_onnx_type_name(ports[i].onnx_type));
    nsc_json_key(t, "shape");
    if (ports[i].has_shape) {
      nsc_json_array(t);
      for (uint32_t d = 0; d < ports[i].rank; d++) {
        if (ports[i].dims[d] > 0) {
          nsc_json_int(t, ports[i].dims[d]);
        } else {
          nsc_json_string(t, ports[i].dim_names[d] ? ports[i].dim_names[d] : "?");
        }
      }
      nsc_json_end_array(t);
    } else {
      nsc_json_null(t);
    }
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
}

/* How often each operator appears, in the order of first appearance. */
static void write_operators(nsc_text *t, const nsc_model *m) {
  nsc_json_object(t);
  for (uint32_t n = 0; n < m->node_count; n++) {
    const char *op = m->nodes[n].op;
    bool seen = false;
    for (uint32_t i = 0; i < n && !seen; i++) seen = strcmp(m->nodes[i].op, op) == 0;
    if (seen) continue;
    int64_t count = 0;
    for (uint32_t i = n; i < m->node_count; i++) count += strcmp(m->nodes[i].op, op) == 0;
    nsc_json_key(t, op), nsc_json_int(t, count);
  }
  nsc_json_end_object(t);
}

static bool is_floating(int32_t onnx_type) {
  nsc_type type;
  return nsc_type_from_onnx(onnx_type, &type) && (type == NSC_TYPE_F32 || type == NSC_TYPE_F16 || type == NSC_TYPE_F64);
}

void nsc_model_write_json(const nsc_model *m, nsc_text *t) {
  uint64_t parameters = 0, bytes = 0;
  for (uint32_t i = 0; i < m->value_count; i++) {
    const nsc_tensor_proto *p = m->values[i].initializer;
    if (!p || !is_floating(p->onnx_type)) continue;
    parameters += p->count;
    bytes += p->location || p->file ? p->raw_size : p->message_size;
  }
  nsc_json_key(t, "producer"), nsc_json_string(t, m->producer);
  nsc_json_key(t, "graph"), nsc_json_string(t, m->graph_name);
  nsc_json_key(t, "opset"), nsc_json_int(t, m->opset);
  nsc_json_key(t, "nodes"), nsc_json_int(t, m->node_count);
  nsc_json_key(t, "parameters"), nsc_json_int(t, (int64_t)parameters);
  nsc_json_key(t, "weightBytes"), nsc_json_int(t, (int64_t)bytes);
  nsc_json_key(t, "fileBytes"), nsc_json_int(t, (int64_t)m->source->size);
  nsc_json_key(t, "files"), nsc_json_array(t);
  for (uint32_t i = 0; i < m->file_count; i++) {
    nsc_json_object(t);
    nsc_json_key(t, "name"), nsc_json_string(t, m->files[i].name);
    nsc_json_key(t, "there"), nsc_json_bool(t, m->files[i].source != NULL);
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
  nsc_json_key(t, "inputs"), write_ports(t, m, m->inputs, m->input_count);
  nsc_json_key(t, "outputs"), write_ports(t, m, m->outputs, m->output_count);
  nsc_json_key(t, "operators"), write_operators(t, m);
}
