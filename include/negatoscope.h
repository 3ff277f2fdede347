/*
 * Negatoscope: medical images to classified results, in C.
 *
 *   bytes -> nsc_image -> (recipe) tensor -> nsc_classifier -> scores -> result
 *
 *   nsc_error err = {0};
 *   nsc_source *src;  nsc_image *image;  nsc_model *model;  nsc_classifier *c;  char *json;
 *   if (nsc_source_from_bytes(bytes, size, &src, &err) != NSC_OK ||
 *       nsc_image_open(src, NULL, &image, &err) != NSC_OK)      // the image now owns src
 *     puts(err.text);
 *   nsc_model_open(model_src, &model, &err);                    // the model now owns model_src
 *   nsc_classifier_create(model, NULL, &c, &err);               // borrows the model
 *   nsc_classifier_run(c, image, 0, &result, &err);
 *
 * Conventions
 *   - Every call that can fail returns nsc_status and takes an nsc_error last, which may be NULL. The first error
 *     written into a cleared nsc_error stays. Outputs are set on success only.
 *   - `create`/`open` give the caller an object that `free` ends; free of NULL does nothing.
 *   - Text is UTF-8. Sizes are in bytes unless the name says otherwise. Images are rows from the top, pixels from the
 *     left, channels interleaved. Tensors that cross this header are float32, NHWC.
 *   - Objects are not locked: one thread at a time each. Distinct objects are independent.
 *   - The library never prints, exits or aborts because of what a file holds.
 */
#ifndef NEGATOSCOPE_H
#define NEGATOSCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define NSC_WARN_UNUSED __attribute__((warn_unused_result))
#define NSC_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define NSC_WARN_UNUSED
#define NSC_PRINTF(f, a)
#endif

/* ---- status and error ------------------------------------------------------------------------------------------- */

/* Numbers are part of the interface: they are never changed, only added to. */
typedef enum nsc_status {
  NSC_OK = 0,
  NSC_ERROR_ARGUMENT = 1,       /* the caller broke this header's rules */
  NSC_ERROR_MEMORY = 2,         /* an allocation failed */
  NSC_ERROR_LIMIT = 3,          /* the file asks for more than a limit in the options allows */
  NSC_ERROR_TRUNCATED = 4,      /* the file ends before what it announces */
  NSC_ERROR_CORRUPT = 5,        /* the file contradicts its own format */
  NSC_ERROR_UNKNOWN_FORMAT = 6, /* no reader recognises the content */
  NSC_ERROR_UNSUPPORTED = 7,    /* recognised, but this part of the format is not implemented */
  NSC_ERROR_NO_PIXELS = 8,      /* a valid file without an image (a DICOM report, a DICOMDIR) */
  NSC_ERROR_OPERATOR = 9,       /* the model has an operator, or a form of one, that is not implemented */
  NSC_ERROR_SHAPE = 10,         /* tensor shapes of the model do not fit together, or do not fit the input */
  NSC_ERROR_RECIPE = 11,        /* the model does not say, or says wrongly, how its input is made */
  NSC_ERROR_CANCELLED = 12,     /* the caller asked to stop */
  NSC_ERROR_IO = 13,            /* reading or writing a file failed (command line only) */
  NSC_ERROR_INTERNAL = 14       /* our own fault */
} nsc_status;

enum { NSC_STATUS_COUNT = 15, NSC_ERROR_TEXT = 256 };

/* Owned by the caller; {0} to begin with. Holds no pointer, so that reporting an error never allocates. */
typedef struct nsc_error {
  nsc_status status;
  char text[NSC_ERROR_TEXT]; /* one sentence, UTF-8, always terminated */
} nsc_error;

/* "NSC_ERROR_TRUNCATED" and so on; "NSC_ERROR_?" for a number that is none. Static storage. */
const char *nsc_status_name(nsc_status status);

/* "1.2.3". Static storage. */
const char *nsc_version(void);

/* Ends a text or JSON that a call below handed out. */
void nsc_text_free(char *text);

/* ---- sources: the bytes of a file ------------------------------------------------------------------------------- */

/* The bytes of one file. Filled piece by piece so that a stream is copied once, then handed to a reader that owns it.
 */
typedef struct nsc_source nsc_source;

/* An empty source that expects `size_hint` bytes (0 when unknown); more and fewer are fine. */
NSC_WARN_UNUSED nsc_status nsc_source_create(size_t size_hint, nsc_source **out, nsc_error *err);

/* Room for `size` more bytes; the pointer is valid until the next call on this source. */
NSC_WARN_UNUSED nsc_status nsc_source_reserve(nsc_source *source, size_t size, uint8_t **out, nsc_error *err);

/* Says that the first `size` bytes of the last reserve were written. */
NSC_WARN_UNUSED nsc_status nsc_source_commit(nsc_source *source, size_t size, nsc_error *err);

/* A source with a copy of `size` bytes. */
NSC_WARN_UNUSED nsc_status nsc_source_from_bytes(const void *bytes, size_t size, nsc_source **out, nsc_error *err);

void nsc_source_free(nsc_source *source);

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

/* ---- many files: headers, series, directories, archives ---------------------------------------------------------- */

/*
 * What a file is by its beginning, without its pixels: `bytes` are the first `size` of `file_size` bytes. JSON:
 * {"kind": "image" | "other" (DICOM without a picture) | "directory" (DICOMDIR) | "picture" | "archive" (ZIP) |
 * "unknown"}, and for DICOM {"patientName", "patientId", "study", "studyDate", "studyDescription", "series",
 * "seriesDescription", "modality", "sop", "space" (Frame of Reference): UIDs and texts | null, "seriesNumber",
 * "instance", "acquisition", "temporal", "trigger": ms, "frames", "rows", "columns", "location": mm, "position": [3]
 * mm, "orientation": [6] cosines (PS3.3 C.7.6.2), "spacing": [down, across] mm: numbers | null, "localizer"}. Nothing
 * behind group 0028 is read. Errors: TRUNCATED when more of the file is needed, ARGUMENT, CORRUPT, LIMIT, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_header_json(const uint8_t *bytes, size_t size, uint64_t file_size, char **out,
                                           nsc_error *err);

/* Files by patient, study and series. */
typedef struct nsc_index nsc_index;

NSC_WARN_UNUSED nsc_status nsc_index_create(nsc_index **out, nsc_error *err);
void nsc_index_free(nsc_index *index);

