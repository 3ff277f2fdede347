/* negatoscope convert: frames of images to pictures of 8 bits, windowed, filtered, resized. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/picture.h"

const char nsc_cli_convert_usage[] =
    "usage: negatoscope convert [options] --out FOLDER|FILE.png FILE_OR_FOLDER...\n"
    "  --window C,W          centre and width, instead of the file's own first window\n"
    "  --range LOW,HIGH      or these modality values as black and white\n"
    "  --steps JSON          filters, in this order: [{\"step\":\"median\",\"size\":3},{\"step\":\"otsu\"}]\n"
    "  --size WxH            resized before the steps\n"
    "  --frame N|all         all; a frame is a file of its own\n"
    "  --format png|pgm      png; pgm is grey always     --overwrite                files that are there\n"
    "A folder's files keep their places in it. With --steps or --size pictures have at most 4096 pixels a side.\n";

typedef struct settings {
  const char *out;
  bool one_file; /* `out` is the picture itself */
  bool has_range, has_size, overwrite, pgm;
  double low, high;
  uint32_t width, height;
  uint32_t frame; /* 1-based; 0: all */
  nsc_steps steps;
} settings;

/* ---- options ---- */

static bool wrong(const char *option, const char *wants, const char *text) {
  fprintf(stderr, "negatoscope convert: %s wants %s, not \"%s\"\n", option, wants, text);
  return false;
}

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n > m && strcmp(text + n - m, end) == 0;
}

/* Two numbers with `between` between them. */
static bool read_pair(const char *text, char between, double out[2]) {
  char *end;
  out[0] = strtod(text, &end);
  if (end == text || *end != between) return false;
  const char *second = end + 1;
  out[1] = strtod(second, &end);
  return end != second && !*end && isfinite(out[0]) && isfinite(out[1]);
}

static bool read_values(const char *window, const char *range, settings *s) {
  double pair[2];
  s->has_range = window || range;
  if (window && range) return wrong("--window", "no --range beside it", window);
  if (range) {
    if (!read_pair(range, ',', pair) || !(pair[0] < pair[1])) return wrong("--range", "LOW,HIGH", range);
    s->low = pair[0];
    s->high = pair[1];
  }
  if (window) { /* the linear function of PS3.3 C.11.2.1.2.1: black and white are width - 1 apart */
    if (!read_pair(window, ',', pair) || !(pair[1] > 1)) return wrong("--window", "CENTRE,WIDTH above 1", window);
    s->low = pair[0] - 0.5 - (pair[1] - 1) / 2;
    s->high = pair[0] - 0.5 + (pair[1] - 1) / 2;
  }
  return true;
}

static bool read_shape(const char *size, const char *frame, const char *format, settings *s) {
  double pair[2];
  s->has_size = size != NULL;
  if (size) {
    bool ok = read_pair(size, 'x', pair) && pair[0] >= 1 && pair[0] <= 4096 && pair[1] >= 1 && pair[1] <= 4096 &&
              pair[0] == floor(pair[0]) && pair[1] == floor(pair[1]);
    if (!ok) return wrong("--size", "WxH, 1x1 to 4096x4096", size);
    s->width = (uint32_t)pair[0];
    s->height = (uint32_t)pair[1];
  }
  if (frame && strcmp(frame, "all") != 0) {
    long number = nsc_cli_number("--frame", frame, 1, 1);
    if (number < 0) return false;
    s->frame = (uint32_t)number;
  }
  if (format && strcmp(format, "png") != 0 && strcmp(format, "pgm") != 0)
    return wrong("--format", "png or pgm", format);
  s->pgm = format ? strcmp(format, "pgm") == 0 : ends_with(s->out, ".pgm");
  s->one_file = ends_with(s->out, s->pgm ? ".pgm" : ".png");
  if (s->one_file && s->frame == 0) s->frame = 1;
  return true;
}

static bool read_settings(int *argc, char **argv, settings *s) {
  const char *steps = NULL, *window = NULL, *range = NULL, *frame = NULL, *size = NULL, *format = NULL;
  const nsc_cli_option list[] = {{"--out", &s->out, NULL},    {"--steps", &steps, NULL},
                                 {"--window", &window, NULL}, {"--range", &range, NULL},
                                 {"--frame", &frame, NULL},   {"--size", &size, NULL},
                                 {"--format", &format, NULL}, {"--overwrite", NULL, &s->overwrite}};
  *argc = nsc_cli_options(*argc, argv, list, sizeof list / sizeof *list);
  if (*argc < 2 || !s->out) {
    if (*argc >= 0) fputs(nsc_cli_convert_usage, stderr);
    return false;
  }
  if (!read_values(window, range, s) || !read_shape(size, frame, format, s)) return false;
  nsc_error err = {0};
  if (steps && nsc_steps_parse(steps, strlen(steps), &s->steps, &err) != NSC_OK) {
    fprintf(stderr, "negatoscope convert: %s\n", err.text);
    return false;
  }
  return true;
}

