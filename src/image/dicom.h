/*
 * The inside of the DICOM reader (PS3.5, PS3.10). A data set is a flat array of elements in the order of the file,
 * children after their parent: element 0 is the root, whose children are the top level.
 */
#ifndef NSC_IMAGE_DICOM_H
#define NSC_IMAGE_DICOM_H

#include "image/image.h"

enum { NSC_UID_ROOM = 65 }; /* PS3.5 9.1: 64 characters */

#define NSC_TAG(group, element) ((uint32_t)(group) << 16 | (uint32_t)(element))

typedef struct nsc_element {
  uint32_t tag;
  uint32_t length; /* bytes of the value; 0 for what has children */
  size_t offset;   /* of the value, in nsc_dicom.bytes */
  uint32_t skip;   /* elements from this one to its next sibling */
  uint32_t count;  /* children: items of a sequence, elements of an item, fragments of encapsulated pixel data */
  char vr[2];      /* as in the file; from the dictionary for implicit VR; "UN" when nobody knows */
  bool big_endian;
} nsc_element;

/* How a transfer syntax stores frames. */
typedef enum nsc_dicom_coding {
  NSC_CODING_NONE = 0,        /* in a way that is not decoded here */
  NSC_CODING_NATIVE,          /* one after another, as they are */
  NSC_CODING_NATIVE_FRAMES,   /* as they are, one an item: PS3.5 A.4.11 */
  NSC_CODING_DEFLATED_FRAMES, /* deflated, one an item: PS3.5 A.4.13 */
  NSC_CODING_RLE,             /* PS3.5 annex G */
  NSC_CODING_JPEG,            /* those below by src/codec */
  NSC_CODING_JPEG_LS,
  NSC_CODING_JPEG_2000
} nsc_dicom_coding;

typedef struct nsc_dicom_syntax {
  const char *uid, *name;
  bool explicit_vr, big_endian, deflated;
  nsc_dicom_coding coding;
} nsc_dicom_syntax;

/* What the stored samples of a pixel mean: Photometric Interpretation, PS3.3 C.7.6.3.1.2. */
typedef enum nsc_dicom_color {
  NSC_COLOR_GREY = 0,
  NSC_COLOR_PALETTE,
  NSC_COLOR_RGB, /* also YBR_ICT and YBR_RCT, which a JPEG 2000 decoder turns back to RGB */
  NSC_COLOR_YBR_FULL,
  NSC_COLOR_YBR_PARTIAL
} nsc_dicom_color;

/* PALETTE COLOR, PS3.3 C.7.6.3.1.5: three tables of one size. */
typedef struct nsc_dicom_palette {
  uint32_t count; /* 1 to 65536 */
  int32_t first;  /* the stored value of entry 0; values outside take the nearest end */
  uint32_t bits;  /* of an entry: 8, or up to 16 */
  uint16_t *rgb;  /* [count][3], owned */
} nsc_dicom_palette;

/* How text bytes become UTF-8: PS3.3 C.12.1.1.2. */
typedef enum nsc_charset {
  NSC_CHARSET_ASCII = 0, /* also every set that is not known: other bytes become U+FFFD */
  NSC_CHARSET_LATIN1,
  NSC_CHARSET_CYRILLIC,
  NSC_CHARSET_ARABIC,
  NSC_CHARSET_GREEK,
  NSC_CHARSET_HEBREW,
  NSC_CHARSET_THAI,
  NSC_CHARSET_KATAKANA,
  NSC_CHARSET_UTF8,
  NSC_CHARSET_LATIN2, /* those below by the platform: codec/charset.h */
  NSC_CHARSET_LATIN3,
  NSC_CHARSET_LATIN4,
  NSC_CHARSET_LATIN5,
  NSC_CHARSET_LATIN9,
  NSC_CHARSET_ROMAJI,
  NSC_CHARSET_JIS_X_0208,
  NSC_CHARSET_JIS_X_0212,
  NSC_CHARSET_KS_X_1001,
  NSC_CHARSET_GB_2312,
  NSC_CHARSET_GB18030,
  NSC_CHARSET_GBK
} nsc_charset;