/* A file under the caller's own `key`; `facts` as of nsc_header_json. `path` (or NULL) orders what nothing else orders.
 * `key` NULL: the file is known from a DICOMDIR and missing. Errors: ARGUMENT, CORRUPT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_index_add(nsc_index *index, const char *key, const char *path, const char *facts,
                                         nsc_error *err);
void nsc_index_remove(nsc_index *index, const char *key);

/*
 * [{"patientName", "patientId", "uid", "date", "description", "series": [stack]}]: studies by patient and date, series
 * by number. A series is split into stacks ("part" of "parts") where orientation or size differ, scouts from slices,
 * and each multi-frame file for itself. A stack: {"uid", "description", "modality", "number", "part", "parts",
 * "localizer", "width", "height", "frames", "keys": in order, "spacing": mm | null, "positions": [mm along the normal]
 * | null, "space": Frame of Reference UID | null, "normal": unit vector | null, "gaps": [[index before, missing]],
 * "reports": [{"code", "count"}]}.
 *
 * The order is along the normal of the orientation (PS3.3 C.7.6.2.1.1), beginning where instance numbers begin; without
 * position by slice location, instance number, path. Codes: "missing" slices (against the median distance), "copies"
 * (of one instance), "times" (every position that often: the stacks follow one another), "repeated" (pictures at a
 * position that has one), "turned" (pictures each at an angle of its own: a stack without positions), "sizes" (of
 * pictures in the series), "absent" (files that a DICOMDIR names), "uneven" with "least" and "most" mm instead of a
 * count.
 */
NSC_WARN_UNUSED nsc_status nsc_index_json(const nsc_index *index, char **out, nsc_error *err);

/*
 * The images that a DICOMDIR names (PS3.3 F): [{"path": "FOLDER/FILE", "facts": as nsc_header_json as far as the
 * records tell}]. Links between records are followed; where they lead nowhere, the order of the file holds. Errors:
 * CORRUPT, TRUNCATED, UNKNOWN_FORMAT, LIMIT, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_dicomdir_json(const uint8_t *bytes, size_t size, char **out, nsc_error *err);

/* A ZIP archive with files to open. */
typedef struct nsc_archive nsc_archive;

/* What one is willing to unpack. A field of 0 means the default in its comment. */
typedef struct nsc_archive_options {
  uint64_t max_entry;   /* bytes of one file; default 1 GiB, as nsc_image_options.max_frame_bytes */
  uint64_t max_total;   /* bytes of all; default 4 GiB: the largest CT examinations */
  uint32_t max_entries; /* default 100000 */
  uint32_t max_ratio;   /* unpacked to packed; default 200 (pictures reach 20); below 256 MiB unpacked any will do */
} nsc_archive_options;

/* Takes `source` over on success. Errors: UNKNOWN_FORMAT, TRUNCATED, CORRUPT, UNSUPPORTED, LIMIT (names which), MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_archive_open(nsc_source *source, const nsc_archive_options *options, nsc_archive **out,
                                            nsc_error *err);
void nsc_archive_free(nsc_archive *archive);

/* [{"path", "size"}] of its files; folders and what macOS adds are left out. */
NSC_WARN_UNUSED nsc_status nsc_archive_json(const nsc_archive *archive, char **out, nsc_error *err);

/* File number `index` of that list, its checksum checked. *bytes are valid until the next read. Errors: UNSUPPORTED
 * (encrypted, another compression, an archive in the archive), CORRUPT, TRUNCATED, LIMIT, MEMORY, ARGUMENT. */
NSC_WARN_UNUSED nsc_status nsc_archive_read(nsc_archive *archive, uint32_t index, const uint8_t **bytes, size_t *size,
                                            nsc_error *err);

/* ---- looking at an image ---------------------------------------------------------------------------------------- */

/* How modality values become grey: PS3.3 C.11.2.1.2 and C.11.2.1.3. */
typedef enum nsc_voi_function { NSC_VOI_LINEAR = 0, NSC_VOI_LINEAR_EXACT = 1, NSC_VOI_SIGMOID = 2 } nsc_voi_function;

/* Colours for the shades of a grey picture: 0 is grey itself, 1 to 8 the well-known palettes of PS3.6 annex B.1. */
enum { NSC_COLOR_MAP_COUNT = 12 };

/* "grey", "hot-iron", "pet", "hot-metal-blue", "pet-20-step", "spring", "summer", "fall", "winter", "viridis",
 * "inferno", "magma". Static storage; "?" for a number that is none. */
const char *nsc_color_map_name(uint32_t map);

/* Colours a rendered grey picture, RGBA [pixels][4]: for one that went through filters first. */
void nsc_color_map_rgba(uint32_t map, uint8_t *rgba, size_t pixels);

/* One way to show an image. Only for the screen: a model never sees it. */
typedef struct nsc_view {
  uint32_t frame;
  int32_t voi_lut; /* index of one of the file's VOI LUTs, or -1 for the window below */
  nsc_voi_function function;
  double center, width; /* in modality units (HU for CT); width > 0, and at least 1 for LINEAR */
  bool invert;          /* on top of what MONOCHROME1 already asks for */
  uint32_t color_map;   /* of a grey image, below NSC_COLOR_MAP_COUNT; colour images stay as they are */
} nsc_view;

/* The file's first VOI window or LUT; without one, the full range of the frame's values, in a volume (NIfTI, MetaImage,
 * NRRD) of all its frames; 8-bit pictures 0..255. */
NSC_WARN_UNUSED nsc_status nsc_view_default(nsc_image *image, uint32_t frame, nsc_view *out, nsc_error *err);

/* The file's VOI window number `index` (0-based), as a view. */
NSC_WARN_UNUSED nsc_status nsc_view_window(const nsc_image *image, uint32_t index, nsc_view *out, nsc_error *err);

/* A window over the 1st to 99th percentile of a frame's values: for images whose own window shows nothing. */
NSC_WARN_UNUSED nsc_status nsc_view_auto(nsc_image *image, uint32_t frame, nsc_view *out, nsc_error *err);

/*
 * Renders a frame: modality LUT or rescale, VOI, inversion, to RGBA bytes [height][width][4], alpha 255. `size` is the
 * capacity of rgba and must be width * height * 4. Colour images pass through the window 0..2^bits-1 unless it was
 * moved.
 */
NSC_WARN_UNUSED nsc_status nsc_render(nsc_image *image, const nsc_view *view, uint8_t *rgba, size_t size,
                                      nsc_error *err);

/* The modality value (rescaled, HU for CT) of each channel at a pixel; `out` has room for 3. */
NSC_WARN_UNUSED nsc_status nsc_image_probe(nsc_image *image, uint32_t frame, uint32_t x, uint32_t y, double out[3],
                                           nsc_error *err);

/*
 * Overlay planes of a frame (PS3.3 C.9.2), all together: `mask` [height][width] becomes 1 where one is set and 0
 * elsewhere. `size` is its capacity. They are never part of the samples. Errors: ARGUMENT, MEMORY, those of decoding.
 */
NSC_WARN_UNUSED nsc_status nsc_image_overlays(const nsc_image *image, uint32_t frame, uint8_t *mask, size_t size,
                                              nsc_error *err);

/*
 * What the stored value of a pixel is in the real world (PS3.3 C.7.6.16.2.11): {"value", "unit": UCUM code, "meaning",
 * "label", "explanation", "first", "last", "slope", "intercept" (null: by a table)}, or null where the file maps
 * nothing. Ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_image_real_world_json(nsc_image *image, uint32_t frame, uint32_t x, uint32_t y,
                                                     char **out, nsc_error *err);

/* ---- where pictures lie, and planes through a stack of them -------------------------------------------------------
 */

/*
 * Places are in mm in the patient's coordinates as DICOM has them (PS3.3 C.7.6.2.1.1): x grows to the left, y to the
 * back, z to the head. Pixels are counted as in measuring: the first one reaches from 0 to 1 in both directions.
 */

