/* Stores of the page by their numbers in Module.stores: see store_library.js. */
#include "base/error.h"
#include "bridge.h"

extern int store_read(int32_t id, double at, void *bytes, size_t size);
extern int store_write(int32_t id, double at, const void *bytes, size_t size);
extern void store_drop(int32_t id);

/* The number stands where a pointer would. */
static int32_t number_of(const void *context) {
  return (int32_t)(intptr_t)context;
}

static nsc_status read_store(void *context, uint64_t at, void *bytes, size_t size, nsc_error *err) {
  if (store_read(number_of(context), (double)at, bytes, size) == 0) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_IO, "what the browser keeps cannot be read");
}

static nsc_status write_store(void *context, uint64_t at, const void *bytes, size_t size, nsc_error *err) {
  if (store_write(number_of(context), (double)at, bytes, size) == 0) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_IO, "the browser cannot keep more");
}

static nsc_status read_file(void *context, uint64_t at, void *bytes, size_t size, nsc_error *err) {
  if (store_read(number_of(context), (double)at, bytes, size) == 0) return NSC_OK;
  return nsc_fail(err, NSC_ERROR_IO, "the model's file was changed, moved or closed since it was opened");
}

static void release_file(void *context) {
  store_drop(number_of(context));
}

nsc_store bridge_file(int32_t id) {
  return (nsc_store){.context = (void *)(intptr_t)id, .read = read_file, .release = release_file};
}

nsc_store bridge_store(int32_t id) {
  return (nsc_store){.context = (void *)(intptr_t)id, .write = write_store, .read = read_store};
}