typedef struct nsc_dicom {
  uint8_t *bytes; /* of the file, inflated where it was deflated; owned once `owns_bytes` */
  size_t size;
  bool owns_bytes;
  nsc_element *elements;
  uint32_t count, capacity;
  const nsc_dicom_syntax *syntax; /* NULL when the file names none or an unknown one */
  char syntax_uid[65];            /* "" when the file names none */
  nsc_charset charset;

  /* Set before parsing: elements of later groups are left alone. 0: all are read. */
  uint32_t last_group;
  bool stopped;         /* an element behind last_group was seen: everything up to it is there */
  bool pixels_complete; /* Pixel Data was read to its end: damage behind it is of no consequence */
  uint32_t pixels;      /* element of Pixel Data (7FE0,0010) or its Float or Double Float form; 0 when there is none */
  uint64_t missing_pixels; /* bytes by which the file is shorter than Pixel Data announces */

  /* Image Pixel Module: PS3.3 C.7.6.3. */
  uint32_t bits_allocated, bits_stored, high_bit;
  bool is_signed, planar;
  uint32_t channels;    /* Samples per Pixel; a palette makes three of one */
  nsc_sample_type type; /* of a stored sample */
  nsc_dicom_color color;
  bool halved; /* uncompressed YBR_FULL_422 or YBR_PARTIAL_422: two luminances share their colour differences */
  nsc_dicom_palette palette;
  nsc_place *places;      /* [frames], owned; NULL where the file does not say */
  uint32_t *frame_items;  /* [frames + 1], owned: the first item of each frame; NULL when not encapsulated */
  uint32_t *frame_groups; /* [frames], owned: the element of each frame's functional groups; NULL when there are none */
} nsc_dicom;

typedef struct nsc_dicom_entry {
  uint32_t tag;
  char vr[3];
  const char *name;
} nsc_dicom_entry;

/* dicom_dict.c, dicom_uids.c: static storage, NULL when unknown. */
const nsc_dicom_entry *nsc_dicom_lookup(uint32_t tag);
const char *nsc_dicom_tag_name(uint32_t tag); /* "" when unknown, "Private" and so on where that is known */
const nsc_dicom_syntax *nsc_dicom_find_syntax(const char *uid, size_t size);
const char *nsc_dicom_sop_class_name(const char *uid, size_t size);

/* dicom_file.c: preamble, meta group, transfer syntax; calls nsc_dicom_parse_elements. */
bool nsc_dicom_sniff_bare(const uint8_t *bytes, size_t size); /* a data set without preamble */
NSC_WARN_UNUSED nsc_status nsc_dicom_parse(nsc_dicom *d, uint64_t max_inflated, nsc_error *err);
void nsc_dicom_free(void *dicom);

/*
 * dicom_parse.c: appends the elements from byte `*at` on to the root and moves `*at` behind them. `meta_only` stops
 * before the first that is not of group 0002.
 */
NSC_WARN_UNUSED nsc_status nsc_dicom_parse_elements(nsc_dicom *d, size_t *at, bool explicit_vr, bool big_endian,
                                                    bool meta_only, nsc_error *err);
bool nsc_dicom_is_long_vr(const char vr[2]); /* explicit VR with a 32-bit length */

/* dicom_value.c: values of elements. Each takes NULL for an element and then says "none". */
static inline const nsc_element *nsc_dicom_first(const nsc_element *parent) {
  return parent + 1;
}
static inline const nsc_element *nsc_dicom_next(const nsc_element *element) {
  return element + element->skip;
}
const nsc_element *nsc_dicom_find(const nsc_element *parent, uint32_t tag);
/* Item number `index` of the sequence `tag` in `parent`. */
const nsc_element *nsc_dicom_item(const nsc_element *parent, uint32_t tag, uint32_t index);
/* Values of an element: of text those between backslashes. */
uint32_t nsc_dicom_value_count(const nsc_dicom *d, const nsc_element *e);
/* One value of text, without padding; not terminated. False when there is none. */
bool nsc_dicom_text(const nsc_dicom *d, const nsc_element *e, uint32_t index, const char **chars, size_t *size);
bool nsc_dicom_text_is(const nsc_dicom *d, const nsc_element *e, const char *text);
/* One value as a number, from text or binary, whatever the VR. False when there is none or it is no number. */
bool nsc_dicom_number(const nsc_dicom *d, const nsc_element *e, uint32_t index, double *out);
bool nsc_dicom_uint(const nsc_dicom *d, const nsc_element *e, uint32_t *out);
/* A UID at the top level, "" when there is none that fits. */
void nsc_dicom_read_uid(const nsc_dicom *d, uint32_t tag, char out[NSC_UID_ROOM]);
/* A copy of one text value in UTF-8, at most 256 bytes of it; NULL when there is none (or no memory). */
char *nsc_dicom_copy_text(const nsc_dicom *d, const nsc_element *e, uint32_t index);

