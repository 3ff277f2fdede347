/* Images of all formats, and synthetic ones. Part of negatoscope.h, which has the conventions. */
#ifndef NEGATOSCOPE_IMAGE_H
#define NEGATOSCOPE_IMAGE_H

#include "negatoscope/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- images ----------------------------------------------------------------------------------------------------- */

typedef enum nsc_format {
  NSC_FORMAT_UNKNOWN = 0,
  NSC_FORMAT_DICOM = 1,
  NSC_FORMAT_PNG = 2,
  NSC_FORMAT_JPEG = 3,
  NSC_FORMAT_BMP = 4,
  NSC_FORMAT_GIF = 5,
  NSC_FORMAT_TGA = 6,
  NSC_FORMAT_PNM = 7,
  NSC_FORMAT_NIFTI = 8,     /* also the headers of pairs and of Analyze 7.5, which are refused */
  NSC_FORMAT_METAIMAGE = 9, /* .mha; .mhd is refused */
  NSC_FORMAT_NRRD = 10,     /* .nrrd; .nhdr is refused */
  NSC_FORMAT_TIFF = 11      /* also BigTIFF */
} nsc_format;

/*
 * Decides by content alone, never by a name. DICOM without preamble is recognised too; of a gzip file what is in it
 * decides.
 */
nsc_format nsc_sniff(const uint8_t *bytes, size_t size);

/* "DICOM", "PNG", ... Static storage. */
const char *nsc_format_name(nsc_format format);

typedef enum nsc_sample_type {
  NSC_SAMPLE_U8 = 0,
  NSC_SAMPLE_I8 = 1,
  NSC_SAMPLE_U16 = 2,
  NSC_SAMPLE_I16 = 3,
  NSC_SAMPLE_U32 = 4,
  NSC_SAMPLE_I32 = 5,
  NSC_SAMPLE_F32 = 6,
  NSC_SAMPLE_F64 = 7
} nsc_sample_type;

/* Bytes of one sample. */
size_t nsc_sample_size(nsc_sample_type type);

/* What one is willing to spend on one file. A field of 0 means the default in its comment. */
typedef struct nsc_image_options {
  uint32_t max_dimension;   /* columns or rows; default 65535, the most that DICOM's (0028,0010) can say */
  uint32_t max_frames;      /* default 65536: a long cine run at 60 frames per second is 3,600 a minute */
  uint64_t max_frame_bytes; /* samples of one decoded frame; default 1 GiB, half of what a browser tab gives wasm */
  uint64_t max_inflated;    /* bytes a deflated data set or gzip file may unpack to; default 2 GiB, stops "zip bombs" */
} nsc_image_options;

typedef enum nsc_photometric {
  NSC_PHOTOMETRIC_MONOCHROME1 = 0, /* the smallest value is white (PS3.3 C.7.6.3.1.2) */
  NSC_PHOTOMETRIC_MONOCHROME2 = 1, /* the smallest value is black; every grey PNG, JPEG, ... */
  NSC_PHOTOMETRIC_RGB = 2
} nsc_photometric;

/* Facts about an image. Frames of an image all have this size and type. */
typedef struct nsc_image_info {
  nsc_format format;
  uint32_t width, height; /* pixels */
  uint32_t frames;        /* at least 1 */
  uint32_t channels;      /* 1 (grey) or 3 (RGB) */
  nsc_sample_type type;   /* of what nsc_image_frame gives */
  uint32_t bits;          /* significant bits of a sample, 1 to 64 */
  nsc_photometric photometric;
  double spacing_x, spacing_y; /* mm from pixel centre to pixel centre; 0 when the file does not say */
  double frame_ms;             /* time between frames of a cine run; 0 when the file does not say */
  uint32_t window_count;       /* VOI windows in the file */
  uint32_t voi_lut_count;      /* VOI LUTs in the file */
} nsc_image_info;

/* An opened file: header understood, frames decoded when they are asked for. */
typedef struct nsc_image nsc_image;

/*
 * Recognises and opens. The image takes `source` over on success; on failure it stays the caller's.
 * `options` may be NULL. Errors: UNKNOWN_FORMAT, UNSUPPORTED (names the transfer syntax or feature), NO_PIXELS,
 * TRUNCATED, CORRUPT, LIMIT, MEMORY. Pictures are decoded here; frames of DICOM, volumes and TIFF by nsc_image_frame.
 */
NSC_WARN_UNUSED nsc_status nsc_image_open(nsc_source *source, const nsc_image_options *options, nsc_image **out,
                                          nsc_error *err);

