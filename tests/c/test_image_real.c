/* Every file of the real data sets opens or is refused with a reason; some are known to do the one or the other. */
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "dicom_builder.h"
#include "test.h"

typedef struct totals {
  int opened, refused, unexplained;
} totals;

static void count_file(const char *path, totals *t) {
  size_t size = 0;
  uint8_t *bytes = test_read_file(path, &size);
  if (!bytes) return;
  nsc_error err = {0};
  nsc_image *image = test_open(bytes, size, &err);
  free(bytes);
  if (!image) {
    t->refused++;
    if (!err.text[0] || err.status == NSC_ERROR_INTERNAL) t->unexplained++;
    return;
  }
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  nsc_status status = NSC_OK;
  for (uint32_t i = 0; i < info.frames && status == NSC_OK; i++) {
    const void *samples;
    status = nsc_image_frame(image, i, &samples, &err);
  }
  if (status == NSC_OK) {
    t->opened++;
  } else {
    t->refused++;
  }
  char *json;
  if (nsc_image_json(image, &json, &err) == NSC_OK) nsc_text_free(json);
  nsc_image_free(image);
}

static void walk(const char *folder, totals *t) {
  DIR *dir = opendir(folder);
  if (!dir) return;
  for (struct dirent *entry; (entry = readdir(dir));) {
    char path[1024];
    struct stat info;
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (stat(path, &info) != 0) continue;
    if (S_ISDIR(info.st_mode)) {
      walk(path, t);
    } else {
      count_file(path, t);
    }
  }
  closedir(dir);
}

static totals walk_data(const char *part) {
  char folder[1024];
  totals t = {0};
  snprintf(folder, sizeof folder, "%s/%s", test_real_data(), part);
  walk(folder, &t);
  return t;
}

TEST(image_real_pngsuite) {
  if (!test_real_data()) SKIP("NSC_REAL_DATA is not set");
  totals corrupt = walk_data("pngsuite/tests/pngsuite/corrupt");
  CHECK_EQ(corrupt.opened, 0);
  CHECK(corrupt.refused >= 14);
  static const char *const good[] = {"16bit", "primary"};
  for (int i = 0; i < 2; i++) {
    char folder[64];
    snprintf(folder, sizeof folder, "pngsuite/tests/pngsuite/%s", good[i]);
    totals t = walk_data(folder);
    CHECK(t.opened > 10);
    CHECK_EQ(t.refused, 0);
  }
}

TEST(image_real_dicom) {
  if (!test_real_data()) SKIP("NSC_REAL_DATA is not set");
  static const char *const parts[] = {"dicom-pydicom", "dicom-pydicom-data", "dicom-cornerstone3d"};
  static const int at_least[] = {56, 30, 6};
  for (int i = 0; i < 3; i++) {
    totals t = walk_data(parts[i]);
    CHECK(t.opened >= at_least[i]);
    CHECK_EQ(t.unexplained, 0);
  }
}

TEST(image_real_malformed) {
  if (!test_real_data()) SKIP("NSC_REAL_DATA is not set");
  totals t = walk_data("fuzz-images");
  CHECK(t.opened > 300);
  CHECK(t.refused > 1000);
  CHECK_EQ(t.unexplained, 0);
}

/* nibabel's own test files: what is no NIfTI among them is refused, and so are headers without their samples. */
TEST(image_real_nifti) {
  if (!test_real_data()) SKIP("NSC_REAL_DATA is not set");
  totals t = walk_data("nifti-nibabel");
  CHECK(t.opened >= 9);
  CHECK_EQ(t.unexplained, 0);
}
