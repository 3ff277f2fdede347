/* libFuzzer: any bytes as a data set, an .npz when they begin as a ZIP, else a table. */
#include "negatoscope.h"
#include "train/npz.h"
#include "train/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void read_all(const nsc_npz *z) {
  volatile uint32_t sum = 0;
  for (int s = 0; s < NSC_SPLITS; s++) {
    size_t all = (size_t)z->splits[s].count * z->height * z->width * z->channels;
    for (size_t i = 0; i < all; i++) sum += z->splits[s].pixels[i];
    for (uint32_t i = 0; i < z->splits[s].count; i++) sum += z->splits[s].labels[i];
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  nsc_error err = {0};
  nsc_npz npz;
  nsc_table table;
  nsc_status status = nsc_npz_open(bytes, size, 16 << 20, &npz, &err);
  if (status == NSC_OK) {
    read_all(&npz);
    nsc_npz_drop(&npz);
  }
  if (status == NSC_ERROR_UNKNOWN_FORMAT && nsc_table_parse((const char *)bytes, size, &table, &err) == NSC_OK) {
    nsc_table_drop(&table);
  }
  return 0;
}
