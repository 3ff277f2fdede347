/* negatoscope deidentify: copies of DICOM files that do not say whom they show. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "cli/cli.h"

const char nsc_cli_deidentify_usage[] =
    "usage: negatoscope deidentify --out FOLDER [--key N] FILE_OR_FOLDER...\n"
    "  writes 0001.dcm, 0002.dcm, ... without names, dates, places, texts and private elements; UIDs become others.\n"
    "  Texts within the pixels stay: look at the pictures before you give them away.\n"
    "  --key N               new UIDs are made from the old ones and this; drawn by chance without it\n";

/* A number that nobody guesses where the system gives one. */
static uint64_t draw_key(void) {
  uint64_t key = (uint64_t)time(NULL);
  FILE *random = fopen("/dev/urandom", "rb");
  if (!random) return key;
  if (fread(&key, sizeof key, 1, random) != 1) key = (uint64_t)time(NULL);
  fclose(random);
  return key;
}

static nsc_status copy_file(const char *path, uint64_t key, const char *out, nsc_error *err) {
  nsc_image *image;
  char *bytes = NULL;
  size_t size;
  NSC_TRY(nsc_cli_open_image(path, &image, err));
  nsc_status status = nsc_image_deidentify(image, key, &bytes, &size, err);
  nsc_image_free(image);
  NSC_TRY(status);
  status = nsc_cli_write(out, bytes, size, err);
  nsc_text_free(bytes);
  return status;
}

static int copy_all(const nsc_cli_paths *paths, const char *folder, uint64_t key) {
  size_t room = strlen(folder) + 32;
  char *out = malloc(room);
  uint32_t number = 0;
  bool failed = !out;
  for (size_t i = 0; i < paths->count && out; i++) {
    nsc_error err = {0};
    snprintf(out, room, "%s/%04u.dcm", folder, number + 1);
    if (copy_file(paths->list[i], key, out, &err) == NSC_OK) {
      number++;
      printf("%s -> %s\n", paths->list[i], out);
    } else {
      failed = true;
      fprintf(stderr, "refused: %s: %s\n", paths->list[i], err.text);
    }
  }
  free(out);
  fputs("Texts within the pixels stay: look at the pictures before you give them away.\n", stderr);
  return failed ? NSC_EXIT_SOME_FAILED : NSC_EXIT_OK;
}

int nsc_cli_deidentify(int argc, char **argv) {
  const char *folder = NULL, *key_text = NULL;
  const nsc_cli_option list[] = {{"--out", &folder, NULL}, {"--key", &key_text, NULL}};
  argc = nsc_cli_options(argc, argv, list, sizeof list / sizeof *list);
  if (argc < 2 || !folder) {
    if (argc >= 0) fputs(nsc_cli_deidentify_usage, stderr);
    return NSC_EXIT_USAGE;
  }
  long key = nsc_cli_number("--key", key_text, 0, 0);
  if (key < 0) return NSC_EXIT_USAGE;
  nsc_cli_paths paths = {0};
  bool listed = true;
  for (int i = 1; i < argc; i++) listed = nsc_cli_add_path(&paths, argv[i]) && listed;
  mkdir(folder, 0777); /* one that is there already is as good; a file that cannot be written is told */
  int code = listed ? copy_all(&paths, folder, key_text ? (uint64_t)key : draw_key()) : NSC_EXIT_SOME_FAILED;
  nsc_cli_drop_paths(&paths);
  return code;
}