/* The place of a pixel. Errors: ARGUMENT, UNSUPPORTED where the file does not say. */
NSC_WARN_UNUSED nsc_status nsc_image_position(const nsc_image *image, uint32_t frame, const double pixel[2],
                                              double mm[3], nsc_error *err);

/* The frame that is nearest to a place, and the foot of the perpendicular in its pixels, which may lie outside. Errors:
 * ARGUMENT, UNSUPPORTED where the file does not say. */
NSC_WARN_UNUSED nsc_status nsc_image_point(const nsc_image *image, const double mm[3], uint32_t *frame, double pixel[2],
                                           nsc_error *err);

/*
 * A reference line: where the plane of one picture cuts another, `image`, from (line[0], line[1]) to (line[2], line[3])
 * in its pixels, cut off at its edges. False where they do not meet, are parallel, or do not lie in one frame of
 * reference (PS3.3 C.7.4.1).
 */
bool nsc_image_cut(const nsc_image *image, uint32_t frame, const nsc_image *other, uint32_t other_frame,
                   double line[4]);

/*
 * A stack of slices to be looked at in other planes. Pictures are announced, the plan is made, each slice filled,
 * planes opened:
 *
 *   nsc_reformat *r;  nsc_image *coronal;
 *   nsc_reformat_create(NULL, &r, &err);
 *   nsc_reformat_announce_image(r, image, &err);
 *   nsc_reformat_plan(r, 0, image, &err);                       // NSC_ERROR_LIMIT: too large; UNSUPPORTED: no grid
 *   for (k = 0; k < slices; k++) nsc_reformat_fill(r, k, image, pictures[k], &err);
 *   nsc_reformat_open_plane(r, NSC_PLANE_CORONAL, &coronal, &err);
 *   nsc_reformat_free(r);                                       // its planes hold what they need
 *
 * One thread at a time for the object and all its planes together.
 */
typedef struct nsc_reformat nsc_reformat;

/* A field of 0 means the default in its comment. */
typedef struct nsc_reformat_options {
  uint64_t max_bytes; /* of voxels; default 1 GiB: 2,048 slices of 512 x 512 */
} nsc_reformat_options;

NSC_WARN_UNUSED nsc_status nsc_reformat_create(const nsc_reformat_options *options, nsc_reformat **out, nsc_error *err);
void nsc_reformat_free(nsc_reformat *reformat);

/* A file of the index, known by its header alone. Announced pictures are numbered from 0. Errors: ARGUMENT, CORRUPT,
 * MEMORY, UNSUPPORTED where it does not say where it lies or has several frames. */
NSC_WARN_UNUSED nsc_status nsc_reformat_announce(nsc_reformat *reformat, const nsc_index *index, const char *key,
                                                 nsc_error *err);
/* All frames of an image. Errors: ARGUMENT, MEMORY, UNSUPPORTED. */
NSC_WARN_UNUSED nsc_status nsc_reformat_announce_image(nsc_reformat *reformat, const nsc_image *image, nsc_error *err);

/*
 * Makes a grid of what was announced: parallel slices of one size, in one line, at even distances. Missing slices are
 * allowed (distances are whole multiples of the usual one; values are interpolated over the gap), and so is a way from
 * slice to slice that is not at right angles to them (a tilted gantry). Where several pictures lie at one place, those
 * are taken that come as late there as picture number `chosen`. `sample` is any of the pictures, opened: windows, unit
 * and the width of its samples are taken from it. Errors: ARGUMENT, MEMORY, UNSUPPORTED with what is odd, LIMIT with
 * the bytes that the voxels would take.
 */
NSC_WARN_UNUSED nsc_status nsc_reformat_plan(nsc_reformat *reformat, uint32_t chosen, const nsc_image *sample,
                                             nsc_error *err);

/* The plan: {"columns", "rows", "slices", "missing", "tilt": degrees, "bytes", "spacing": [3] mm, "pictures": the
 * number of the picture that slice k is}. */
NSC_WARN_UNUSED nsc_status nsc_reformat_json(const nsc_reformat *reformat, char **out, nsc_error *err);

/* Decodes slice number `slice` of the plan from the picture that it is. Errors: ARGUMENT, CORRUPT, LIMIT (values that
 * need 32 bits after all), MEMORY, and those of nsc_image_frame. */
NSC_WARN_UNUSED nsc_status nsc_reformat_fill(nsc_reformat *reformat, uint32_t slice, nsc_image *image, uint32_t frame,
                                             nsc_error *err);

typedef enum nsc_plane_kind {
  NSC_PLANE_AXIAL = 0,   /* seen from the feet */
  NSC_PLANE_CORONAL = 1, /* from the front */
  NSC_PLANE_SAGITTAL = 2 /* from the patient's left */
} nsc_plane_kind;

enum { NSC_PLANE_KIND_COUNT = 3 };

/* "axial", ... Static storage. */
const char *nsc_plane_kind_name(nsc_plane_kind kind);

/*
 * Planes along the patient's axes as an image: its frames are computed when asked for, as modality values in float32
 * (NaN outside the volume), linear between voxels. Pixels are squares of the finest voxel side in the plane. The image
 * has no format; its JSON has "plane": the kind's name. All slices must be filled. Errors: ARGUMENT, LIMIT, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_reformat_open_plane(nsc_reformat *reformat, nsc_plane_kind kind, nsc_image **out,
                                                   nsc_error *err);

typedef enum nsc_projection {
  NSC_PROJECTION_MAXIMUM = 0, /* MIP */
  NSC_PROJECTION_MINIMUM = 1,
  NSC_PROJECTION_MEAN = 2
} nsc_projection;

enum { NSC_PROJECTION_COUNT = 3, NSC_SLAB_MOST = 10000 /* mm: more than anything that is scanned */ };

/* "maximum", "minimum", "mean". Static storage. */
const char *nsc_projection_name(nsc_projection projection);

/* How a plane sees what lies up to `thickness` / 2 mm in front of it and behind it; 0: the plane alone. Frames are
 * computed anew. Errors: ARGUMENT, also where the image is no plane. */
NSC_WARN_UNUSED nsc_status nsc_plane_set_slab(nsc_image *plane, double thickness, nsc_projection projection,
                                              nsc_error *err);

/* ---- measuring -------------------------------------------------------------------------------------------------- */

typedef enum nsc_measure_kind {
  NSC_MEASURE_LENGTH = 0,    /* two points */
  NSC_MEASURE_ANGLE = 1,     /* three points; the corner is the second */
  NSC_MEASURE_COBB = 2,      /* four points: the angle between two lines, 0 to 90 degrees (Cobb 1948) */
  NSC_MEASURE_RECTANGLE = 3, /* two opposite corners */
  NSC_MEASURE_ELLIPSE = 4,   /* two opposite corners of the rectangle around it */
  NSC_MEASURE_POLYGON = 5    /* three corners or more; where it crosses itself, what is enclosed twice is outside */
} nsc_measure_kind;

enum { NSC_MEASURE_KIND_COUNT = 6, NSC_MEASURE_POINTS_MAX = 4096 /* a hand draws hundreds */ };