/*
 * An image of pixels that are decoded already: `pixels` [height][width][channels] of 0..255, channels 1 (grey) or 3
 * (RGB), are copied. It behaves as a PNG of 8 bits with these pixels; its format is NSC_FORMAT_UNKNOWN. Errors:
 * ARGUMENT, LIMIT, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_image_from_pixels(const uint8_t *pixels, uint32_t width, uint32_t height,
                                                 uint32_t channels, nsc_image **out, nsc_error *err);

void nsc_image_free(nsc_image *image);

void nsc_image_get_info(const nsc_image *image, nsc_image_info *out);

/*
 * Whether frames are codestreams of JPEG, JPEG-LS or JPEG 2000 in a DICOM file. On the page their decoders are a module
 * of their own, which must be there before the first frame is asked for; natively this is of no consequence.
 */
bool nsc_image_needs_codec(const nsc_image *image);

/*
 * Samples of one frame as stored: [height][width][channels], native byte order, sign-extended, unused bits cleared,
 * before any rescale or window. Colour of every kind (palettes, luminance with colour differences) is RGB by now. Valid
 * until the next call with another frame, or until the image ends.
 */
NSC_WARN_UNUSED nsc_status nsc_image_frame(nsc_image *image, uint32_t frame, const void **samples, nsc_error *err);

/*
 * The image as JSON for people and scripts: {"format", "identity" (the same wherever the file is opened: "uid-" and its
 * SOP Instance UID, else "file-" and a hash of its bytes; null for what came from no file), "width", "height",
 * "frames", "channels", "bits", "signed", "photometric", "spacing": [x, y] | null, "place": {"space": Frame of
 * Reference UID or a name of the volume | null, "across", "down", "normal": unit vectors, "positions": [mm of each
 * frame along the normal]} | null where the frames are no parallel stack in the patient, "transferSyntax", "modality",
 * "rescale": {"slope","intercept","unit"} , "windows": [{"center","width","function","name"}], "voiLuts": [names],
 * "tags": [{"tag","vr","name","value"}], ...}. "edges" are letters for where left, right, top and bottom lead in the
 * patient (PS3.3 C.7.6.1.1.1), null where nobody knows; "frameEdges" likewise for each frame where frames differ.
 * "frameFacts" is what functional groups (C.7.6.16) say of each frame: {"position", "orientation", "spacing": [across,
 * down] mm, "thickness", "slope", "intercept", "window", "time": s, "timeIndex"} | null.
 * "overlays" lists overlay planes, "realWorld" mappings of stored values to quantities. `tags` lists a DICOM file's
 * elements, sequences nested in "items", long values cut, "personal" where they may say who, when or where (all but
 * what nsc_image_deidentify leaves); of other formats what their header says. A volume has "slices", "times" (its
 * frames are slices, time after time), "sliceSpacing" in mm, "affine": [x, y, z][i, j, k, 1] from voxel indices as
 * stored to RAS+ mm | null, and "orientation": {"stored", "shown" (where i, j, k, and columns, rows, frames lead: "RAS"
 * is right, front, head), "from", "swapped", "flipped"} | null. A TIFF has "otherPages", which are not frames. Ended by
 * nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_image_json(const nsc_image *image, char **out, nsc_error *err);

/*
 * A copy of a DICOM file without what says whom it shows, when and where: all but a list of attributes is left out
 * (what is needed to show and measure the pixels), UIDs are replaced. It satisfies PS3.15 annex E, Basic Application
 * Level Confidentiality Profile, but for what is written into the pixels. `key` decides the new UIDs: the same key for
 * the files of a study, a random one for each study. Pixels stay as stored. *bytes is ended by nsc_text_free. Errors:
 * ARGUMENT, UNSUPPORTED for other formats, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_image_deidentify(const nsc_image *image, uint64_t key, char **bytes, size_t *size,
                                                nsc_error *err);

/* ---- synthetic pictures ------------------------------------------------------------------------------------------ */

/*
 * Phantom number N of a seed: a computed axial CT slice of an abdomen, with or without one liver lesion, whose truth is
 * known. No person was scanned, and every file says so. The same arguments give the same bytes in every build.
 *
 * `options` = {"number": 1..999999 (1), "size": 64..1024 pixels a side (256), "lesion": false, "contrast": [from, to]
 * HU against the liver ([-110, -60]), "diameter": [from, to] mm ([30, 60]), "noise": HU, standard deviation in the
 * middle (12)}; NULL for the defaults. Numbers differ in anatomy, contrast medium, noise and lesion. Errors: ARGUMENT,
 * MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_phantom_create(uint32_t seed, const char *options, nsc_image **out, nsc_error *err);

/*
 * The same as a DICOM file (CT Image Storage, Explicit VR Little Endian). *truth, when asked for (else NULL):
 * {"number", "size", "spacing": mm, "enhanced", "lesion": null | {"x", "y": mm from the centre of the first pixel, to
 * the right and down, "diameter": mm, "contrast": HU}}. *bytes and *truth are ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_phantom_file(uint32_t seed, const char *options, char **bytes, size_t *size,
                                            char **truth, nsc_error *err);

#ifdef __cplusplus
}
#endif

#endif