/* ---- pixels ---- */

typedef struct picture {
  uint8_t *rgba; /* owned */
  uint32_t width, height;
} picture;

/* As the screen shows it, at its own size. */
static nsc_status render(nsc_image *image, uint32_t frame, const settings *s, picture *p, nsc_error *err) {
  nsc_view view;
  NSC_TRY(nsc_view_default(image, frame, &view, err));
  if (s->has_range) {
    view.voi_lut = -1;
    view.function = NSC_VOI_LINEAR_EXACT;
    view.width = s->high - s->low;
    view.center = s->low + view.width / 2;
  }
  return nsc_render(image, &view, p->rgba, (size_t)p->width * p->height * 4, err);
}

/* As a model would get it, so that filters see more than 8 bits. */
static nsc_status preprocess(nsc_image *image, uint32_t frame, const settings *s, uint32_t channels, picture *p,
                             nsc_error *err) {
  const nsc_recipe recipe = {.width = p->width,
                             .height = p->height,
                             .channels = channels,
                             .crop_scale = 1,
                             .range = s->has_range ? NSC_RANGE_WINDOW : NSC_RANGE_VOI,
                             .low = s->low,
                             .high = s->high,
                             .steps = s->steps,
                             .scale = 1,
                             .std = {1, 1, 1}};
  return nsc_preprocess_preview(image, frame, &recipe, p->rgba, (size_t)p->width * p->height * 4, err);
}

static nsc_status make_picture(nsc_image *image, uint32_t frame, const settings *s, picture *out, nsc_error *err) {
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  picture p = {NULL, s->has_size ? s->width : info.width, s->has_size ? s->height : info.height};
  uint64_t bytes = (uint64_t)p.width * p.height * 4;
  p.rgba = bytes <= SIZE_MAX / 2 ? malloc((size_t)bytes) : NULL;
  if (!p.rgba) return nsc_fail_memory(err, (size_t)bytes, "a picture");
  nsc_status status = s->has_size || s->steps.count ? preprocess(image, frame, s, info.channels, &p, err)
                                                    : render(image, frame, s, &p, err);
  if (status == NSC_OK) {
    *out = p;
  } else {
    free(p.rgba);
  }
  return status;
}

/* RGBA to one or three channels in place; how many. */
static uint32_t pack(picture *p, bool grey_always) {
  size_t pixels = (size_t)p->width * p->height;
  uint8_t *to = p->rgba;
  bool grey = true;
  for (size_t i = 0; i < pixels && grey; i++) {
    grey = p->rgba[4 * i] == p->rgba[4 * i + 1] && p->rgba[4 * i] == p->rgba[4 * i + 2];
  }
  for (const uint8_t *from = p->rgba; from < p->rgba + 4 * pixels; from += 4) {
    if (grey) {
      *to++ = from[0];
    } else if (grey_always) { /* ITU-R BT.601 */
      *to++ = (uint8_t)((299u * from[0] + 587u * from[1] + 114u * from[2] + 500) / 1000);
    } else {
      memmove(to, from, 3);
      to += 3;
    }
  }
  return grey || grey_always ? 1 : 3;
}

/* ---- files ---- */

/* Makes the folders above a path. */
static nsc_status make_folders(const char *path, nsc_error *err) {
  char folder[4096];
  snprintf(folder, sizeof folder, "%s", path);
  for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
      return nsc_fail(err, NSC_ERROR_IO, "cannot make %.150s: %s", folder, strerror(errno));
    }
    *slash = '/';
  }
  return NSC_OK;
}

static nsc_status write_picture(const char *path, picture *p, const settings *s, nsc_error *err) {
  struct stat info;
  if (!s->overwrite && stat(path, &info) == 0) {
    return nsc_fail(err, NSC_ERROR_IO, "%.200s is there already", path);
  }
  nsc_text t = {0};
  uint32_t channels = pack(p, s->pgm);
  nsc_status status = NSC_OK;
  if (s->pgm) {
    nsc_pnm_write(p->rgba, p->width, p->height, channels, &t);
  } else {
    status = nsc_cli_png(p->rgba, p->width, p->height, channels, &t, err);
  }
  size_t size = t.size;
  char *bytes = NULL;
  if (status == NSC_OK) status = nsc_text_finish(&t, &bytes, err);
  if (status == NSC_OK) status = make_folders(path, err);
  if (status == NSC_OK) status = nsc_cli_write(path, bytes, size, err);
  nsc_text_drop(&t);
  nsc_text_free(bytes);
  return status;
}