/* "length", "angle", ... Static storage. */
const char *nsc_measure_kind_name(nsc_measure_kind kind);

/*
 * Measures in a frame. `points` [count][2] are x and y in pixels, the picture's first pixel reaching from 0 to 1 in
 * both. JSON:
 *
 *   length     {"length": mm | null without spacing, "pixels"}
 *   angle, cobb {"degrees" | null where a side has no length}, in millimetres where the file gives spacing
 *   regions    statistics of the modality values of the pixels whose centres lie in it: {"pixels", "padding": those
 * that the file marks as no picture, left out, "area": mm^2 | null, "unit": "HU" | null, "channels": [{"mean", "sd"
 * (with n, not n - 1), "min", "max", "median"}] | null without a pixel, "histogram": {"from", "to", "counts": [64 bins
 * of the first channel]}}
 *
 * Errors: ARGUMENT, MEMORY and those of nsc_image_frame.
 */
NSC_WARN_UNUSED nsc_status nsc_measure_json(nsc_image *image, uint32_t frame, nsc_measure_kind kind,
                                            const double *points, uint32_t count, char **out, nsc_error *err);

/*
 * Measurements as a DICOM structured report: Comprehensive SR after TID 1500 of PS3.16, values with units in UCUM, each
 * with the points and the picture it was measured on. Open it, add what was measured, write it.
 */
typedef struct nsc_report nsc_report;

/* `key` [2] decides the UIDs: random, another one for each report. Errors: ARGUMENT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_report_create(const uint64_t key[2], nsc_report **out, nsc_error *err);
void nsc_report_free(nsc_report *report);

/*
 * Measures as nsc_measure_json and takes the result in. `label` (UTF-8, or NULL) names it. The image must be a DICOM
 * file with the UIDs to refer to, of the same patient as those before. Errors: UNSUPPORTED (says which of it), LIMIT,
 * and those of nsc_measure_json.
 */
NSC_WARN_UNUSED nsc_status nsc_report_add(nsc_report *report, nsc_image *image, uint32_t frame, nsc_measure_kind kind,
                                          const double *points, uint32_t count, const char *label, nsc_error *err);

/*
 * The file, Explicit VR Little Endian. `now` is "YYYYMMDDHHMMSS". `nameless` leaves out patient, dates and numbers of
 * the study; UIDs stay, for a report without them refers to nothing. *bytes is ended by nsc_text_free. Errors: ARGUMENT
 * (also for a report without measurements), MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_report_write(const nsc_report *report, const char *now, bool nameless, char **bytes,
                                            size_t *size, nsc_error *err);

/* ---- steps: filters on a picture --------------------------------------------------------------------------------- */

/* Each parameter's name, bounds and default: nsc_steps_known_json. Sources are named in src/image/filter.h. */
typedef enum nsc_filter_kind {
  NSC_FILTER_GREY = 0,        /* ITU-R BT.601 luma in all channels */
  NSC_FILTER_INVERT = 1,      /* 1 - x */
  NSC_FILTER_NORMALISE = 2,   /* smallest..largest value to 0..1 */
  NSC_FILTER_STANDARDISE = 3, /* the mean to 0.5, `deviations` below and above it to 0 and 1 */
  NSC_FILTER_BINARISE = 4,    /* 1 at `threshold` and above, else 0 */
  NSC_FILTER_OTSU = 5,        /* the same, with Otsu's threshold */
  NSC_FILTER_EQUALISE = 6,    /* histogram equalisation over 256 levels */
  NSC_FILTER_CLAHE = 7,       /* contrast limited adaptive: `clip` times the mean bin, `tiles` x `tiles` */
  NSC_FILTER_MEDIAN = 8,      /* of `size` x `size` pixels: 3, 5 or 7 */
  NSC_FILTER_GAUSSIAN = 9,    /* `sigma` in pixels */
  NSC_FILTER_SHARPEN = 10,    /* unsharp mask: `sigma` in pixels, `amount` */
  NSC_FILTER_SOBEL = 11,      /* length of the gradient; a straight edge from 0 to 1 is 1 */
  NSC_FILTER_CANNY = 12       /* edges as 1: `sigma` in pixels, `low` and `high` as lengths of that gradient */
} nsc_filter_kind;

enum { NSC_STEPS_MAX = 8, NSC_FILTER_VALUES = 3 };

typedef struct nsc_filter {
  nsc_filter_kind kind;
  double values[NSC_FILTER_VALUES]; /* its parameters, in the order above */
} nsc_filter;

/* Applied in this order. {0}: none. */
typedef struct nsc_steps {
  uint32_t count;
  nsc_filter list[NSC_STEPS_MAX];
} nsc_steps;

/* Reads [{"step":"median","size":3},{"step":"clahe","clip":2,"tiles":8}]: at most NSC_STEPS_MAX, parameters left out
 * have their defaults. Errors: ARGUMENT, naming step and parameter. */
NSC_WARN_UNUSED nsc_status nsc_steps_parse(const char *json, size_t size, nsc_steps *out, nsc_error *err);

/* The list that nsc_steps_parse reads, every parameter written. Ended by nsc_text_free. */
NSC_WARN_UNUSED nsc_status nsc_steps_json(const nsc_steps *steps, char **out, nsc_error *err);

/*
 * What a form needs: [{"step","parameters":[{"name","least","most","by","default"}]}], in the order of nsc_filter_kind.
 * `by`: 0 for any number, else the value is `least` plus a whole multiple of it. Ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_steps_known_json(char **out, nsc_error *err);

/*
 * Applies the steps to floats 0..1, [height][width][channels] with 1 or 3 channels, in place. Thresholds and edges look
 * at colour's luma and give grey; equalise and CLAHE move all channels by as much as the luma. Beyond its edge a
 * picture is mirrored. Errors: ARGUMENT, LIMIT, MEMORY, naming the step.
 */
NSC_WARN_UNUSED nsc_status nsc_steps_apply(const nsc_steps *steps, float *values, uint32_t width, uint32_t height,
                                           uint32_t channels, nsc_error *err);

/* The same for a rendered picture, RGBA bytes [height][width][4] of `size` bytes; alpha stays. For the screen only. */
NSC_WARN_UNUSED nsc_status nsc_filter_rgba(const nsc_steps *steps, uint8_t *rgba, uint32_t width, uint32_t height,
                                           size_t size, nsc_error *err);

/* ---- pictures on a screen ---------------------------------------------------------------------------------------- */

/* How pixels between pixels are made. Lanczos has three lobes; both smooth ones average where a picture shrinks. */
typedef enum nsc_smoothing { NSC_SMOOTH_NEAREST = 0, NSC_SMOOTH_LINEAR = 1, NSC_SMOOTH_LANCZOS = 2 } nsc_smoothing;

/* Where a picture lies on a screen of width x height pixels. */
typedef struct nsc_placement {
  uint32_t width, height;  /* 1 to 16384 */
  double x, y;             /* where the picture's centre lies, from the screen's left upper corner */
  double scale_x, scale_y; /* pixels of the screen for a column and a row of the picture, before it is turned */
  uint32_t turn;           /* quarters clockwise, 0 to 3, after mirroring */
  bool mirrored;           /* left and right */
  nsc_smoothing smoothing;
} nsc_placement;

