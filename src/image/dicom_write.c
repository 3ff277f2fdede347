#include "image/dicom_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "image/dicom_put.h"

/* ---- UIDs ---- */

void nsc_uid_write(uint64_t high, uint64_t low, char out[NSC_UID_ROOM]) {
  high = (high & ~(uint64_t)0xF000) | 0x8000;
  low = (low & ~((uint64_t)3 << 62)) | (uint64_t)2 << 62;
  uint32_t limbs[4] = {(uint32_t)(high >> 32), (uint32_t)high, (uint32_t)(low >> 32), (uint32_t)low};
  char digits[40];
  int count = 0;
  bool more = true;
  while (more) { /* long division by ten */
    uint64_t rest = 0;
    more = false;
    for (int i = 0; i < 4; i++) {
      rest = rest << 32 | limbs[i];
      limbs[i] = (uint32_t)(rest / 10);
      rest %= 10;
      more = more || limbs[i];
    }
    digits[count++] = (char)('0' + rest);
  }
  memcpy(out, "2.25.", 5);
  for (int i = 0; i < count; i++) out[5 + i] = digits[count - 1 - i];
  out[5 + count] = 0;
}

/* ---- elements ---- */

static void put_is(nsc_text *t, uint32_t tag, uint32_t value) {
  char text[12];
  snprintf(text, sizeof text, "%u", value);
  nsc_dicom_put_text(t, tag, "IS", text);
}

/* ---- the file ---- */

static const char ct_image_storage[] = "1.2.840.10008.5.1.4.1.1.2";

/* Groups 0008 to 0018: SOP Common, General Study, Series and Equipment, Patient, CT Image. Empty: type 2, not known. */
static void put_context(nsc_text *t, const nsc_ct_slice *s) {
  nsc_dicom_put_text(t, 0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL");
  nsc_dicom_put_text(t, 0x00080016, "UI", ct_image_storage);
  nsc_dicom_put_text(t, 0x00080018, "UI", s->instance_uid);
  nsc_dicom_put_text(t, 0x0008001C, "CS", "YES"); /* Synthetic Data, PS3.3 C.12.1.1 */
  nsc_dicom_put_text(t, 0x00080020, "DA", "20000101");
  nsc_dicom_put_text(t, 0x00080030, "TM", "000000");
  nsc_dicom_put_text(t, 0x00080050, "SH", "");
  nsc_dicom_put_text(t, 0x00080060, "CS", "CT");
  nsc_dicom_put_text(t, 0x00080070, "LO", "Negatoscope");
  nsc_dicom_put_text(t, 0x00080090, "PN", "");
  nsc_dicom_put_text(t, 0x00081030, "LO", s->study);
  nsc_dicom_put_text(t, 0x0008103E, "LO", s->series);
  nsc_dicom_put_text(t, 0x00081090, "LO", "Phantom generator");
  nsc_dicom_put_text(t, 0x00100010, "PN", s->patient_name);
  nsc_dicom_put_text(t, 0x00100020, "LO", s->patient_id);
  nsc_dicom_put_text(t, 0x00100030, "DA", "");
  nsc_dicom_put_text(t, 0x00100040, "CS", "");
  nsc_dicom_put_text(t, 0x00104000, "LT", "SYNTHETIC: not a person");
  nsc_dicom_put_text(t, 0x00180015, "CS", "ABDOMEN");
  nsc_dicom_put_ds(t, 0x00180050, 1, s->thickness);
  nsc_dicom_put_text(t, 0x00180060, "DS", "");
  nsc_dicom_put_text(t, 0x00185100, "CS", "HFS");
}

/* Group 0020: General Image, Image Plane, Frame of Reference. */
static void put_place(nsc_text *t, const nsc_ct_slice *s) {
  nsc_dicom_put_text(t, 0x0020000D, "UI", s->study_uid);
  nsc_dicom_put_text(t, 0x0020000E, "UI", s->series_uid);
  nsc_dicom_put_text(t, 0x00200010, "SH", "1");
  put_is(t, 0x00200011, 1);
  nsc_dicom_put_text(t, 0x00200012, "IS", "1");
  put_is(t, 0x00200013, s->number);
  nsc_dicom_put_ds(t, 0x00200032, 3, s->position[0], s->position[1], s->position[2]);
  nsc_dicom_put_ds(t, 0x00200037, 6, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0);
  nsc_dicom_put_text(t, 0x00200052, "UI", s->frame_uid);
  nsc_dicom_put_text(t, 0x00201040, "LO", "");
  nsc_dicom_put_text(t, 0x00204000, "LT", s->comments);
}

/* Groups 0028 and 7FE0: Image Pixel, VOI LUT. */
static void put_pixels(nsc_text *t, const nsc_ct_slice *s) {
  nsc_dicom_put_us(t, 0x00280002, 1);
  nsc_dicom_put_text(t, 0x00280004, "CS", "MONOCHROME2");
  nsc_dicom_put_us(t, 0x00280010, s->rows);
  nsc_dicom_put_us(t, 0x00280011, s->columns);
  nsc_dicom_put_ds(t, 0x00280030, 2, s->spacing, s->spacing);
  nsc_dicom_put_us(t, 0x00280100, 16);
  nsc_dicom_put_us(t, 0x00280101, 12);
  nsc_dicom_put_us(t, 0x00280102, 11);
  nsc_dicom_put_us(t, 0x00280103, 0);
  nsc_dicom_put_text(t, 0x00280301, "CS", "NO"); /* no writing in the pixels */
  nsc_dicom_put_ds(t, 0x00281050, 1, s->window_center);
  nsc_dicom_put_ds(t, 0x00281051, 1, s->window_width);
  nsc_dicom_put_ds(t, 0x00281052, 1, -1024.0);
  nsc_dicom_put_ds(t, 0x00281053, 1, 1.0);
  nsc_dicom_put_text(t, 0x00281054, "LO", "HU");
  size_t count = (size_t)s->rows * s->columns;
  nsc_dicom_put_head(t, 0x7FE00010, "OW", (uint32_t)(count * 2));
  for (size_t i = 0; i < count; i++) {
    int32_t stored = s->hu[i] + 1024;
    nsc_dicom_put16(t, (uint32_t)(stored < 0 ? 0 : stored > 4095 ? 4095 : stored));
  }
}

nsc_status nsc_dicom_write_ct(const nsc_ct_slice *slice, char **bytes, size_t *size, nsc_error *err) {
  nsc_text t = {0};
  nsc_dicom_put_meta(&t, ct_image_storage, slice->instance_uid, NSC_EXPLICIT_LITTLE_ENDIAN);
  put_context(&t, slice);
  put_place(&t, slice);
  put_pixels(&t, slice);
  size_t written = t.size;
  NSC_TRY(nsc_text_finish(&t, bytes, err));
  *size = written;
  return NSC_OK;
}