/* Without the ending of a format that opens here; other endings may be numbers of slices. */
static size_t stem_length(const char *name) {
  static const char *const known[] = {".dcm",  ".dicom", ".nii.gz", ".nii",  ".mha", ".nrrd", ".tif",
                                      ".tiff", ".png",   ".jpg",    ".jpeg", ".bmp", ".gif",  ".tga",
                                      ".pgm",  ".ppm",   ".pbm",    ".pnm",  ".DCM", NULL};
  for (int i = 0; known[i]; i++) {
    if (ends_with(name, known[i])) return strlen(name) - strlen(known[i]);
  }
  return strlen(name);
}

/* `name`: the file's path below what was asked for. */
static nsc_status output_path(const settings *s, const char *name, uint32_t frame, uint32_t frames, char path[4096],
                              nsc_error *err) {
  char number[16] = "";
  if (frames > 1) snprintf(number, sizeof number, "-%04u", frame + 1);
  int length = s->one_file ? snprintf(path, 4096, "%s", s->out)
                           : snprintf(path, 4096, "%s/%.*s%s.%s", s->out, (int)stem_length(name), name, number,
                                      s->pgm ? "pgm" : "png");
  return length < 4096 ? NSC_OK : nsc_fail(err, NSC_ERROR_IO, "a path of %d characters", length);
}

static nsc_status convert_frames(nsc_image *image, const char *name, const settings *s, nsc_error *err) {
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  if (s->frame > info.frames) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "there is no frame %u, only %u", s->frame, info.frames);
  }
  uint32_t first = s->frame ? s->frame - 1 : 0, last = s->frame ? s->frame - 1 : info.frames - 1;
  for (uint32_t frame = first; frame <= last; frame++) {
    picture p;
    char path[4096];
    NSC_TRY(output_path(s, name, frame, info.frames, path, err));
    NSC_TRY(make_picture(image, frame, s, &p, err));
    nsc_status status = write_picture(path, &p, s, err);
    free(p.rgba);
    NSC_TRY(status);
    puts(path);
  }
  return NSC_OK;
}

/* What lies in a folder beside pictures (tables, notes) is named and no failure. */
static bool convert_file(const char *path, const char *name, bool asked_for, const settings *s) {
  nsc_image *image = NULL;
  nsc_error err = {0};
  nsc_status status = nsc_cli_open_image(path, &image, &err);
  bool left_out = status == NSC_ERROR_UNKNOWN_FORMAT && !asked_for;
  if (status == NSC_OK) status = convert_frames(image, name, s, &err);
  nsc_image_free(image);
  if (status == NSC_OK) return true;
  fprintf(stderr, "negatoscope convert: %s%s: %s\n", path, left_out ? " is left out" : "", err.text);
  return left_out;
}

/* A file's name, or for those of a folder what follows the folder. */
static const char *name_below(const char *path, const char *asked) {
  size_t n = strlen(asked);
  const char *slash = strrchr(path, '/');
  if (strcmp(path, asked) == 0) return slash ? slash + 1 : path;
  return path[n] == '/' ? path + n + 1 : path + n;
}

static bool convert_all(int argc, char **argv, const settings *s, bool *all_done) {
  *all_done = true;
  for (int i = 1; i < argc; i++) {
    nsc_cli_paths paths = {0};
    bool ok = nsc_cli_add_path(&paths, argv[i]) && !(s->one_file && (argc > 2 || paths.count > 1));
    for (size_t k = 0; k < paths.count && ok; k++) {
      const char *path = paths.list[k];
      if (!convert_file(path, name_below(path, argv[i]), strcmp(path, argv[i]) == 0, s)) *all_done = false;
    }
    nsc_cli_drop_paths(&paths);
    if (ok) continue;
    fprintf(stderr, "negatoscope convert: %s\n", s->one_file ? "one file can take one picture only" : "out of memory");
    return false;
  }
  return true;
}

int nsc_cli_convert(int argc, char **argv) {
  settings s = {0};
  bool all_done;
  if (!read_settings(&argc, argv, &s) || !convert_all(argc, argv, &s, &all_done)) return NSC_EXIT_USAGE;
  return all_done ? NSC_EXIT_OK : NSC_EXIT_SOME_FAILED;
}