/* Renders onto one part of a page. It keeps what it resampled last: moving the window or inverting is then cheap. Not
 * for several threads at once. */
typedef struct nsc_screen nsc_screen;
NSC_WARN_UNUSED nsc_status nsc_screen_create(nsc_screen **out, nsc_error *err);
void nsc_screen_free(nsc_screen *screen);

/*
 * Renders a frame as it is seen: RGBA bytes [placement height][placement width][4], black beside the picture, alpha
 * 255. `size` is the capacity of rgba, which is aligned to 4 bytes. The samples are resampled before they pass through
 * the window; Lanczos' overshoot is cut to the range of the samples next to a place. `steps`: filters on the windowed
 * picture before it is placed, as nsc_filter_rgba; NULL for none.
 */
NSC_WARN_UNUSED nsc_status nsc_screen_render(nsc_screen *screen, nsc_image *image, const nsc_view *view,
                                             const nsc_steps *steps, const nsc_placement *placement, uint8_t *rgba,
                                             size_t size, nsc_error *err);

/* ---- recipes: how a model wants its input ----------------------------------------------------------------------- */

typedef enum nsc_fit {
  NSC_FIT_STRETCH = 0, /* to width x height, aspect ratio not kept */
  NSC_FIT_CROP = 1,    /* the shorter side to size * 1/crop_scale, then the centre */
  NSC_FIT_PAD = 2      /* the longer side to size, the rest filled with black, image centred */
} nsc_fit;

/* Which values become 0 and 1 before mean and std. All depend on the file alone, never on a screen. */
typedef enum nsc_range_kind {
  NSC_RANGE_VOI = 0,        /* as nsc_view_default: the file's own first window or LUT, else a range of its values */
  NSC_RANGE_WINDOW = 1,     /* modality values low..high, e.g. -1000..400 HU */
  NSC_RANGE_FRAME = 2,      /* smallest..largest value of the frame */
  NSC_RANGE_PERCENTILE = 3, /* low..high percentile of the frame's values */
  NSC_RANGE_TYPE = 4        /* what the significant bits can hold: 0..255, 0..4095, -32768..32767, ... */
} nsc_range_kind;

typedef struct nsc_recipe {
  uint32_t width, height; /* of the model's input, 1 to 4096 */
  uint32_t channels;      /* 1 (colour becomes ITU-R 601 luma, as in Pillow's "L") or 3 (grey is repeated) */
  nsc_fit fit;
  double crop_scale; /* for NSC_FIT_CROP: 0.875 resizes 256 for 224; 1 takes the whole shorter side */
  nsc_range_kind range;
  double low, high;      /* for NSC_RANGE_WINDOW (modality units) and NSC_RANGE_PERCENTILE (0..100) */
  bool invert;           /* models trained on films where bone is black */
  nsc_steps steps;       /* filters, at the model's size, on 0..1 */
  float scale;           /* multiplies 0..1 before mean and std; 1, or 255, or 2048 with mean 1024 (TorchXRayVision) */
  float mean[3], std[3]; /* (x * scale - mean) / std, per channel */
} nsc_recipe;

/*
 * Reads the JSON of the model metadata `nsc.input`:
 * {"width":224,"height":224,"channels":3,"fit":"crop","cropScale":0.875,
 *  "range":{"kind":"window","low":-1000,"high":400},"invert":false,
 *  "steps":[{"step":"median","size":3}],"scale":1,"mean":[..],"std":[..]}
 * fit: stretch (default), crop, pad. kind: voi (default), window, frame, percentile, type. Errors: RECIPE, with the
 * field's name.
 */
NSC_WARN_UNUSED nsc_status nsc_recipe_parse(const char *json, size_t size, nsc_recipe *out, nsc_error *err);

/* The recipe as the JSON that nsc_recipe_parse reads, every field written but an empty `steps`. Ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_recipe_json(const nsc_recipe *recipe, char **out, nsc_error *err);

/* A preset for models without metadata: "imagenet", "0-1", "-1-1", "torchxrayvision". Size and channels are kept. */
NSC_WARN_UNUSED nsc_status nsc_recipe_preset(const char *name, nsc_recipe *inout, nsc_error *err);

/*
 * One frame to the model's input: modality values -> range 0..1 -> luma or RGB -> antialiased bilinear resize (equal to
 * Pillow's within 1/255) -> crop or pad -> steps -> scale, mean, std. `out` is [height][width][channels], `count` its
 * floats.
 */
NSC_WARN_UNUSED nsc_status nsc_preprocess(nsc_image *image, uint32_t frame, const nsc_recipe *recipe, float *out,
                                          size_t count, nsc_error *err);

/* "What the model saw": the same, before mean and std, as RGBA bytes [height][width][4]. */
NSC_WARN_UNUSED nsc_status nsc_preprocess_preview(nsc_image *image, uint32_t frame, const nsc_recipe *recipe,
                                                  uint8_t *rgba, size_t size, nsc_error *err);

/* ---- models ----------------------------------------------------------------------------------------------------- */

typedef enum nsc_type {
  NSC_TYPE_F32 = 0,
  NSC_TYPE_I64 = 1,
  NSC_TYPE_I32 = 2,
  NSC_TYPE_BOOL = 3,
  NSC_TYPE_U8 = 4,
  NSC_TYPE_I8 = 5,
  NSC_TYPE_F16 = 6,
  NSC_TYPE_F64 = 7
} nsc_type;

enum { NSC_MAX_RANK = 8 };

/* A shape and type, as ONNX counts them (a picture is N, C, H, W). */
typedef struct nsc_tensor_info {
  const char *name; /* points into the session */
  nsc_type type;
  uint32_t rank;
  int64_t dims[NSC_MAX_RANK];
} nsc_tensor_info;

/* An ONNX model, parsed; it owns the file's bytes and points into them. */
typedef struct nsc_model nsc_model;

/* Parses. Takes `source` over on success. Errors: UNKNOWN_FORMAT, TRUNCATED, CORRUPT, UNSUPPORTED, LIMIT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_model_open(nsc_source *source, nsc_model **out, nsc_error *err);

void nsc_model_free(nsc_model *model);

/*
 * Weights may be in files beside the model (ONNX's external data). nsc_model_open names them: paths with '/' that stay
 * inside of the model's folder, the same as long as the model. Each must be added before a session can be made; the
 * source is taken over on success. Errors: ARGUMENT (a name that the model does not have, or twice), TRUNCATED (the
 * file is shorter than the model says). NULL for an index without a file.
 */
uint32_t nsc_model_file_count(const nsc_model *model);
const char *nsc_model_file_name(const nsc_model *model, uint32_t index);
NSC_WARN_UNUSED nsc_status nsc_model_add_file(nsc_model *model, const char *name, nsc_source *source, nsc_error *err);

/* A value of metadata_props, or NULL. Points into the model. */
const char *nsc_model_metadata(const nsc_model *model, const char *key, size_t *size);

