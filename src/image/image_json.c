/* An image as JSON: what every format has; a reader adds its own. */
#include <stdio.h>

#include "base/error.h"
#include "image/image.h"
#include "image/origin.h"

static const char *photometric_name(nsc_photometric photometric) {
  static const char *const names[] = {"MONOCHROME1", "MONOCHROME2", "RGB"};
  return names[photometric];
}

static bool is_signed(nsc_sample_type type) {
  return type != NSC_SAMPLE_U8 && type != NSC_SAMPLE_U16 && type != NSC_SAMPLE_U32;
}

static void write_spacing(const nsc_image_info *info, nsc_text *t) {
  nsc_json_key(t, "spacing");
  if (!(info->spacing_x > 0)) {
    nsc_json_null(t);
    return;
  }
  nsc_json_array(t);
  nsc_json_number(t, info->spacing_x);
  nsc_json_number(t, info->spacing_y);
  nsc_json_end_array(t);
}

static void write_windows(const nsc_image *image, nsc_text *t) {
  static const char *const functions[] = {"LINEAR", "LINEAR_EXACT", "SIGMOID"};
  nsc_json_key(t, "windows");
  nsc_json_array(t);
  for (uint32_t i = 0; i < image->info.window_count; i++) {
    const nsc_window *w = &image->windows[i];
    nsc_json_object(t);
    nsc_json_key(t, "center"), nsc_json_number(t, w->center);
    nsc_json_key(t, "width"), nsc_json_number(t, w->width);
    nsc_json_key(t, "function"), nsc_json_string(t, functions[w->function]);
    nsc_json_key(t, "name"), nsc_json_string(t, w->name);
    nsc_json_end_object(t);
  }
  nsc_json_end_array(t);
  nsc_json_key(t, "voiLuts");
  nsc_json_array(t);
  for (uint32_t i = 0; i < image->info.voi_lut_count; i++) nsc_json_string(t, image->voi_luts[i].name);
  nsc_json_end_array(t);
}

static void write_values(const nsc_image *image, nsc_text *t) {
  nsc_json_key(t, "rescale");
  nsc_json_object(t);
  nsc_json_key(t, "slope"), nsc_json_number(t, image->slope);
  nsc_json_key(t, "intercept"), nsc_json_number(t, image->intercept);
  nsc_json_key(t, "unit"), nsc_json_string(t, image->unit);
  nsc_json_end_object(t);
  nsc_json_key(t, "modalityLut"), nsc_json_bool(t, image->modality_lut.count > 0);
  nsc_json_key(t, "padding");
  if (image->has_padding) {
    nsc_json_array(t);
    nsc_json_number(t, image->padding_low);
    nsc_json_number(t, image->padding_high);
    nsc_json_end_array(t);
  } else {
    nsc_json_null(t);
  }
}

void nsc_image_write_no_dicom(nsc_text *t) {
  static const char *const keys[] = {"transferSyntax", "transferSyntaxName", "sopClass", "modality"};
  for (int i = 0; i < 4; i++) nsc_json_key(t, keys[i]), nsc_json_null(t);
}

static void write_nothing(nsc_text *t) {
  nsc_image_write_no_dicom(t);
  nsc_json_key(t, "tags");
  nsc_json_array(t);
  nsc_json_end_array(t);
}

/* What tells this picture from others wherever it is opened again: its SOP Instance UID, else a fingerprint. */
void nsc_image_write_identity(const nsc_image *image, nsc_text *t) {
  char text[NSC_IDENTITY_ROOM] = "";
  nsc_json_key(t, "identity");
  if (image->reader->identity && image->reader->identity(image, text)) {
    nsc_json_string(t, text);
    return;
  }
  if (!image->fingerprint[0] && !image->fingerprint[1]) {
    nsc_json_null(t);
    return;
  }
  snprintf(text, sizeof text, "file-%016llx%016llx", (unsigned long long)image->fingerprint[0],
           (unsigned long long)image->fingerprint[1]);
  nsc_json_string(t, text);
}

nsc_status nsc_image_json(const nsc_image *image, char **out, nsc_error *err) {
  if (!image || !out) return nsc_fail(err, NSC_ERROR_ARGUMENT, "no image or no place for its JSON");
  const nsc_image_info *info = &image->info;
  nsc_text t = {0};
  nsc_json_object(&t);
  nsc_json_key(&t, "format"), nsc_json_string(&t, nsc_format_name(info->format));
  nsc_json_key(&t, "width"), nsc_json_int(&t, info->width);
  nsc_json_key(&t, "height"), nsc_json_int(&t, info->height);
  nsc_json_key(&t, "frames"), nsc_json_int(&t, info->frames);
  nsc_json_key(&t, "frameMs"), nsc_json_number(&t, info->frame_ms);
  nsc_json_key(&t, "channels"), nsc_json_int(&t, info->channels);
  nsc_json_key(&t, "bits"), nsc_json_int(&t, info->bits);
  nsc_json_key(&t, "signed"), nsc_json_bool(&t, is_signed(info->type));
  nsc_json_key(&t, "photometric"), nsc_json_string(&t, photometric_name(info->photometric));
  write_spacing(info, &t);
  write_values(image, &t);
  write_windows(image, &t);
  nsc_image_write_place(image, &t);
  if (image->reader->write_json) {
    image->reader->write_json(image, &t);
  } else {
    write_nothing(&t);
  }
  nsc_image_write_identity(image, &t);
  nsc_json_end_object(&t);
  return nsc_text_finish(&t, out, err);
}
