/* Many files: headers, series, directories, archives. Part of negatoscope.h, which has the conventions. */
#ifndef NEGATOSCOPE_SERIES_H
#define NEGATOSCOPE_SERIES_H

#include "negatoscope/image.h"

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif

#endif