/* Inputs that the caller must give, as the file declares them: -1 stands for an open dimension, rank 0 for no shape. */
/* Bytes of its file. */
size_t nsc_model_bytes(const nsc_model *model);
uint32_t nsc_model_input_count(const nsc_model *model);
NSC_WARN_UNUSED nsc_status nsc_model_input_info(const nsc_model *model, uint32_t index, nsc_tensor_info *out,
                                                nsc_error *err);

/*
 * {"name","title","producer","opset","nodes","parameters","weightBytes","files":[{"name","there"}],
 *  "inputs":[{"name","type","shape"}],
 *  "outputs":[..],"labels":[..] | null,"task","recipe":{..} |
 * null,"threshold","temperature","advice","limits","license", "operators":{"Conv":20,...}}. Dimensions that the file
 * leaves open are strings. Ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_model_json(const nsc_model *model, char **out, nsc_error *err);

/* ---- sessions: a model made ready to run on fixed shapes --------------------------------------------------------- */

/*
 * The same network with other words about itself: `facts` is a JSON object of "name", "title", "limits", "license",
 * "task", "output", "labels", "threshold", "temperature", "advice", "input" as in the metadata `nsc.*`
 * (docs/MODEL-FORMAT.md); null removes one, what is not named stays. *bytes is ended by nsc_text_free. Errors: ARGUMENT
 * (an unknown name), RECIPE (the words contradict each other), and those of nsc_model_open.
 */
NSC_WARN_UNUSED nsc_status nsc_model_describe(const uint8_t *file, size_t file_size, const char *facts, char **bytes,
                                              size_t *size, nsc_error *err);

/* Whether quantised models are computed with integers. */
typedef enum nsc_integers {
  NSC_INTEGERS_WHERE_FASTER = 0, /* as a short measurement says, made once for the program */
  NSC_INTEGERS_ALWAYS = 1,
  NSC_INTEGERS_NEVER = 2 /* in float32, cut to the same ranges but not rounded */
} nsc_integers;

typedef struct nsc_session_options {
  uint32_t threads;              /* 0 or 1: the calling thread alone */
  uint32_t input_count;          /* shapes given below, in the order of the model's inputs; 0: as the model says */
  const nsc_tensor_info *inputs; /* rank and dims for inputs whose shape the model leaves open */
  const void *const *constants;  /* NULL, or for each of the model's inputs its fixed elements or NULL: shapes and axes
                                    that some models take as inputs, weights in tests. Copied */
  uint64_t max_bytes;            /* weights and activations together; default 2 GiB. LIMIT when the plan needs more */
  bool stock;                    /* XNNPACK's own operators in the place of faster ones: to compare */
  nsc_integers integers;
} nsc_session_options;

typedef struct nsc_session nsc_session;

/*
 * Lowers the model to a plan of XNNPACK operators: constants folded, batch norm and activations fused, buffers shared
 * by lifetime. `options` may be NULL. The model must outlive the session. Errors: OPERATOR (names node and operator),
 * SHAPE, LIMIT, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_session_create(const nsc_model *model, const nsc_session_options *options,
                                              nsc_session **out, nsc_error *err);

void nsc_session_free(nsc_session *session);

uint32_t nsc_session_input_count(const nsc_session *session);
uint32_t nsc_session_output_count(const nsc_session *session);
void nsc_session_input_info(const nsc_session *session, uint32_t index, nsc_tensor_info *out);
void nsc_session_output_info(const nsc_session *session, uint32_t index, nsc_tensor_info *out);

/*
 * Where an input goes and an output stands, in ONNX's order (N, C, H, W), with the type of its info; `size` is in
 * bytes. Writing an input and reading an output copy once.
 */
NSC_WARN_UNUSED nsc_status nsc_session_set_input(nsc_session *session, uint32_t index, const void *data, size_t size,
                                                 nsc_error *err);
