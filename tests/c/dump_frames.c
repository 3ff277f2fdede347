/*
 * A file's samples for scripts that compare them with another decoder's.
 *
 *   dump_frames FILE            "width height frames channels type bits photometric" or "error STATUS text", one line
 *   dump_frames FILE raw        every frame's samples as bytes in native order
 *   dump_frames FILE rgba       every frame as nsc_view_default renders it
 *   dump_frames FILE json       nsc_image_json
 *   dump_frames FILE overlays   every frame's overlay planes, a byte of 0 or 1 for each pixel
 *   dump_frames FILE tensor R   the first frame through the recipe R (JSON), as float32
 *   dump_frames constants       nsc_constants_json
 *   dump_frames - ...           the file's name is a line of standard input, again and again: one line for each
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "negatoscope.h"

static nsc_status open_file(const char *path, nsc_image **out, nsc_error *err) {
  FILE *f = fopen(path, "rb");
  if (!f) {
    snprintf(err->text, sizeof err->text, "cannot open");
    return err->status = NSC_ERROR_IO;
  }
  nsc_source *source = NULL;
  nsc_status status = nsc_source_create(0, &source, err);
  size_t n = 1;
  while (status == NSC_OK && n > 0) {
    uint8_t *room;
    status = nsc_source_reserve(source, 1 << 16, &room, err);
    if (status != NSC_OK) break;
    n = fread(room, 1, 1 << 16, f);
    status = nsc_source_commit(source, n, err);
  }
  fclose(f);
  if (status == NSC_OK) status = nsc_image_open(source, NULL, out, err);
  if (status != NSC_OK) nsc_source_free(source);
  return status;
}

static nsc_status write_frames(nsc_image *image, bool rgba, nsc_error *err) {
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  size_t pixels = (size_t)info.width * info.height, bytes = pixels * info.channels * nsc_sample_size(info.type);
  uint8_t *colors = malloc(pixels * 4);
  nsc_status status = NSC_OK;
  for (uint32_t i = 0; i < info.frames && status == NSC_OK; i++) {
    const void *samples;
    nsc_view view;
    if (rgba) {
      status = nsc_view_default(image, i, &view, err);
      if (status == NSC_OK) status = nsc_render(image, &view, colors, pixels * 4, err);
      if (status == NSC_OK) fwrite(colors, 4, pixels, stdout);
    } else {
      status = nsc_image_frame(image, i, &samples, err);
      if (status == NSC_OK) fwrite(samples, 1, bytes, stdout);
    }
  }
  free(colors);
  return status;
}

static nsc_status write_overlays(nsc_image *image, nsc_error *err) {
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  size_t pixels = (size_t)info.width * info.height;
  uint8_t *mask = malloc(pixels);
  nsc_status status = NSC_OK;
  for (uint32_t i = 0; i < info.frames && status == NSC_OK; i++) {
    status = nsc_image_overlays(image, i, mask, pixels, err);
    if (status == NSC_OK) fwrite(mask, 1, pixels, stdout);
  }
  free(mask);
  return status;
}

static nsc_status write_tensor(nsc_image *image, const char *json, nsc_error *err) {
  nsc_recipe recipe;
  nsc_status status = nsc_recipe_parse(json, strlen(json), &recipe, err);
  if (status != NSC_OK) return status;
  size_t count = (size_t)recipe.width * recipe.height * recipe.channels;
  float *tensor = malloc(count * sizeof *tensor);
  status = nsc_preprocess(image, 0, &recipe, tensor, count, err);
  if (status == NSC_OK) fwrite(tensor, sizeof *tensor, count, stdout);
  free(tensor);
  return status;
}

static nsc_status write_info(nsc_image *image, nsc_error *err) {
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  for (uint32_t i = 0; i < info.frames; i++) {
    const void *samples;
    nsc_status status = nsc_image_frame(image, i, &samples, err);
    if (status != NSC_OK) return status;
  }
  printf("ok %s %u %u %u %u %d %u %d\n", nsc_format_name(info.format), info.width, info.height, info.frames,
         info.channels, (int)info.type, info.bits, (int)info.photometric);
  return NSC_OK;
}

static nsc_status run(const char *path, const char *what, const char *recipe, nsc_error *err) {
  nsc_image *image = NULL;
  char *json = NULL;
  nsc_status status = open_file(path, &image, err);
  if (status != NSC_OK) return status;
  if (strcmp(what, "raw") == 0 || strcmp(what, "rgba") == 0) {
    status = write_frames(image, what[1] == 'g', err);
  } else if (strcmp(what, "overlays") == 0) {
    status = write_overlays(image, err);
  } else if (strcmp(what, "tensor") == 0) {
    status = write_tensor(image, recipe, err);
  } else if (strcmp(what, "json") == 0) {
    status = nsc_image_json(image, &json, err);
    if (status == NSC_OK) puts(json);
    nsc_text_free(json);
  } else {
    status = write_info(image, err);
  }
  nsc_image_free(image);
  return status;
}

static int write_constants(void) {
  char *json = NULL;
  if (nsc_constants_json(&json, NULL) != NSC_OK) return 1;
  puts(json);
  nsc_text_free(json);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  if (argc == 2 && strcmp(argv[1], "constants") == 0) return write_constants();
  const char *what = argc > 2 ? argv[2] : "info", *recipe = argc > 3 ? argv[3] : "";
  bool many = strcmp(argv[1], "-") == 0;
  char line[4096];
  nsc_status status = NSC_OK;
  while (!many || fgets(line, sizeof line, stdin)) {
    nsc_error err = {0};
    if (many) line[strcspn(line, "\n")] = 0;
    status = run(many ? line : argv[1], what, recipe, &err);
    if (status != NSC_OK) printf("error %s %s\n", nsc_status_name(status), err.text);
    fflush(stdout);
    if (!many) break;
  }
  return many ? 0 : status != NSC_OK;
}