/* dicom_charset.c: the set that a data set or an item of a sequence names, else `outer`; text bytes appended as UTF-8.
 */
nsc_charset nsc_dicom_charset_of(const nsc_dicom *d, const nsc_element *parent, nsc_charset outer);
void nsc_dicom_put_utf8(const nsc_dicom *d, const char *chars, size_t size, nsc_text *out);

/*
 * dicom_lut.c. A table from its descriptor (number of entries, where 0 means 65536; first input; bits of an entry) and
 * data, without a name. `negative` says that inputs may be below zero: then the first input is signed even where its VR
 * says US. CORRUPT when the parts contradict each other.
 */
NSC_WARN_UNUSED nsc_status nsc_dicom_read_table(const nsc_dicom *d, const nsc_element *descriptor,
                                                const nsc_element *data, bool negative, nsc_lut *out, nsc_error *err);
/* The modality and VOI part of an image, from data set items. */
NSC_WARN_UNUSED nsc_status nsc_dicom_read_values(const nsc_dicom *d, nsc_image *image, nsc_error *err);

/* dicom_module.c: the Image Pixel Module, into `d` and the image's facts. */
NSC_WARN_UNUSED nsc_status nsc_dicom_read_module(nsc_dicom *d, nsc_image *image, nsc_error *err);

/* dicom_place.c: fills d->places and image->space. Errors: MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_dicom_read_places(nsc_dicom *d, nsc_image *image, nsc_error *err);
bool nsc_dicom_locate(const nsc_image *image, uint32_t frame, nsc_place *out);

/* dicom_palette.c */
NSC_WARN_UNUSED nsc_status nsc_dicom_read_palette(nsc_dicom *d, nsc_error *err);
/* `pixels` stored values (of d->type) to RGB samples: bytes for a palette of 8 bits, else 16-bit words. */
void nsc_dicom_apply_palette(const nsc_dicom *d, const void *indices, size_t pixels, void *samples);

/* dicom_frames.c: encapsulated pixel data, PS3.5 A.4. Fills d->frame_items. */
NSC_WARN_UNUSED nsc_status nsc_dicom_index_frames(nsc_dicom *d, uint32_t frames, nsc_error *err);
/* The bytes of one frame, in one piece. `owned` is ended by free; NULL where the file itself has them in one piece. */
typedef struct nsc_dicom_stream {
  const uint8_t *bytes;
  size_t size;
  uint8_t *owned;
} nsc_dicom_stream;
NSC_WARN_UNUSED nsc_status nsc_dicom_frame_stream(const nsc_dicom *d, uint32_t frame, nsc_dicom_stream *out,
                                                  nsc_error *err);

/*
 * dicom_rle.c: one frame to `count` planes of `plane` bytes for each sample of `bytes_each`; the samples of a plane are
 * little-endian.
 */
NSC_WARN_UNUSED nsc_status nsc_dicom_decode_rle(const uint8_t *stream, size_t size, uint32_t planes, size_t plane,
                                                uint32_t bytes_each, uint8_t *out, nsc_error *err);

/* dicom_pixels.c */
NSC_WARN_UNUSED nsc_status nsc_dicom_check_pixels(nsc_dicom *d, const nsc_image *image, nsc_error *err);
bool nsc_dicom_needs_codec(const nsc_image *image);
NSC_WARN_UNUSED nsc_status nsc_dicom_decode_frame(const nsc_image *image, uint32_t frame, void *samples,
                                                  nsc_error *err);

/* Samples of a frame as the coding has them, by the bits that `d` names: before palettes and colour. */
NSC_WARN_UNUSED nsc_status nsc_dicom_decode_stored(const nsc_dicom *d, const nsc_image *image, uint32_t frame,
                                                   void *out, nsc_error *err);

/* dicom_real_world.c: the JSON of one sample as nsc_image_reader.real_world, and the image's member "realWorld". */
void nsc_dicom_real_world(const nsc_image *image, uint32_t frame, double stored, nsc_text *t);
void nsc_dicom_write_real_world(const nsc_image *image, nsc_text *t);

/* dicom_deidentify.c: whether an element says nothing of whom, when and where: what nsc_image_deidentify leaves as it
 * is. Of a sequence whether its items are gone through. */
bool nsc_dicom_is_nameless(const nsc_dicom *d, const nsc_element *e);

/* dicom_json.c */
void nsc_dicom_write_json(const nsc_image *image, nsc_text *t);

#endif