/* The same for a 4-D float input given as N, H, W, C: no transpose anywhere. */
NSC_WARN_UNUSED nsc_status nsc_session_set_input_nhwc(nsc_session *session, uint32_t index, const float *data,
                                                      size_t count, nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_session_get_output(nsc_session *session, uint32_t index, void *data, size_t size,
                                                  nsc_error *err);

/* Runs once. `cancel`, when not NULL, is looked at between operators: non-zero stops with CANCELLED. */
NSC_WARN_UNUSED nsc_status nsc_session_run(nsc_session *session, const volatile int32_t *cancel, nsc_error *err);

/*
 * The last run, step by step: {"threads","ms","arenaBytes","packedBytes","steps":[{"name": of the node,"kind": how it is
 * computed,"output":[dims],"ms","macs": multiply-adds of a plain computation,"bytes": of weights, inputs and outputs}]}.
 * A node may be several steps.
 */
NSC_WARN_UNUSED nsc_status nsc_session_json(const nsc_session *session, char **out, nsc_error *err);

/* ---- classification: image -> tensor -> scores -> result --------------------------------------------------------- */

typedef enum nsc_task {
  NSC_TASK_SINGLE = 0, /* exactly one label is true: softmax */
  NSC_TASK_MULTI = 1,  /* each label for itself: sigmoid */
  NSC_TASK_BINARY = 2  /* labels[0] absent, labels[1] present: one sigmoid output or a softmax of two */
} nsc_task;

typedef struct nsc_classifier_options {
  uint32_t threads;
  const char *recipe_json; /* for foreign models: replaces `nsc.input`; NULL to use the model's own */
  const char *labels_json; /* likewise for `nsc.labels`, ["a","b"]; without either, "0", "1", ... */
  const char *output;      /* likewise for `nsc.output`: "logits" or "probabilities" */
} nsc_classifier_options;

/* Model, recipe, labels, thresholds and a session, together. */
typedef struct nsc_classifier nsc_classifier;

/* The model must outlive the classifier. Errors: as nsc_session_create, and RECIPE. */
NSC_WARN_UNUSED nsc_status nsc_classifier_create(const nsc_model *model, const nsc_classifier_options *options,
                                                 nsc_classifier **out, nsc_error *err);

void nsc_classifier_free(nsc_classifier *classifier);
/* The network's last run, step by step, as nsc_session_json. */
NSC_WARN_UNUSED nsc_status nsc_classifier_profile(const nsc_classifier *classifier, char **out, nsc_error *err);

const nsc_recipe *nsc_classifier_recipe(const nsc_classifier *classifier);

/* Everything points into the classifier and stays valid until its next run. */
typedef struct nsc_result {
  nsc_task task;
  uint32_t count;            /* labels */
  const char *const *labels; /* [count] */
  const float *scores;       /* [count] probabilities, after temperature */
  const float *thresholds;   /* [count]; for single the first is 0 (the largest score wins) */
  uint32_t verdict; /* single: the best label; binary: 0 or 1; multi: index of the highest score at or above its
                       threshold, or `count` when none is */
  double decode_ms, preprocess_ms, inference_ms;
} nsc_result;

/* A result without scores: labels, task and thresholds are known before anything is classified. */
void nsc_classifier_blank_result(const nsc_classifier *classifier, nsc_result *out);

/* Classifies one frame. `cancel` as in nsc_session_run. */
NSC_WARN_UNUSED nsc_status nsc_classifier_run(nsc_classifier *classifier, nsc_image *image, uint32_t frame,
                                              const volatile int32_t *cancel, nsc_result *out, nsc_error *err);

/*
 * {"model","task","scores":{label: p},"threshold","verdict","advice","ms":{"decode","preprocess","inference"}} of a
 * result. `threshold` is a number for binary, an object for multi, null for single. Ended by nsc_text_free.
 */
NSC_WARN_UNUSED nsc_status nsc_result_json(const nsc_classifier *classifier, const nsc_result *result, char **out,
                                           nsc_error *err);

/* ---- quantisation: a smaller, faster model from a float one ------------------------------------------------------ */

/* How the range of an activation is chosen from what calibration saw. */
typedef enum nsc_quantize_method {
  NSC_QUANTIZE_MINMAX = 0,     /* the smallest and the largest value */
  NSC_QUANTIZE_PERCENTILE = 1, /* all but the outermost */
  NSC_QUANTIZE_MSE = 2,        /* the smallest squared error */
  NSC_QUANTIZE_ENTROPY = 3     /* the smallest divergence between the distributions before and after */
} nsc_quantize_method;

/* "minmax", "percentile", "mse" or "entropy"; false for any other word. */
bool nsc_quantize_method_named(const char *name, nsc_quantize_method *out);

typedef enum nsc_weight_storage {
  NSC_WEIGHTS_F16 = 0, /* half the bytes */
  NSC_WEIGHTS_INT8 = 1 /* a quarter */
} nsc_weight_storage;

typedef struct nsc_quantize_options {
  nsc_quantize_method method;
  double percentile; /* of PERCENTILE, above 50 up to 100; 0: 99.99 */
  bool float_first;  /* the first layer stays in float */
  uint32_t keep_count;
  const char *const *keep; /* names of nodes that stay in float; * and ? stand for any characters */
} nsc_quantize_options;

/*
 * Post-training quantisation: pictures go through the model's recipe and the float model, what flows between its layers
 * is counted, and a model with QuantizeLinear and DequantizeLinear (QDQ) comes out, which other engines open, too. It
 * keeps all metadata and gains `nsc.quantization`. Nothing of a picture is kept but counts.
 */
typedef struct nsc_quantization nsc_quantization;

/* The model must outlive it. `classifier` as in nsc_classifier_create; both options may be NULL. Errors: those of
 * nsc_classifier_create, UNSUPPORTED for a model in which nothing can be quantised, ARGUMENT. */
NSC_WARN_UNUSED nsc_status nsc_quantization_create(const nsc_model *model, const nsc_classifier_options *classifier,
                                                   const nsc_quantize_options *options, nsc_quantization **out,
                                                   nsc_error *err);
/* Counts what one frame makes of the model. Errors: those of nsc_classifier_run. */
NSC_WARN_UNUSED nsc_status nsc_quantization_add(nsc_quantization *q, nsc_image *image, uint32_t frame, nsc_error *err);
/* The quantised model, ended by nsc_text_free. Errors: ARGUMENT before the first frame, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_quantization_finish(nsc_quantization *q, char **bytes, size_t *size, nsc_error *err);
void nsc_quantization_free(nsc_quantization *q);

/* The same model with weights in fewer bytes, computed in float32 as before; no pictures needed. */
NSC_WARN_UNUSED nsc_status nsc_quantize_weights(const nsc_model *model, nsc_weight_storage storage, char **bytes,
                                                size_t *size, nsc_error *err);

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

/* ---- for bindings ------------------------------------------------------------------------------------------------ */

/*
 * What a user interface must know without repeating it: {"version","build","statuses":{name: number},"limits":{..},
 * "voiFunctions":[..],"windowPresets":[{"name","modality","center","width"}],"recipePresets":[..],
 * "filters": as nsc_steps_known_json, "measures": [names in the order of nsc_measure_kind]}. limits.steps is
 * NSC_STEPS_MAX.
 */
NSC_WARN_UNUSED nsc_status nsc_constants_json(char **out, nsc_error *err);

/* ---- training ---------------------------------------------------------------------------------------------------- */

/*
 * Pictures with labels -> a network -> a model file. A training owns its data, its network and what it has learned.
 *
 *   nsc_training_create("{\"labels\":[\"normal\",\"lesion\"],\"width\":64,\"height\":64,\"channels\":1}", &t, err);
 *   nsc_training_add_image(t, image, 0, "a.dcm", NULL, 0, NSC_SPLIT_OPEN, err);  ...
 *   nsc_training_split(t, "{\"validation\":0.15,\"test\":0.15,\"seed\":1}", err);
 *   nsc_training_begin(t, "{\"net\":\"small\",\"epochs\":20,\"seed\":1}", threads, err);
 *   do nsc_training_run(t, 200, &cancel, &finished, err); while (!finished);      // 200 ms of work at a time
 *   nsc_training_evaluate(t, "{\"split\":\"test\"}", &json, err);
 *   nsc_training_model(t, "{\"name\":\"mine\"}", &bytes, &size, err);              // ONNX, opens with nsc_model_open
 *
 * Texts in and out are JSON (RFC 8259). A member that is left out has its default; an unknown one is an ARGUMENT error
 * that names it.
 */
typedef struct nsc_training nsc_training;

enum { NSC_SPLIT_OPEN = -1 }; /* otherwise 0 training, 1 validation, 2 test */

/*
 * `data` = {"labels": [text, ...], "width", "height": 8..1024, "channels": 1 | 3, "fit": "stretch" | "crop" | "pad",
 * "range", "steps": as in a recipe, "invert": false, "budget": bytes that pictures may take (1 GiB)}. Without "labels"
 * the first file of nsc_training_add_npz brings them.
 */
NSC_WARN_UNUSED nsc_status nsc_training_create(const char *data, nsc_training **out, nsc_error *err);
void nsc_training_free(nsc_training *training);

/* One frame becomes a sample. `name` is shown to people; samples of one `patient` stay in one split; NULL or "": it is
 * not known. The image stays the caller's. Errors: those of nsc_preprocess, LIMIT when the budget is used up. */
NSC_WARN_UNUSED nsc_status nsc_training_add_image(nsc_training *training, nsc_image *image, uint32_t frame,
                                                  const char *name, const char *patient, uint32_t label, int split,
                                                  nsc_error *err);

/* All samples of a MedMNIST .npz (Yang et al., Sci Data 10:41, 2023), with its own splits. `labels`: JSON list of names
 * in the order of the file's numbers, or NULL. The source stays the caller's. */
NSC_WARN_UNUSED nsc_status nsc_training_add_npz(nsc_training *training, const nsc_source *source, const char *labels,
                                                nsc_error *err);

/* {"validation": 0.15, "test": 0, "seed": 1, "folds": 0, "fold": 0}: shares of all samples, stratified by label, whole
 * patients together; with "folds" the fold is the validation split. Samples with a split of their own keep it. */
NSC_WARN_UNUSED nsc_status nsc_training_split(nsc_training *training, const char *how, nsc_error *err);

/*
 * {"width","height","channels","bytes","budget","steps": as nsc_steps_json,
 *  "labels":[{"name","train","validation","test"}],"samples":[[label, split], ...]}. Names of samples are the caller's
 *  own, or nsc_training_name's.
 */
NSC_WARN_UNUSED nsc_status nsc_training_data_json(const nsc_training *training, char **out, nsc_error *err);

/* [{"sample","first","exact","acrossSplits","differentLabels"}] with indices of samples: `sample` looks like `first`,
 * which stands before it. All pictures are compared: tenths of a second for thousands. */
NSC_WARN_UNUSED nsc_status nsc_training_duplicates_json(const nsc_training *training, char **out, nsc_error *err);

/* NULL when there is no such sample. Valid as long as the training. */
const char *nsc_training_name(const nsc_training *training, uint32_t sample);

/* A sample as the network sees it before normalising, [height][width][4]; with `augment` ({"augment": as in begin})
 * changed as training might, differently for each `draw`. `size` must be width * height * 4. */
NSC_WARN_UNUSED nsc_status nsc_training_picture(const nsc_training *training, uint32_t sample, const char *augment,
                                                uint32_t draw, uint8_t *rgba, size_t size, nsc_error *err);

/*
 * What a form needs: {"networks":[{"name","what","parameters" at this size | null,"reason" why not | null}],
 * "optimisers":[..],"schedules":[..],"balances":[..],"augments":[{"name", ...fields}],"defaults":{..as begin..}}.
 */
NSC_WARN_UNUSED nsc_status nsc_training_choices_json(const nsc_training *training, char **out, nsc_error *err);

/* A model whose layers a network may start from ("net": "base" below). The training takes the source over on success;
 * what an earlier one learned is forgotten. Errors as of nsc_model_open. */
NSC_WARN_UNUSED nsc_status nsc_training_set_base(nsc_training *training, nsc_source *source, nsc_error *err);

/*
 * {"net": "small", "epochs": 20, "batch": 32, "rate": 0.001, "schedule": "one-cycle", "warmUp": 0,
 *  "optimiser": "adamw", "momentum": 0.9, "nesterov": false, "decay": 0.02, "clip": 5, "smoothing": 0, "focal": 0
 * (gamma, two labels), "balance": "none" | "weights" | "over" | "under", "average": 0.99, "keep": "best" | "last",
 * "patience": 0, "seed": 1, "augment": "none" | "film" | "usual" | {"flipHorizontal", "rotation", ...}} "net" may be
 * "base": the model of nsc_training_set_base with a new head, or with "head": "keep" its own. "trainable": "all",
 * "head", or how many convolutions and dense layers from the end; the rest keeps its weights. A head alone with
 * "augment": "none" learns from features that are computed once. "continue": true goes on with the network as it is,
 * with these options. Builds the network and forgets what an earlier one learned. Two labels give one sigmoid output,
 * more a softmax. `threads`: 0 means one. Errors: ARGUMENT names the member, SHAPE, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_training_begin(nsc_training *training, const char *options, uint32_t threads,
                                              nsc_error *err);

/*
 * Works for about `milliseconds` (at least one batch), or until training has ended; *finished says so. May be called
 * again after any return, also after CANCELLED. CORRUPT: the loss became infinite; the best weights stay.
 */
NSC_WARN_UNUSED nsc_status nsc_training_run(nsc_training *training, double milliseconds, const volatile int32_t *cancel,
                                            bool *finished, nsc_error *err);

/*
 * {"state": "ready" | "training" | "finished", "epoch" (of the present one, 1-based), "epochs", "batch", "batches",
 *  "loss" (mean of this epoch so far), "rate", "imagesPerSecond", "secondsLeft", "bestEpoch", "bytes" (memory of
 *  network and trainer), "net", "parameters", "task",
 *  "base": null | {"name", "limits", "license", "inherited": what nsc_training_model says of limits unless it is told}
 *  of the model that the network began with, where that one has limits or a licence,
 *  "history": [{"epoch", "trainLoss", "validationLoss", "validationAccuracy", "rate", "seconds", "imagesPerSecond",
 *  "best"}]}
 */
NSC_WARN_UNUSED nsc_status nsc_training_status_json(const nsc_training *training, char **out, nsc_error *err);

/*
 * {"split": "validation" | "test" | "train", "threshold": number | null (the one found on validation), "sensitivity":
 * that the one found is to reach (0: Youden's), "bootstrap": 0, "neighbours": 0 (else scores are shares of so many
 * nearest training samples of other patients, see below)}: with the best weights so far. Out:
 * {"threshold","temperature","report": as nsc_eval_json, "cases": [[sample, truth, called, score of each label...],
 * ...]}. ARGUMENT when the split is empty.
 */
NSC_WARN_UNUSED nsc_status nsc_training_evaluate(nsc_training *training, const char *how, char **out, nsc_error *err);

enum { NSC_MOST_NEIGHBOURS = 100 };

/*
 * The `k` training samples that look most like a picture to the layers before the network's head, and their labels'
 * shares: an answer without training, from a few pictures a label. {"scores": [share of each label], "nearest":
 * [[sample, similarity -1..1], ...]}, the most similar first. Follows nsc_training_begin.
 */
NSC_WARN_UNUSED nsc_status nsc_training_neighbours(nsc_training *training, nsc_image *image, uint32_t frame, uint32_t k,
                                                   char **out, nsc_error *err);

/* The best weights so far as an ONNX file with nsc.* metadata. {"name", "title", "limits", "license", "threshold":
 * number | null, "half": false}. Limits and licence that are not given are those of the model that the network began
 * with; "" leaves them out. *bytes is ended by nsc_text_free. */
NSC_WARN_UNUSED nsc_status nsc_training_model(nsc_training *training, const char *facts, char **bytes, size_t *size,
                                              nsc_error *err);

/*
 * Everything that training needs to go on as if it had not been interrupted, bit for bit: weights, averages, momenta,
 * the place in the epoch. Not the pictures. It is several times as large as the network and comes in parts that belong
 * to the training, to be written one behind the other: part 0, 1, ... until *bytes is NULL, without anything else in
 * between (ARGUMENT). `resume` takes the whole; it follows a `begin` with the same options on the same data; otherwise
 * ARGUMENT says what differs. CORRUPT, TRUNCATED: nothing has changed.
 */
NSC_WARN_UNUSED nsc_status nsc_training_checkpoint(nsc_training *training, uint32_t part, const void **bytes,
                                                   size_t *size, nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_training_resume(nsc_training *training, const uint8_t *bytes, size_t size,
                                               nsc_error *err);

/* The pictures with their names, labels and splits, so that a training can go on without the files. *bytes is ended by
 * nsc_text_free. Errors of `restore`: CORRUPT, TRUNCATED, UNSUPPORTED (another version), LIMIT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_training_save_data(const nsc_training *training, char **bytes, size_t *size,
                                                  nsc_error *err);
NSC_WARN_UNUSED nsc_status nsc_training_restore_data(const uint8_t *bytes, size_t size, nsc_training **out,
                                                     nsc_error *err);

#ifdef __cplusplus
}
#endif

#endif
