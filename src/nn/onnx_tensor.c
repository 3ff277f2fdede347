/* TensorProto: ONNX's constant tensors. */
#include <string.h>

#include "base/error.h"
#include "base/half.h"
#include "nn/model.h"
#include "nn/wire.h"

enum { /* TensorProto.DataType */
       ONNX_FLOAT = 1,
       ONNX_UINT8 = 2,
       ONNX_INT8 = 3,
       ONNX_INT32 = 6,
       ONNX_INT64 = 7,
       ONNX_BOOL = 9,
       ONNX_FLOAT16 = 10,
       ONNX_DOUBLE = 11
};

bool nsc_type_from_onnx(int32_t onnx_type, nsc_type *out) {
  switch (onnx_type) {
    case ONNX_FLOAT:
      *out = NSC_TYPE_F32;
      return true;
    case ONNX_UINT8:
      *out = NSC_TYPE_U8;
      return true;
    case ONNX_INT8:
      *out = NSC_TYPE_I8;
      return true;
    case ONNX_INT32:
      *out = NSC_TYPE_I32;
      return true;
    case ONNX_INT64:
      *out = NSC_TYPE_I64;
      return true;
    case ONNX_BOOL:
      *out = NSC_TYPE_BOOL;
      return true;
    case ONNX_FLOAT16:
      *out = NSC_TYPE_F16;
      return true;
    case ONNX_DOUBLE:
      *out = NSC_TYPE_F64;
      return true;
    default:
      return false;
  }
}

const char *nsc_onnx_type_name(int32_t onnx_type) {
  static const char *const names[] = {"undefined", "float32", "uint8",     "int8",       "uint16",  "int16",
                                      "int32",     "int64",   "string",    "bool",       "float16", "float64",
                                      "uint32",    "uint64",  "complex64", "complex128", "bfloat16"};
  return onnx_type >= 0 && onnx_type < (int)(sizeof names / sizeof *names) ? names[onnx_type] : "another type";
}

static nsc_status broken(nsc_error *err) {
  return nsc_fail(err, NSC_ERROR_CORRUPT, "a tensor in the model is malformed");
}

static nsc_status add_dim(nsc_tensor_proto *t, int64_t dim, nsc_error *err) {
  if (t->shape.rank == NSC_MAX_RANK) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "a tensor in the model has more than %d dimensions", NSC_MAX_RANK);
  }
  t->shape.dims[t->shape.rank++] = dim;
  return NSC_OK;
}

static nsc_status read_dims(nsc_wire *w, nsc_tensor_proto *t, nsc_error *err) {
  if (w->type == NSC_WIRE_VARINT) return add_dim(t, (int64_t)w->varint, err);
  nsc_wire packed = nsc_wire_of(w->bytes, w->size);
  while (nsc_reader_left(&packed.reader)) {
    int64_t dim = (int64_t)nsc_wire_varint(&packed);
    if (packed.broken) return broken(err);
    NSC_TRY(add_dim(t, dim, err));
  }
  return NSC_OK;
}

static nsc_status check_size(const nsc_tensor_proto *t, nsc_error *err) {
  nsc_type type;
  if ((!t->raw && !t->file) || !nsc_type_from_onnx(t->onnx_type, &type)) return NSC_OK;
  if (t->raw_size != t->count * nsc_type_size(type)) {
    char shape[96];
    return nsc_fail(err, NSC_ERROR_CORRUPT, "tensor \"%.60s\" of %s %s has %zu bytes of data", t->name,
                    nsc_onnx_type_name(t->onnx_type), nsc_shape_text(&t->shape, shape), t->raw_size);
  }
  return NSC_OK;
}

/* Where the elements are, as an outline has it. Whatever else has such a field is a file that somebody made up. */
static nsc_status read_note(const nsc_source *file, const nsc_wire *field, nsc_tensor_proto *t, nsc_error *err) {
  if (!file) return NSC_OK;
  nsc_wire note = nsc_wire_of(field->bytes, field->size);
  uint64_t offset = nsc_wire_varint(&note), size = nsc_wire_varint(&note);
  if (note.broken || offset > file->size || size > file->size - offset) return broken(err);
  t->file = file;
  t->offset = offset;
  t->raw_size = (size_t)size;
  return NSC_OK;
}

nsc_status nsc_onnx_read_tensor(nsc_arena *arena, const nsc_source *file, const uint8_t *bytes, size_t size,
                                nsc_tensor_proto *out, nsc_error *err) {
  nsc_tensor_proto t = {.name = "", .message = bytes, .message_size = size};
  bool external = false;
  nsc_wire w = nsc_wire_of(bytes, size);
  while (nsc_wire_next(&w)) {
    switch (w.field) {
      case 1:
        NSC_TRY(read_dims(&w, &t, err));
        break;
      case 2:
        t.onnx_type = (int32_t)w.varint;
        break;
      case 8:
        t.name = nsc_arena_text(arena, (const char *)w.bytes, w.size);
        break;
      case 9:
        t.raw = w.bytes;
        t.raw_size = w.size;
        break;
      case 14:
        external = w.varint == 1;
        break;
      case NSC_ONNX_OUTSIDE:
        if (w.type == NSC_WIRE_BYTES) NSC_TRY(read_note(file, &w, &t, err));
        break;
      default:
        break;
    }
  }
  if (w.broken) return broken(err);
  if (!t.name) return nsc_fail_memory(err, size, "a tensor's name");
  if (!nsc_shape_count(&t.shape, &t.count)) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "tensor \"%.60s\" has an impossible shape", t.name);
  }
  if (external) {
    t.raw = NULL;
    t.file = NULL;
    NSC_TRY(nsc_onnx_read_location(arena, bytes, size, &t, err));
  }
  NSC_TRY(check_size(&t, err));
  *out = t;
  return NSC_OK;
}

static void store(void *out, size_t index, nsc_type type, uint64_t value) {
  switch (type) {
    case NSC_TYPE_I64:
      ((int64_t *)out)[index] = (int64_t)value;
      break;
    case NSC_TYPE_I32:
      ((int32_t *)out)[index] = (int32_t)value;
      break;
    case NSC_TYPE_F16:
      ((uint16_t *)out)[index] = (uint16_t)value;
      break;
    case NSC_TYPE_BOOL:
      ((uint8_t *)out)[index] = value != 0;
      break;
    default:
      ((uint8_t *)out)[index] = (uint8_t)value;
      break;
  }
}

/* Elements of one typed field: a packed run, or a single unpacked one. `at` counts what has been written. */
static bool read_typed(nsc_wire *w, nsc_type type, void *out, size_t count, size_t *at) {
  size_t width = type == NSC_TYPE_F32 ? 4 : type == NSC_TYPE_F64 ? 8 : 0;
  if (width) {
    size_t n = w->size / width;
    if (w->type == NSC_WIRE_VARINT || n > count - *at) return false;
    if (n) memcpy((uint8_t *)out + *at * width, w->bytes, n * width);
    *at += n;
    return true;
  }
  if (w->type == NSC_WIRE_VARINT) {
    if (*at == count) return false;
    store(out, (*at)++, type, w->varint);
    return true;
  }
  nsc_wire packed = nsc_wire_of(w->bytes, w->size);
  while (nsc_reader_left(&packed.reader)) {
    uint64_t value = nsc_wire_varint(&packed);
    if (packed.broken || *at == count) return false;
    store(out, (*at)++, type, value);
  }
  return true;
}

nsc_status nsc_tensor_proto_read(const nsc_tensor_proto *tensor, void *out, nsc_error *err) {
  nsc_type type;
  if (!nsc_type_from_onnx(tensor->onnx_type, &type)) {
    return nsc_fail(err, NSC_ERROR_UNSUPPORTED, "tensor \"%.60s\" holds %s, which is not supported", tensor->name,
                    nsc_onnx_type_name(tensor->onnx_type));
  }
  if (tensor->raw) {
    if (tensor->raw_size) memcpy(out, tensor->raw, tensor->raw_size);
    return NSC_OK;
  }
  if (tensor->file) return nsc_source_read(tensor->file, tensor->offset, out, tensor->raw_size, err);
  if (tensor->location) {
    return nsc_fail(err, NSC_ERROR_IO, "tensor \"%.60s\" is in the file \"%.80s\", which is not there", tensor->name,
                    tensor->location);
  }
  uint32_t field = type == NSC_TYPE_F32 ? 4 : type == NSC_TYPE_I64 ? 7 : type == NSC_TYPE_F64 ? 10 : 5;
  size_t at = 0;
  nsc_wire w = nsc_wire_of(tensor->message, tensor->message_size);
  while (nsc_wire_next(&w)) {
    if (w.field == field && !read_typed(&w, type, out, tensor->count, &at)) return broken(err);
  }
  if (at != tensor->count) {
    return nsc_fail(err, NSC_ERROR_CORRUPT, "tensor \"%.60s\" has %zu of %zu elements", tensor->name, at,
                    tensor->count);
  }
  return NSC_OK;
}
